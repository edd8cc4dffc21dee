"""Price action against plain numpy over a name's whole life, and of bars in which nothing happens."""

# ruff: noqa: E741 - the letters of the field: open, high, low, close and volume

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from trading_assets.features.compute import compute
from trading_assets.features.price_action.catalogue import SET
from trading_assets.point_in_time.adjustment import forward_adjust
from trading_assets_tests.features.extremes import (
    OHLCV,
    STILL_FROM,
    ago,
    assert_to_a_billionth,
    extreme_names,
    last,
    now_and_then,
)
from trading_assets_tests.point_in_time.sample import actions, real_bars, real_splits

ALL_TIME = {"start": date(2000, 1, 1), "end": date(2020, 12, 31), "dtype": np.float64}


@pytest.fixture(scope="module")
def computed():
    return compute([SET], real_bars("MSFT"), real_splits(), **ALL_TIME)["price_action"]


@pytest.fixture(scope="module")
def expected():
    adjusted = forward_adjust(real_bars("MSFT"), real_splits())
    o, h, l, c, _ = (adjusted[name].to_numpy() for name in OHLCV)
    return {**returns(c), **locations(h, l, c), **shape(o, h, l, c), **gaps(o, h, l, c), **signs(c)}


def returns(c):
    log = {n: np.log(c / ago(c, n)) for n in (1, 5, 10, 21, 63, 126, 252)}
    return {
        **{f"log_return_{n}": values for n, values in log.items()},
        **{f"return_{n}": (c - ago(c, n)) / ago(c, n) for n in (1, 5, 21)},
        "momentum_252_21": np.log(ago(c, 21) / ago(c, 252)),
        "acceleration_5": np.log(c * ago(c, 10) / ago(c, 5) ** 2),
        "acceleration_21": np.log(c * ago(c, 42) / ago(c, 21) ** 2),
        "max_return_21": last(log[1], 21).max(axis=1),
        "min_return_21": last(log[1], 21).min(axis=1),
    }


def locations(h, l, c):
    above, below = ago(last(h, 20).max(axis=1), 1), ago(last(l, 20).min(axis=1), 1)
    return {
        **{f"distance_to_high_{n}": c / last(h, n).max(axis=1) - 1 for n in (21, 63, 252)},
        **{f"distance_to_low_{n}": c / last(l, n).min(axis=1) - 1 for n in (21, 63, 252)},
        "breakout_20": known(np.select([c > above, c < below], [1.0, -1.0], 0.0), 20),
    }


def shape(o, h, l, c):
    size = np.where(h == l, 1.0, h - l)
    body_high, body_low = np.max([o, c], axis=0), np.min([o, c], axis=0)
    inside = (h < ago(h, 1)) & (l > ago(l, 1))
    outside = (h > ago(h, 1)) & (l < ago(l, 1))
    return {
        "close_to_open": (c - o) / o,
        "high_to_low": (h - l) / l,
        "close_location": (2 * c - h - l) / size,
        "body_share": (body_high - body_low) / size,
        "upper_wick_share": (h - body_high) / size,
        "lower_wick_share": (body_low - l) / size,
        "range_expansion_21": (h - l) / last(h - l, 21).mean(axis=1),
        "inside_bar": known(inside, 1),
        "outside_bar": known(outside, 1),
        "narrow_range_7": known(last(h - l, 7)[:, -1] < last(h - l, 7)[:, :-1].min(axis=1), 6),
    }


def gaps(o, h, l, c):
    before = ago(c, 1)
    gap, body = np.log(o / before), np.log(c / o)
    went = np.where(o > before, np.maximum(l, before), np.minimum(h, before))
    overnight, session = last(gap**2, 21).sum(axis=1), last(body**2, 21).sum(axis=1)
    return {
        "overnight_gap": gap,
        "gap_filled_share": np.where(o == before, 0.0, (o - went) / np.where(o == before, 1.0, o - before)),
        "gap_z_63": (gap - last(gap, 63).mean(axis=1)) / last(gap, 63).std(axis=1, ddof=1),
        "gap_share_21": overnight / (overnight + session),
    }


def signs(c):
    sign = np.sign(c - ago(c, 1))
    streak = np.full(c.size, np.nan)
    for row in range(10, c.size):
        recent = sign[row - 9 : row + 1][::-1]
        run = next((number for number, one in enumerate(recent) if one != recent[0]), 10)
        streak[row] = run * recent[0]
    return {
        "return_sign": sign,
        "streak_10": streak,
        **{f"up_share_{n}": last(known(sign > 0, 1), n).mean(axis=1) for n in (21, 63)},
    }


def known(values, first):
    return np.where(np.arange(values.size) < first, np.nan, values.astype(float))


def test_every_feature_has_a_reference(expected):
    assert set(expected) == set(SET.features)


