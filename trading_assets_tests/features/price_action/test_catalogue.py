from datetime import date

import pytest

from trading_assets.features.compute import compute
from trading_assets.features.price_action.catalogue import SET
from trading_assets_tests.features.extremes import extreme_names
from trading_assets_tests.point_in_time.sample import actions

UNITS = {"log return", "ratio", "fraction", "standard deviations", "sign", "flag", "bars"}


def test_there_are_returns_ratios_gaps_and_signs():
    assert len(SET.features) >= 30
    assert {feature.group for feature in SET.features.values()} == {"returns", "location", "bar", "gaps", "sign"}


@pytest.mark.parametrize("name", SET.features)
def test_every_feature_says_what_it_is(name):
    feature = SET.features[name]
    assert feature.formula
    assert feature.unit in UNITS


def test_values_are_null_exactly_while_their_window_fills():
    window = {"start": date(2014, 1, 1), "end": date(2020, 12, 31)}
    for of_name in compute([SET], extreme_names(), actions(), **window)["price_action"].partition_by("symbol"):
        for name, feature in SET.features.items():
            known = of_name[name].is_not_null()
            assert not known[: feature.lookback].any(), name
            assert known[feature.lookback :].all(), name
