"""Microstructure: by hand from the papers, against numpy and SciPy, and where nothing moves or trades."""

import math

import numpy as np
import polars as pl
import pytest
from scipy import stats

from trading_assets.features.microstructure.catalogue import SET
from trading_assets_tests.features.bars import as_intraday, bars_of, features_of, last_of, not_finite, wrong_nulls
from trading_assets_tests.features.extremes import OHLCV, STILL_FROM, UNTRADED_FROM, extreme_names, now_and_then
from trading_assets_tests.point_in_time.sample import random_bars

FROM_THE_FIRST = ("vwap_distance", "session_return", "session_range_position", "session_volume_share")
"""Features whose window is filled by a session's first bar, however long it can get."""
PER_SESSION = 60
EXTREME_BARS = 900


def minutes(prices, volume=None):
    return bars_of(prices, volume, interval="minute")


def last_minute(prices, volume=None):
    return last_of(SET, minutes(prices, volume), "minute")


@pytest.fixture(scope="module")
def usual():
    return as_intraday(random_bars("A", EXTREME_BARS - 7), per_session=PER_SESSION)


@pytest.fixture(scope="module")
def plain(usual):
    """Features of the last bar, in plain numpy and SciPy."""
    o, h, l, c, v = (usual[name].to_numpy().astype(float) for name in OHLCV)  # noqa: E741 - the letters of the field
    return {
        **session(o, h, l, c, v),
        **prices(h, l, c, v),
        **spreads(h, l, c),
        **impact(c, v),
        **flow(c, v),
        **trading(c, v),
    }


def session(o, h, l, c, v):  # noqa: E741
    so_far = slice(-(len(c) % PER_SESSION), None)
    t, s = ((h + l + c) / 3)[so_far], v[so_far]
    bottom, top = l[so_far].min(), h[so_far].max()
    return {
        "vwap_distance": c[-1] / np.average(t, weights=s) - 1,
        "session_return": math.log(c[-1] / o[so_far][0]),
        "session_range_position": (c[-1] - bottom) / (top - bottom),
        "session_volume_share": s[-1] / s.sum(),
    }


def prices(h, l, c, v):  # noqa: E741
    t = (h + l + c) / 3
    h, l, now, s = h[-120:], l[-120:], c[-1], v[-120:]  # noqa: E741
    return {
        **{f"vwap_distance_{n}": now / np.average(t[-n:], weights=v[-n:]) - 1 for n in (30, 120)},
        "volume_below_120": s[t[-120:] <= now].sum() / s.sum(),
        "volume_at_price_120": s[(l <= now) & (now <= h)].sum() / s.sum(),
    }


def spreads(h, l, c):  # noqa: E741
    r = np.diff(np.log(c))
    found = {}
    for n in (30, 120):
        covariance = np.cov(r[-n:], r[-n - 1 : -1])[0, 1]
        found[f"roll_spread_{n}"] = 2 * math.sqrt(max(-covariance, 0))
    each = [corwin_schultz(h[i - 1 : i + 1], l[i - 1 : i + 1], c[i - 1]) for i in range(len(c) - 30, len(c))]
    p, middle = np.log(c), (np.log(h) + np.log(l)) / 2
    abdi = np.mean((p[:-1] - middle[:-1])[-30:] * (p[:-1] - middle[1:])[-30:])
    zeros = np.mean(r[-120:] == 0)
    return found | {
        "corwin_schultz_spread_30": np.mean(each),
        "abdi_ranaldo_spread_30": 2 * math.sqrt(max(abdi, 0)),
        "fht_spread_120": 2 * r[-120:].std(ddof=1) * stats.norm.ppf((1 + zeros) / 2),
    }


