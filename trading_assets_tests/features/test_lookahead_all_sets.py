"""Every feature of every set, on bars of every length: nothing of the future, nothing beyond what it declares."""

import polars as pl
import pytest

from trading_assets.features.feature_set import INTERVALS
from trading_assets.point_in_time.warm_up import warmup_violations
from trading_assets.testing.bars import made_bars
from trading_assets.testing.laws import ALL, CUTS, look_ahead, scale, warm_up
from trading_assets_tests.features.shipped import SETS

LENGTHS = (199, 399, 499, 999, 1999)
every_interval = pytest.mark.parametrize("interval", INTERVALS)


def sets_of(interval):
    return [one for one in SETS.values() if interval in one.intervals]


def short_histories(sets, interval):
    """Last values that some lengths of history change, of the features whose look-back is not longer."""
    made, found = made_bars(interval), []
    last = made.bars[made.time].max()
    full = made.features(sets, made.inputs, history=ALL)
    declared = {name: one.lookback for each in sets for name, one in each.of(interval).items()}
    for rows in LENGTHS:
        columns = [*made.key, *(name for name, lookback in declared.items() if lookback <= rows)]
        found.append(
            warmup_violations(
                lambda frames, columns=columns: made.features(sets, frames, history=ALL).select(columns),
                made.inputs,
                history={"bars": made.time},
                lookback=rows,
                probes=[last],
                key=made.key,
                date_column=made.time,
                computed=full.select(columns),
            )
        )
    return pl.concat(found)


@every_interval
def test_the_bars_suffice_for_every_cut_and_length_of_history(interval):
    made = made_bars(interval)
    rows = made.bars.group_by("symbol").len()["len"].min()
    assert rows > max(LENGTHS) + 1
    assert made.bars["date"].is_between(made.start, made.end).sum() > CUTS


@pytest.mark.slow
@every_interval
def test_no_value_changes_when_the_future_is_taken_away_or_falsified(interval):
    assert look_ahead(sets_of(interval), interval).rows() == []


@every_interval
def test_no_value_changes_with_the_history_before_its_look_back(interval):
    found = warm_up(sets_of(interval), interval, probes=2 if interval == "daily" else 1)
    assert found.rows() == []


@every_interval
def test_any_history_as_long_as_the_look_back_gives_the_last_value(interval):
    assert short_histories(sets_of(interval), interval).rows() == []


@every_interval
def test_no_value_depends_on_the_scale_of_prices(interval):
    assert scale(sets_of(interval), interval) == []


def test_a_look_back_declared_one_row_short_is_found():
    (one,) = (one for one in SETS.values() if one.name == "price_action")
    assert warm_up([one], "daily").is_empty()
    declared = {name: each.lookback - (name == "log_return_21") for name, each in one.of("daily").items()}
    assert warm_up([one], "daily", declared)["column"].unique().to_list() == ["log_return_21"]
