from datetime import date

import pytest

from trading_assets.features.compute import compute
from trading_assets.features.feature_set import RECURSIVE
from trading_assets.features.technical.catalogue import SET
from trading_assets_tests.features.extremes import extreme_names
from trading_assets_tests.point_in_time.sample import actions

NAMES = list(SET.features)
WINDOWED = [name for name, feature in SET.features.items() if feature.lookback < RECURSIVE]
ALL_TIME = {"start": date(2014, 1, 1), "end": date(2020, 12, 31)}

# Rows before the first value of averages that never forget: shorter than what they depend on.
FIRST_OF_RECURSIVE = {
    "ema_ratio_10": 9,
    "ema_ratio_20": 19,
    "dema_ratio_20": 38,
    "tema_ratio_20": 57,
    "t3_ratio_10": 54,
    "macd_12_26": 33,
    "macd_histogram_12_26_9": 33,
    "adx_14": 27,
    "plus_di_14": 14,
    "minus_di_14": 14,
    "dx_14": 14,
    "sar_ratio": 1,
    "rsi_2": 2,
    "rsi_7": 7,
    "rsi_14": 14,
    "stochastic_rsi_14": 27,
    "cmo_9": 9,
    "trix_15": 43,
    "tsi_25_13": 37,
    "bull_power_13": 12,
    "bear_power_13": 12,
    "natr_5": 5,
    "natr_14": 14,
    "mass_index_9_25": 40,
    "volume_oscillator_12_26": 25,
    "adosc_3_10": 20,
    "force_index_13": 13,
}


@pytest.fixture(scope="module")
def computed():
    return compute([SET], extreme_names(), actions(), **ALL_TIME)["technical"]


def test_there_are_more_than_sixty_indicators_in_four_groups():
    assert len(NAMES) >= 60
    assert {feature.group for feature in SET.features.values()} == {"trend", "momentum", "volatility", "volume"}


@pytest.mark.parametrize("name", NAMES)
def test_every_indicator_says_what_it_is(name):
    feature = SET.features[name]
    assert feature.formula
    assert feature.unit in {"ratio", "percent", "fraction", "standard deviations"}
    assert (feature.lookback == RECURSIVE) == (name in FIRST_OF_RECURSIVE)
    assert feature.source or "volume" in name or "vwma" in name


def test_values_are_null_exactly_while_their_window_fills(computed):
    for of_name in computed.partition_by("symbol"):
        for name, feature in SET.features.items():
            first = FIRST_OF_RECURSIVE.get(name, feature.lookback)
            known = of_name[name].is_not_null()
            assert not known[:first].any(), name
            assert known[first:].all(), name


def test_a_name_younger_than_every_window_has_rows_without_values():
    young = compute([SET], extreme_names(1), actions(), **ALL_TIME)["technical"]
    known = [name for name in NAMES if young[name].is_not_null().any()]
    assert young.height == young["symbol"].n_unique()
    assert known == ["balance_of_power"]
