"""Statistics of returns: by hand, against numpy and SciPy on a real name, and where nothing moves."""

import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy import stats

from trading_assets.features.statistical.catalogue import SET
from trading_assets.features.statistical.market import market_returns
from trading_assets_tests.features.bars import bars_of, features_of, last_of, not_finite, wrong_nulls
from trading_assets_tests.features.extremes import STILL_FROM, extreme_names, now_and_then
from trading_assets_tests.point_in_time.sample import actions, random_bars, real_bars

NAMES = ("AAPL", "GOOG", "IBM", "MSFT")
ENTROPIES = ("sign_entropy_63", "permutation_entropy_63")


def walk(returns):
    return bars_of(100.0 * np.exp(np.cumsum(np.r_[0.0, returns])))


def market_for(bars, returns):
    """Market with a return on each bar but the first."""
    return pl.DataFrame({"date": bars["date"], "market_return": np.r_[np.nan, returns]}).with_columns(
        pl.col("market_return").fill_nan(None)
    )


@pytest.fixture(scope="module")
def real():
    bars = real_bars(*NAMES).filter(pl.col("date").is_between(date(2005, 3, 1), date(2008, 12, 31)))
    return bars, market_returns(bars, actions())


@pytest.fixture(scope="module")
def plain(real):
    """Features of the last bar of IBM, in plain numpy and SciPy."""
    bars, market = real
    ibm = bars.filter(symbol="IBM").join(market, on="date", how="left").sort("date")
    close, m = ibm["close"].to_numpy(), ibm["market_return"].to_numpy()[1:]
    p = np.log(close)
    r, change = np.diff(p), close[1:] / close[:-1] - 1
    return {**moments(p, r), **memory(p, r), **co_movement(r, change, m), **regime(r)}


def moments(p, r):
    worst, best = np.sort(r[-126:])[:7], np.sort(r[-126:])[-7:]
    return {
        **{f"return_skew_{n}": stats.skew(r[-n:]) for n in (63, 126)},
        **{f"return_kurtosis_{n}": stats.kurtosis(r[-n:]) for n in (63, 126)},
        **{f"return_z_{n}": stats.zscore(r[-n:], ddof=1)[-1] for n in (21, 63)},
        "price_z_63": stats.zscore(p[-63:], ddof=1)[-1],
        "outlier_share_126": np.mean(np.abs(stats.zscore(r[-126:], ddof=1)) > 2),
        "value_at_risk_126": -worst[-1],
        "expected_shortfall_126": -worst.mean(),
        "tail_asymmetry_126": (best.mean() + worst.mean()) / (best.mean() - worst.mean()),
    }


def memory(p, r):
    found = {}
    for lag in (1, 5):
        now, before = r[-63:], r[-63 - lag : -lag]
        found[f"return_autocorrelation_63_lag_{lag}"] = np.corrcoef(now, before)[0, 1]
        found[f"absolute_autocorrelation_63_lag_{lag}"] = np.corrcoef(np.abs(now), np.abs(before))[0, 1]
    path, count = p[-127:], 126
    drift = (path[-1] - path[0]) / count
    for q in (2, 5, 10):
        long = np.sum((path[q:] - path[:-q] - q * drift) ** 2) / (q * (count - q + 1) * (1 - q / count))
        found[f"variance_ratio_{q}_126"] = long / np.var(np.diff(path), ddof=1)
    scales = (1, 2, 4, 8, 16)
    spread = [np.sqrt(np.mean((p[-126:] - p[-126 - s : -s]) ** 2)) for s in scales]
    sums = np.cumsum(r[-63:] - r[-63:].mean())
    return found | {
        "hurst_exponent_126": np.polyfit(np.log(scales), np.log(spread), 1)[0],
        "rescaled_range_63": (sums.max() - sums.min()) / (r[-63:].std() * math.sqrt(63)),
        "sign_entropy_63": entropy([tuple(r[i : i + 3] > 0) for i in range(len(r) - 65, len(r) - 2)], 8),
        "permutation_entropy_63": entropy([order(p[i : i + 3]) for i in range(len(p) - 65, len(p) - 2)], 6),
    }


def order(values):
    return tuple(np.argsort(values, kind="stable"))


def entropy(patterns, kinds):
    assert len(patterns) == 63
    shares = np.unique(np.array(patterns), axis=0, return_counts=True)[1] / len(patterns)
    return -np.sum(shares * np.log(shares)) / math.log(kinds)