def corwin_schultz(h, l, before):  # noqa: E741
    """Spread of two bars, the second moved by a factor to where the first one closed if it lies beside."""
    factor = before / l[1] if l[1] > before else before / h[1] if h[1] < before else 1.0
    h, l = np.array([h[0], h[1] * factor]), np.array([l[0], l[1] * factor])  # noqa: E741
    beta, gamma = np.sum(np.log(h / l) ** 2), math.log(h.max() / l.min()) ** 2
    k = 3 - 2 * math.sqrt(2)
    alpha = (math.sqrt(2 * beta) - math.sqrt(beta)) / k - math.sqrt(gamma / k)
    return max(2 * (math.exp(alpha) - 1) / (1 + math.exp(alpha)), 0)


def impact(c, v):
    r = np.diff(np.log(c))
    illiquidity = np.abs(r) / (c * v)[1:]
    jumps = np.log(c[5:] / c[:-5])[-116:]
    found = {}
    for name, size in (("kyle", v), ("hasbrouck", np.sqrt(c * v))):
        signed = (np.sign(r) * size[1:])[-120:]
        found[f"{name}_lambda_120"] = stats.linregress(signed, r[-120:]).slope * size[-120:].mean()
    return found | {
        "amihud_ratio_30_390": illiquidity[-30:].mean() / illiquidity[-390:].mean(),
        "variance_signature_5_120": np.mean(jumps**2) / 5 / np.mean(r[-120:] ** 2),
    }


def flow(c, v):
    r, s = np.diff(np.log(c)), v[1:]
    deviation = np.array([r[end - 120 : end].std(ddof=1) for end in range(len(r) - 119, len(r) + 1)])
    buys = s[-120:] * stats.norm.cdf(r[-120:] / deviation)
    excess = 2 * buys - s[-120:]
    return {
        **{f"tick_imbalance_{n}": np.sum(np.sign(r[-n:]) * s[-n:]) / s[-n:].sum() for n in (30, 120)},
        "bulk_imbalance_30": excess[-30:].sum() / s[-30:].sum(),
        "vpin_120": np.abs(excess).sum() / s[-120:].sum(),
    }


def trading(c, v):
    r = np.diff(c)
    return {
        "volume_intensity_30_390": v[-30:].mean() / v[-390:].mean(),
        "traded_share_30": np.mean(v[-30:] > 0),
        "bars_since_trade": 0.0,
        "volume_concentration_30": np.sum(v[-30:] ** 2) / np.sum(v[-30:]) ** 2,
        **{f"zero_return_share_{n}": np.mean(r[-n:] == 0) for n in (30, 120)},
    }


@pytest.fixture(scope="module")
def found(usual):
    return last_of(SET, usual, "minute")


@pytest.mark.parametrize("name", SET.features)
def test_a_feature_is_what_numpy_and_scipy_give(name, found, plain):
    assert found[name] == pytest.approx(plain[name], rel=1e-9, abs=1e-15)