@pytest.mark.parametrize("name", SET.features)
def test_values_are_those_of_the_formula(name, computed, expected):
    first = SET.features[name].lookback
    assert np.isnan(expected[name][:first]).all()
    assert_to_a_billionth(computed[name].to_numpy()[first:], expected[name][first:], name)


NEUTRAL = {"range_expansion_21": 1.0, "gap_share_21": 0.5}
"""Values while nothing moves; 0 where none is named."""


def test_a_name_that_stops_has_exact_values_as_soon_as_its_windows_are_still():
    stopped = compute([SET], extreme_names(), actions(), **ALL_TIME)["price_action"].filter(symbol="STOPPED")
    for name, feature in SET.features.items():
        values = stopped[name].slice(STILL_FROM + 1 + feature.lookback)
        assert values.unique().to_list() == [NEUTRAL.get(name, 0.0)], name


def test_values_of_names_that_barely_trade_are_finite_and_in_their_bounds():
    panel = pl.concat([extreme_names(), now_and_then([f"S{i:02}" for i in range(20)])])
    result = compute([SET], panel, actions(), **ALL_TIME)["price_action"]
    values = result.drop_nulls().select(list(SET.features))
    assert values.height > 8000
    assert np.isfinite(values.to_numpy()).all()
    share, sign = (0.0, 1.0), (-1.0, 1.0)
    fractions = [name for name, feature in SET.features.items() if feature.unit in {"fraction", "flag"}]
    bounds = {
        **dict.fromkeys(fractions, share),
        **dict.fromkeys(("close_location", "return_sign", "breakout_20"), sign),
        **dict.fromkeys(("distance_to_high_21", "distance_to_high_63", "distance_to_high_252"), (-1.0, 0.0)),
        "streak_10": (-10.0, 10.0),
        "range_expansion_21": (0.0, 21.0 + 1e-9),
        "gap_z_63": (-62 / 63**0.5 - 1e-9, 62 / 63**0.5 + 1e-9),
    }
    for name, (low, high) in bounds.items():
        assert values[name].is_between(low, high).all(), name


class TestByHand:
    """A few bars with the arithmetic in the reader's head."""

    @staticmethod
    def of(*bars):
        days = [date(2024, 1, 1) + timedelta(days=number) for number in range(len(bars))]
        named = dict(zip(OHLCV[:4], zip(*bars, strict=True), strict=True))
        frame = pl.DataFrame({"symbol": "A", "date": days, **named, "volume": 100}, strict=False)
        window = {"start": days[0], "end": days[-1], "dtype": np.float64}
        prices = frame.with_columns(pl.col(OHLCV[:4]).cast(pl.Float64))
        return compute([SET], prices, actions(), **window)["price_action"].row(-1, named=True)

    def test_half_of_an_upward_gap_is_filled(self):
        found = self.of((10, 10, 10, 10), (14, 15, 12, 14))
        assert found["gap_filled_share"] == 0.5

    def test_a_downward_gap_is_filled_and_no_more_than_filled(self):
        found = self.of((10, 10, 10, 10), (8, 13, 8, 12))
        assert found["gap_filled_share"] == 1.0

    def test_a_bar_has_a_body_and_two_wicks(self):
        found = self.of((12, 20, 10, 17))
        shares = [found[name] for name in ("lower_wick_share", "body_share", "upper_wick_share", "close_location")]
        assert shares == pytest.approx([0.2, 0.5, 0.3, 0.4])

    @pytest.mark.parametrize(
        ("bar", "inside", "outside"),
        [
            ((10, 11, 9, 10), 1.0, 0.0),
            ((10, 13, 7, 10), 0.0, 1.0),
            ((10, 12, 9, 10), 0.0, 0.0),
            ((12, 13, 11, 12), 0.0, 0.0),
        ],
    )
    def test_a_bar_lies_within_the_one_before_or_around_it(self, bar, inside, outside):
        found = self.of((10, 12, 8, 10), bar)
        assert (found["inside_bar"], found["outside_bar"]) == (inside, outside)

    def test_a_streak_ends_where_the_price_stands_still(self):
        closes = [20, 19, 18, 17, 16, 15, 14, 13, 13, 14, 15, 16]
        found = self.of(*((c, c, c, c) for c in closes))
        assert found["streak_10"] == 3.0

    def test_a_streak_is_counted_over_ten_bars(self):
        found = self.of(*((c, c, c, c) for c in range(40, 20, -1)))
        assert found["streak_10"] == -10.0

    def test_a_close_above_all_highs_of_twenty_bars_breaks_out(self):
        quiet = [(10, 11, 9, 10)] * 20
        closes = {11.5: 1.0, 11.0: 0.0, 10.0: 0.0, 9.0: 0.0, 8.5: -1.0}
        assert {c: self.of(*quiet, (10, 12, 8, c))["breakout_20"] for c in closes} == closes