def co_movement(r, change, m):
    beta, alpha, correlation, *_ = stats.linregress(m[-63:], change[-63:])
    residuals = change[-63:] - alpha - beta * m[-63:]
    down = m[-126:] < m[-126:].mean()
    a, b = change[-126:] - change[-126:].mean(), m[-126:] - m[-126:].mean()
    return {
        "beta_63": beta,
        "beta_126": stats.linregress(m[-126:], change[-126:]).slope,
        "alpha_63": 252 * alpha,
        "downside_beta_126": stats.linregress(m[-126:][down], change[-126:][down]).slope,
        "market_correlation_63": correlation,
        "market_r_squared_63": correlation**2,
        "market_delay_correlation_63": np.corrcoef(change[-63:], m[-64:-1])[0, 1],
        "idiosyncratic_volatility_63": math.sqrt(252 * np.sum(residuals**2) / 61),
        "co_skewness_126": np.mean(a * b**2) / (a.std() * b.std() ** 2),
        **{f"relative_strength_{n}": np.sum(r[-n:] - np.log1p(m[-n:])) for n in (21, 63)},
    }


def regime(r):
    deviations = [r[end - 21 : end].std(ddof=1) for end in range(len(r) - 251, len(r) + 1)]
    percentile = (stats.rankdata(deviations)[-1] - 1) / 251
    state = 2.0 if percentile >= 2 / 3 else 1.0 if percentile > 1 / 3 else 0.0
    return {"volatility_percentile_252": percentile, "volatility_state_252": state}


@pytest.mark.parametrize("name", SET.features)
def test_a_feature_is_what_numpy_and_scipy_give_on_a_real_name(name, real, plain, found_of_ibm):
    assert found_of_ibm[name] == pytest.approx(plain[name], rel=1e-9, abs=1e-12)


@pytest.fixture(scope="module")
def found_of_ibm(real):
    bars, market = real
    return last_of(SET, bars.filter(symbol="IBM"), market=market)


class TestByHand:
    def test_value_at_risk_is_the_seventh_worst_of_126_returns(self):
        returns = np.r_[np.full(119, 0.001), [-0.07, -0.01, -0.05, -0.02, -0.06, -0.03, -0.04]]
        found = last_of(SET, bars := walk(returns), market=market_for(bars, returns))
        assert found["value_at_risk_126"] == pytest.approx(0.01)
        assert found["expected_shortfall_126"] == pytest.approx(0.04)
        assert found["tail_asymmetry_126"] == pytest.approx((0.001 - 0.04) / (0.001 + 0.04))

    def test_a_variance_ratio_is_one_of_what_alternates_and_q_of_what_trends(self):
        alternating = 0.01 * (-1.0) ** np.arange(126)
        found = last_of(SET, bars := walk(alternating), market=market_for(bars, alternating))
        # every 2-bar return is 0; 125 5-bar ones are 1 % up or down
        assert found["variance_ratio_2_126"] == pytest.approx(0.0, abs=1e-12)
        five = 122 * 0.01**2 / (5 * 122 * (1 - 5 / 126))
        assert found["variance_ratio_5_126"] == pytest.approx(five / (126 * 0.01**2 / 125))
        trending = np.repeat([0.01, -0.01], 71)
        found = last_of(SET, bars := walk(trending), market=market_for(bars, trending))
        assert found["variance_ratio_10_126"] > 8.0

    def test_the_hurst_exponent_is_one_of_a_straight_line_and_a_half_of_a_random_walk(self):
        straight = np.full(300, 0.01)
        found = last_of(SET, bars := walk(straight), market=market_for(bars, straight))
        assert found["hurst_exponent_126"] == pytest.approx(1.0, abs=1e-9)
        random = np.random.default_rng(8).normal(0, 0.01, 4000)
        found = features_of(SET, bars := walk(random), market=market_for(bars, random))
        assert found["hurst_exponent_126"].mean() == pytest.approx(0.5, abs=0.03)

    def test_entropy_is_nothing_of_one_pattern_and_a_third_of_two(self):
        returns = 0.01 * (-1.0) ** np.arange(66)
        steady = np.full(66, 0.01)
        found = last_of(SET, bars := walk(returns), market=market_for(bars, returns))
        two = -(31 / 63 * math.log(31 / 63) + 32 / 63 * math.log(32 / 63))
        assert found["sign_entropy_63"] == pytest.approx(two / math.log(8))
        found = last_of(SET, bars := walk(steady), market=market_for(bars, steady))
        assert [found[name] for name in ENTROPIES] == [0.0, 0.0]

    def test_a_name_that_moves_twice_as_the_market_has_a_beta_of_two_and_nothing_of_its_own(self):
        market = np.random.default_rng(4).normal(0.0005, 0.01, 130)
        bars = bars_of(100.0 * np.cumprod(np.r_[1.0, 1.0 + 0.0002 + 2.0 * market]))
        found = last_of(SET, bars, market=market_for(bars, market))
        assert [found[name] for name in ("beta_63", "beta_126", "downside_beta_126")] == pytest.approx([2.0] * 3)
        assert found["alpha_63"] == pytest.approx(252 * 0.0002)
        assert found["market_r_squared_63"] == pytest.approx(1.0)
        assert found["idiosyncratic_volatility_63"] == pytest.approx(0.0, abs=1e-7)

    def test_a_name_that_follows_a_day_later_is_delayed(self):
        market = np.random.default_rng(4).normal(0, 0.01, 130)
        bars = bars_of(100.0 * np.cumprod(np.r_[1.0, 1.0, 1.0 + market[:-1]]))
        found = last_of(SET, bars, market=market_for(bars, market))
        assert found["market_delay_correlation_63"] == pytest.approx(1.0)
        assert abs(found["market_correlation_63"]) < 0.3

    @pytest.mark.parametrize(("last_21", "state"), [(0.001, 0.0), (0.02, 1.0), (0.05, 2.0)])
    def test_a_state_compares_volatility_with_its_own_past(self, last_21, state):
        size = np.r_[np.full(126, 0.01), np.full(126, 0.03), np.full(60, last_21)]
        returns = size * (-1.0) ** np.arange(size.size)
        found = last_of(SET, bars := walk(returns), market=market_for(bars, returns))
        assert found["volatility_state_252"] == state
        assert 0.0 <= found["volatility_percentile_252"] <= 1.0