class TestByHand:
    def test_the_session_s_vwap_begins_anew_with_each_session(self):
        # a session of 60 bars at 90, then three of 100, 101 and 103 with 100, 300 and 0 shares
        got = last_minute([*[90.0] * 60, 100.0, 101.0, 103.0], [*[5000] * 60, 100, 300, 0])
        vwap = (100 * 100 + 300 * 101) / 400
        assert got["vwap_distance"] == pytest.approx(103 / vwap - 1, rel=1e-12)
        assert got["session_return"] == pytest.approx(math.log(103 / 100))
        assert got["session_range_position"] == 1.0
        assert got["session_volume_share"] == 0.0

    def test_a_bounce_between_bid_and_ask_is_roll_s_spread(self):
        closes = np.exp(np.where(np.random.default_rng(1).random(10_000) < 0.5, 0.0, 0.01)) * 50.0
        got = features_of(SET, bars_of(closes, interval="minute"), "minute")
        assert got["roll_spread_120"].mean() == pytest.approx(0.01, rel=0.02)

    def test_corwin_and_schultz_s_spread_of_two_bars(self):
        # both bars range from 99 to 101, so beta is 2 gamma and alpha is the whole range
        bars = [(100.0, 101.0, 99.0, 100.0)] * 31
        gamma = math.log(101 / 99) ** 2
        k = 3 - 2 * math.sqrt(2)
        alpha = (math.sqrt(2 * 2 * gamma) - math.sqrt(2 * gamma)) / k - math.sqrt(gamma / k)
        assert alpha == pytest.approx(math.log(101 / 99))
        spread = 2 * (101 / 99 - 1) / (1 + 101 / 99)
        assert spread == pytest.approx(0.02)
        assert last_minute(bars)["corwin_schultz_spread_30"] == pytest.approx(0.02)

    def test_a_gap_between_two_bars_is_no_spread(self):
        bars = [(100.0, 101.0, 99.0, 100.0)] * 31
        beside = [(200.0, 202.0, 198.0, 200.0)]
        # moved down until its low lies at the close before, the last bar ranges from 100 to 102.02
        moved = corwin_schultz(np.array([101.0, 100 * 202 / 198]), np.array([99.0, 100.0]), 100.0)
        assert last_minute(bars + beside)["corwin_schultz_spread_30"] == pytest.approx((29 * 0.02 + moved) / 30)

    def test_abdi_and_ranaldo_s_spread_of_closes_at_the_ask(self):
        # the close lies 1 % above the middle of its bar and of the next one
        bars = [(100.0, 101.0, 101.0 / 1.01**2, 101.0)] * 31
        assert last_minute(bars)["abdi_ranaldo_spread_30"] == pytest.approx(2 * math.log(1.01))

    def test_volume_moves_with_the_tick(self):
        # 31 bars: 20 rise with 100 shares, 10 fall with 50
        closes = 100.0 + np.cumsum(np.r_[0.0, [1.0] * 20, [-1.0] * 10])
        got = last_minute(closes, [0, *[100] * 20, *[50] * 10])
        assert got["tick_imbalance_30"] == pytest.approx((2000 - 500) / 2500)
        assert got["volume_concentration_30"] == pytest.approx((20 * 100**2 + 10 * 50**2) / 2500**2)

    def test_a_price_that_moves_with_signed_volume_has_kyle_s_lambda(self):
        volume = np.random.default_rng(2).integers(1, 50, 121) * 100
        signs = np.random.default_rng(3).choice([-1.0, 1.0], 121)
        closes = 50.0 * np.exp(np.cumsum(1e-6 * signs * volume))
        got = last_minute(closes, volume)
        assert got["kyle_lambda_120"] == pytest.approx(1e-6 * volume[1:].mean(), rel=1e-6)

    def test_the_share_of_volume_at_and_below_a_price(self):
        # typical prices 10 (100 shares), 11 (200), 12 (300) and the close at 11, in a bar without volume
        bars = [(10.0, 10.0, 10.0, 10.0)] * 40 + [(11.0, 12.0, 10.0, 11.0)] * 40 + [(12.0, 12.0, 12.0, 12.0)] * 40
        got = last_minute([*bars[1:], (11.0, 11.0, 11.0, 11.0)], [*[100] * 39, *[200] * 40, *[300] * 40, 0])
        whole = 39 * 100 + 40 * 200 + 40 * 300
        assert got["volume_below_120"] == pytest.approx((39 * 100 + 40 * 200) / whole)
        assert got["volume_at_price_120"] == pytest.approx(40 * 200 / whole)

    def test_bars_since_the_last_trade(self):
        closes = np.full(80, 10.0)
        assert last_minute(closes, [*[1] * 70, *[0] * 10])["bars_since_trade"] == 10.0
        assert last_minute(closes, [*[1] * 10, *[0] * 70])["bars_since_trade"] == 60.0
        assert last_minute(closes[:30], [0] * 30)["bars_since_trade"] is None

    def test_a_bounce_has_less_variance_over_five_bars_than_over_one(self):
        # five steps up and down end 1 % away: 0.01^2 / 5 over 0.01^2
        got = last_minute(50.0 * np.exp(0.01 * (np.arange(121) % 2)))
        assert got["variance_signature_5_120"] == pytest.approx(0.2)


