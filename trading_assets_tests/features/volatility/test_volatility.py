"""Estimators of volatility: worked by hand from the papers, against plain numpy, and where nothing moves."""

import math
from datetime import date
from math import log, pi, sqrt

import numpy as np
import polars as pl
import pytest

from trading_assets.features.volatility.catalogue import SET
from trading_assets_tests.features.bars import bars_of, features_of, last_of, not_finite, wrong_nulls
from trading_assets_tests.features.extremes import STILL_FROM, extreme_names, now_and_then
from trading_assets_tests.point_in_time.sample import random_bars, real_bars

FLAT = [(100.0, 100.0, 100.0, 100.0)]
# open, high, low, close of the four bars after 130 at 100
FOUR = [
    (100.0, 104.0, 99.0, 102.0),
    (103.0, 105.0, 101.0, 101.0),
    (101.0, 102.0, 97.0, 98.0),
    (99.0, 101.0, 98.0, 100.0),
]
# the closes go 100, 102, 101, 98, 100: their log returns sum to 0
SQUARES = log(102 / 100) ** 2 + log(101 / 102) ** 2 + log(98 / 101) ** 2 + log(100 / 98) ** 2
RANGES = log(104 / 99) ** 2 + log(105 / 101) ** 2 + log(102 / 97) ** 2 + log(101 / 98) ** 2
BODIES = log(102 / 100) ** 2 + log(101 / 103) ** 2 + log(98 / 101) ** 2 + log(100 / 99) ** 2
ROGERS_SATCHELL = (
    (log(104 / 100) * log(104 / 102) + log(99 / 100) * log(99 / 102))
    + (log(105 / 103) * log(105 / 101) + log(101 / 103) * log(101 / 101))
    + (log(102 / 101) * log(102 / 98) + log(97 / 101) * log(97 / 98))
    + (log(101 / 99) * log(101 / 100) + log(98 / 99) * log(98 / 100))
)
# from a close to the next open: 100 to 100, 102 to 103, 101 to 101, 98 to 99
GAPS = log(103 / 102) ** 2 + log(99 / 98) ** 2
GAP_SUM, BODY_SUM = log(103 / 102) + log(99 / 98), log(102 / 100) + log(101 / 103) + log(98 / 101) + log(100 / 99)
K_10 = 0.34 / (1.34 + 11 / 9)
PRODUCTS = log(102 / 100) * -log(101 / 102) + log(101 / 102) * log(98 / 101) + -log(98 / 101) * log(100 / 98)
FALLS = (0.0, 101 / 102 - 1, 98 / 102 - 1, 100 / 102 - 1)

BY_HAND = {
    "realised_volatility_5": sqrt(252 * SQUARES / 4),
    "realised_volatility_21": sqrt(252 * SQUARES / 20),
    "parkinson_volatility_21": sqrt(252 * RANGES / 21 / (4 * log(2))),
    "garman_klass_volatility_21": sqrt(252 * (0.5 * RANGES - (2 * log(2) - 1) * BODIES) / 21),
    "rogers_satchell_volatility_21": sqrt(252 * ROGERS_SATCHELL / 21),
    "yang_zhang_volatility_10": sqrt(
        252
        * ((GAPS - GAP_SUM**2 / 10) / 9 + K_10 * (BODIES - BODY_SUM**2 / 10) / 9 + (1 - K_10) * ROGERS_SATCHELL / 10)
    ),
    "downside_deviation_21": sqrt(252 * (log(101 / 102) ** 2 + log(98 / 101) ** 2) / 21),
    "upside_deviation_21": sqrt(252 * (log(102 / 100) ** 2 + log(100 / 98) ** 2) / 21),
    "volatility_ratio_5_21": sqrt((SQUARES / 4) / (SQUARES / 20)),
    "gap_variance_share_21": GAPS / (GAPS + BODIES),
    "bipower_volatility_21": sqrt(252 * pi / 2 * PRODUCTS / 20),
    # sizes 0, 0, .0198, .0099, .0302, .0202: the medians of three are 0, .0099, .0198, .0202
    "median_volatility_21": sqrt(
        252 * (pi / (6 - 4 * sqrt(3) + pi)) * (log(102 / 101) ** 2 + log(102 / 100) ** 2 + log(100 / 98) ** 2) / 19
    ),
    "maximum_drawdown_21": 98 / 102 - 1,
    "ulcer_index_21": sqrt(sum(fall**2 for fall in FALLS) / 21),
    "ewma_volatility": sqrt(
        252
        * (
            log(100 / 98) ** 2
            + 0.94 * log(98 / 101) ** 2
            + 0.94**2 * log(101 / 102) ** 2
            + 0.94**3 * log(102 / 100) ** 2
        )
        * 0.06
        / (1 - 0.94**126)
    ),
    "parkinson_share_21": (RANGES / 21 / (4 * log(2))) / (RANGES / 21 / (4 * log(2)) + SQUARES / 20),
}