class TestDegenerateWindows:
    @pytest.fixture(scope="class")
    def extremes(self):
        bars = extreme_names()
        return features_of(SET, bars, market=market_returns(random_bars("XYZ", 700), actions()))

    def test_a_value_is_null_exactly_while_its_window_is_not_filled_and_finite_after(self, extremes):
        assert wrong_nulls(extremes, SET.features) == []
        assert not_finite(extremes, SET.features) == []

    def test_a_name_that_stops_has_exact_values_as_soon_as_its_windows_are_still(self, extremes):
        neutral = {name: 1.0 for name in SET.features if name.startswith("variance_ratio")}
        neutral |= {"hurst_exponent_126": 0.5, "volatility_percentile_252": 0.5, "volatility_state_252": 1.0}
        of_the_market = {"alpha_63", "relative_strength_21", "relative_strength_63"}
        stopped = extremes.filter(symbol="STOPPED")
        for name in SET.features.keys() - of_the_market:
            still = stopped[name][STILL_FROM + SET.features[name].lookback + 1 :]
            assert len(still) > 20
            assert still.unique().to_list() == [neutral.get(name, 0.0)], name

    def test_a_market_that_rests_moves_no_name(self):
        bars = random_bars("A", 200)
        found = last_of(SET, bars, market=market_for(bars, np.zeros(199)))
        named = ["beta_63", "beta_126", "downside_beta_126", "market_correlation_63", "market_r_squared_63"]
        assert [found[name] for name in [*named, "co_skewness_126", "market_delay_correlation_63"]] == [0.0] * 7

    def test_bounded_features_stay_in_their_bounds_whatever_the_magnitudes(self):
        bars = pl.concat([now_and_then(["A", "B"]), random_bars(["C"], 600)])
        found = features_of(SET, bars, market=market_returns(bars, actions()))
        unit = [name for name, one in SET.features.items() if one.unit == "fraction" and "asymmetry" not in name]
        bounds = dict.fromkeys([*unit, "hurst_exponent_126", *ENTROPIES], (0.0, 1.0 + 1e-12))
        bounds |= {name: (-1.0, 1.0) for name in SET.features if "correlation" in name or "asymmetry" in name}
        bounds |= {f"return_z_{n}": (-(n - 1) / math.sqrt(n) - 1e-9, (n - 1) / math.sqrt(n) + 1e-9) for n in (21, 63)}
        assert [name for name, (low, high) in bounds.items() if not found[name].is_between(low, high).all()] == []

    def test_equal_closes_are_in_the_order_of_time(self):
        steps = np.array([100.0, 100.0, 101.0] * 30)
        bars = bars_of(steps)
        found = last_of(SET, bars, market=market_for(bars, np.zeros(89)))
        assert found["permutation_entropy_63"] == pytest.approx(
            entropy([order(steps[i : i + 3]) for i in range(63)], 6)
        )


def test_a_feature_does_not_know_the_order_of_the_market_s_names():
    bars = random_bars(["A", "B", "C"], 300)
    one, other = (features_of(SET, bars, market=market_returns(rows, actions())) for rows in (bars, bars[::-1]))
    assert one.equals(other)
