"""Every feature of every set, on bars of every length: nothing of the future, nothing beyond what it declares."""

import pytest

from trading_assets.features.feature_set import INTERVALS
from trading_assets.features.sets import SETS
from trading_assets_tests.features import laws

every_interval = pytest.mark.parametrize("interval", INTERVALS)


@every_interval
def test_the_bars_suffice_for_every_cut_and_length_of_history(interval):
    made = laws.panel(interval)
    rows = made.bars.group_by("symbol").len()["len"].min()
    assert rows > max(laws.LENGTHS) + 1
    assert made.bars["date"].is_between(made.start, made.end).sum() > laws.CUTS


@pytest.mark.slow
@every_interval
def test_no_value_changes_when_the_future_is_taken_away_or_falsified(interval):
    assert laws.look_ahead(laws.sets_of(SETS, interval), interval).rows() == []


@every_interval
def test_no_value_changes_with_the_history_before_its_look_back(interval):
    found = laws.warm_up(laws.sets_of(SETS, interval), interval, probes=2 if interval == "daily" else 1)
    assert found.rows() == []


@every_interval
def test_any_history_as_long_as_the_look_back_gives_the_last_value(interval):
    assert laws.short_histories(laws.sets_of(SETS, interval), interval).rows() == []


@every_interval
def test_no_value_depends_on_the_scale_of_prices(interval):
    assert laws.scale(laws.sets_of(SETS, interval), interval) == []


def test_a_look_back_declared_one_row_short_is_found():
    (one,) = (one for one in SETS.values() if one.name == "price_action")
    assert laws.warm_up([one], "daily").is_empty()
    declared = {name: each.lookback - (name == "log_return_21") for name, each in one.of("daily").items()}
    assert laws.warm_up([one], "daily", declared)["column"].unique().to_list() == ["log_return_21"]