@pytest.fixture(scope="module")
def four_bars():
    return last_of(SET, bars_of(FLAT * 130 + FOUR))


@pytest.mark.parametrize("name", BY_HAND)
def test_an_estimator_is_the_one_of_its_paper(name, four_bars):
    assert four_bars[name] == pytest.approx(BY_HAND[name], rel=1e-12)


@pytest.mark.parametrize(("interval", "bars_a_year"), [("daily", 252), ("hourly", 6.5 * 252), ("minute", 390 * 252)])
def test_a_year_has_as_many_bars_as_its_sessions(interval, bars_a_year):
    found = last_of(SET, bars_of(FLAT * 30 + FOUR, interval=interval), interval)
    assert found["parkinson_volatility_21"] == pytest.approx(sqrt(bars_a_year * RANGES / 21 / (4 * log(2))), rel=1e-12)


def plain(o, h, l, c):  # noqa: E741 - the letters of the field
    """Features of the last bar that are not worked out by hand, in plain numpy."""
    r = np.diff(np.log(c))
    p = np.log(h / l) ** 2 / (4 * log(2))
    gap, body = np.log(o[1:] / c[:-1]), np.log(c / o)[1:]
    rs = (np.log(h / o) * np.log(h / c) + np.log(l / o) * np.log(l / c))[1:]

    def realised(n, back=0):
        return r[len(r) - n - back : len(r) - back].std(ddof=1) * sqrt(252)

    def yang_zhang(n):
        k = 0.34 / (1.34 + (n + 1) / (n - 1))
        return gap[-n:].var(ddof=1) + k * body[-n:].var(ddof=1) + (1 - k) * rs[-n:].mean()

    def of_volatility(short, long):
        each = [realised(short, back) for back in range(long)]
        return np.std(each, ddof=1) / np.mean(each)

    up, down = np.maximum(r, 0)[-63:] ** 2, np.minimum(r, 0)[-63:] ** 2
    falls = np.array([c[-63:][i] / c[-63 : len(c) - 62 + i].max() - 1 for i in range(63)])
    return {
        **{f"realised_volatility_{n}": realised(n) for n in (10, 63, 126)},
        "yang_zhang_volatility_63": sqrt(252 * yang_zhang(63)),
        "semivariance_balance_63": (up.sum() - down.sum()) / (up.sum() + down.sum()),
        "volatility_ratio_21_126": realised(21) / realised(126),
        "volatility_change_21": (realised(21) - realised(21, 21)) / (realised(21) + realised(21, 21)),
        "volatility_of_volatility_10_21": of_volatility(10, 21),
        "volatility_of_volatility_21_63": of_volatility(21, 63),
        "parkinson_share_21": p[-21:].mean() / (p[-21:].mean() + r[-21:].var(ddof=1)),
        "yang_zhang_share_21": yang_zhang(21) / (yang_zhang(21) + r[-21:].var(ddof=1)),
        "ewma_volatility": sqrt(252 * np.average(r[-126:] ** 2, weights=0.94 ** np.arange(125, -1, -1))),
        "maximum_drawdown_63": falls.min(),
        "ulcer_index_63": sqrt(np.mean(falls**2)),
    }