class TestDegenerateWindows:
    @pytest.fixture(scope="class")
    def extremes(self):
        bars = as_intraday(extreme_names(EXTREME_BARS), per_session=PER_SESSION)
        return features_of(SET, bars, "minute")

    def test_a_value_is_null_only_while_its_window_is_not_filled_and_finite_after(self, extremes):
        filled = {name: one for name, one in SET.features.items() if name not in FROM_THE_FIRST}
        assert wrong_nulls(extremes, {name: one for name, one in filled.items() if name != "bars_since_trade"}) == []
        assert extremes.select(pl.col(FROM_THE_FIRST).null_count()).row(0) == (0,) * len(FROM_THE_FIRST)
        row = pl.int_range(pl.len()).over("symbol")
        assert extremes.filter(pl.col("bars_since_trade").is_null() & (row >= 59)).is_empty()
        assert not_finite(extremes, SET.features) == []

    def test_a_name_that_stops_has_exact_values_as_soon_as_its_windows_are_still(self, extremes):
        neutral = {
            "session_range_position": 0.5,
            "volume_below_120": 0.5,
            "amihud_ratio_30_390": 1.0,
            "volume_intensity_30_390": 1.0,
            "variance_signature_5_120": 1.0,
            "bars_since_trade": 60.0,
            **{f"zero_return_share_{n}": 1.0 for n in (30, 120)},
        }
        stopped = extremes.filter(symbol="STOPPED")
        for name, one in SET.features.items():
            still = stopped[name][max(STILL_FROM, UNTRADED_FROM) + one.lookback + 1 :]
            assert len(still) > 50
            assert still.unique().to_list() == [neutral.get(name, 0.0)], name

    def test_flat_prices_that_trade_are_at_their_vwap_to_the_last_bit(self, extremes):
        flat = extremes.filter(symbol="FLAT")
        for name in ("vwap_distance", "vwap_distance_30", "vwap_distance_120"):
            assert flat[name].drop_nulls().unique().to_list() == [0.0], name
        assert flat["volume_at_price_120"].drop_nulls().unique().to_list() == [1.0]

    def test_shares_and_imbalances_stay_in_their_bounds_whatever_the_magnitudes(self):
        bars = pl.concat([now_and_then(["A", "B"]), random_bars(["C"], 600)])
        got = features_of(SET, as_intraday(bars), "minute")
        bounds = {name: (0.0, 1.0) for name, one in SET.features.items() if one.unit == "fraction"}
        bounds |= {name: (-1.0, 1.0) for name in SET.features if "imbalance" in name}
        bounds |= dict.fromkeys(("amihud_ratio_30_390", "volume_intensity_30_390"), (0.0, 13.0))
        bounds |= {name: (0.0, 60.0) for name in SET.features if "spread" in name or name == "bars_since_trade"}
        assert [name for name, (low, high) in bounds.items() if not got[name].is_between(low, high).all()] == []


def test_sessions_longer_than_the_longest_count_their_last_bars():
    closes = np.linspace(100.0, 130.0, 500)
    bars = bars_of(closes, interval="minute", per_session=500)
    got = last_of(SET, bars, "minute")
    assert got["session_return"] == pytest.approx(math.log(closes[-1] / closes[-390]))
    assert got["vwap_distance"] == pytest.approx(closes[-1] / closes[-390:].mean() - 1)


def test_hours_have_the_same_features():
    bars = as_intraday(random_bars("A", 450), "hourly", per_session=7)
    got = features_of(SET, bars, "hourly")
    assert list(got.columns) == ["symbol", "date", "ts", *SET.features]
    assert None not in got.row(-1)
    assert "daily" not in SET.intervals