@pytest.mark.parametrize("name", plain(*np.ones((4, 200)) * np.linspace(1, 2, 200)))
def test_the_rest_is_what_plain_numpy_gives_on_a_real_name(name):
    bars = real_bars("IBM").filter(pl.col("date") < date(2003, 1, 1))
    expected = plain(*(bars[column].to_numpy() for column in ("open", "high", "low", "close")))
    assert last_of(SET, bars)[name] == pytest.approx(expected[name], rel=1e-9)


def test_the_weights_that_the_exponential_average_leaves_out_are_small():
    returns = np.random.default_rng(3).standard_t(4, 3000) * 0.01
    recursive = 0.0
    for value in returns:
        recursive = 0.94 * recursive + 0.06 * value**2
    found = last_of(SET, bars_of(100 * np.exp(np.cumsum(np.r_[0.0, returns]))))
    assert found["ewma_volatility"] == pytest.approx(sqrt(252 * recursive), rel=2e-3)


class TestDegenerateWindows:
    @pytest.fixture(scope="class")
    def extremes(self):
        return features_of(SET, extreme_names())

    def test_a_value_is_null_exactly_while_its_window_is_not_filled_and_finite_after(self, extremes):
        assert wrong_nulls(extremes, SET.features) == []
        assert not_finite(extremes, SET.features) == []

    def test_a_name_that_stops_has_exact_values_as_soon_as_its_windows_are_still(self, extremes):
        neutral = {"parkinson_share_21": 0.5, "yang_zhang_share_21": 0.5}
        neutral |= {name: 1.0 for name in SET.features if name.startswith("volatility_ratio")}
        stopped = extremes.filter(symbol="STOPPED")
        for name, one in SET.features.items():
            still = stopped[name][STILL_FROM + one.lookback + 1 :]
            assert len(still) > 100
            assert still.unique().to_list() == [neutral.get(name, 0.0)], name

    def test_shares_and_falls_stay_in_their_bounds_whatever_the_magnitudes(self):
        found = pl.concat([features_of(SET, now_and_then(["A", "B", "C"])), features_of(SET, random_bars("D", 600))])
        bounds = {
            **{name: (0, 1) for name in SET.features if "share" in name or name.startswith("ulcer")},
            **{name: (-1, 0) for name in SET.features if name.startswith("maximum_drawdown")},
            "semivariance_balance_63": (-1, 1),
            "volatility_change_21": (-1, 1),
            # the window of the shorter one is part of the longer one's
            **{f"volatility_ratio_{a}_{b}": (0, math.sqrt((b - 1) / (a - 1)) + 1e-9) for a, b in ((5, 21), (10, 63))},
        }
        assert [name for name, (low, high) in bounds.items() if not found[name].is_between(low, high).all()] == []
        estimators = [name for name, one in SET.features.items() if one.unit == "per year"]
        assert [name for name in estimators if found[name].min() < 0.0] == []


def test_a_jump_is_seen_as_one():
    calm = 0.01 * (-1.0) ** np.arange(63)
    jump = np.r_[calm[:40], 0.2, calm[41:]]
    quiet, jumpy = (last_of(SET, bars_of(100 * np.exp(np.cumsum(np.r_[0.0, one])))) for one in (calm, jump))
    assert quiet["jump_share_63"] == 0.0
    # 62 squares of 0.01 and one of 0.2; of 62 products of neighbours two have the jump
    realised, bipower = (62 * 0.01**2 + 0.2**2) / 63, pi / 2 * (60 * 0.01**2 + 2 * 0.2 * 0.01) / 62
    assert jumpy["jump_share_63"] == pytest.approx(1 - bipower / realised)
    assert jumpy["median_volatility_21"] == pytest.approx(quiet["median_volatility_21"])
