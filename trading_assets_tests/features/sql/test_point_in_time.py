"""No model sees the future or depends on more history than it says; a leak in SQL is caught by the same checks."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from trading_assets.features.feature_set import table_of
from trading_assets.features.sql.checks import recomputation
from trading_assets.features.sql.statements import run_on_frames
from trading_assets.lake import Scope
from trading_assets.point_in_time.lookahead import lookahead_violations, pick_cuts
from trading_assets_tests.features.shipped import READABLE, SQL, SQL_SETS

FIRST, LAST = date(2016, 1, 1), date(2016, 5, 31)
all_sets = pytest.mark.parametrize("one", SQL_SETS.values(), ids=SQL_SETS)


def again(one, sql, tables):
    inputs = {table: tables[table] for table in one.reads}
    stored = run_on_frames(inputs, SQL[one.name], sql, FIRST, LAST)
    return recomputation(one, sql, read_by(one), inputs, stored, FIRST, LAST)


def read_by(one):
    return {table: READABLE[table] for table in one.reads}


@all_sets
def test_a_shipped_model_sees_neither_the_future_nor_more_than_its_look_back(one, models, tables):
    found = again(one, models[one.name].sql, tables)
    assert found.look_ahead(Scope()).is_empty()
    assert found.warm_up().is_empty()


@pytest.mark.slow
@all_sets
def test_a_shipped_model_raises_no_alarm_at_twenty_cuts(one, models, tables):
    found = again(one, models[one.name].sql, tables)
    cuts = pick_cuts(found.stored["date"], 20)
    assert len(cuts) == 20
    violations = lookahead_violations(
        found.compute,
        found.inputs,
        known_on=found.known_on,
        key=found.key,
        cuts=cuts,
        poison_seed=3,
        computed=found.computed,
    )
    assert violations.is_empty(), violations


@pytest.mark.parametrize(
    ("name", "honest", "leaking"),
    [
        ("cross_section", "partition by date, rsi_14 is null", "partition by rsi_14 is null"),
        (
            "standardised",
            "join bounds using (date)",
            "join (select date - 1 as date, * exclude (date) from bounds) using (date)",
        ),
        ("sector_neutral", "joined.date > companies.known_on", "joined.date + 40 > companies.known_on"),
        ("fundamental_ratios", "filing_days.usable_on >= figures.usable_on", "figures.usable_on is not null"),
        ("fundamental_ratios", "priced.date >= companies.usable_on", "priced.date + 60 >= companies.usable_on"),
        ("market_breadth", "rows between 9 preceding and current row", "rows between 9 preceding and 1 following"),
    ],
)
def test_a_leak_is_caught(name, honest, leaking, models, tables):
    sql = models[name].sql
    assert honest in sql
    assert not again(SQL_SETS[name], sql.replace(honest, leaking), tables).look_ahead(Scope()).is_empty()


def test_a_look_back_that_is_too_short_is_caught(models, tables):
    one = SQL_SETS["market_breadth"]
    shorter = table_of(replace(feature, lookback=min(feature.lookback, 30)) for feature in one.features.values())
    found = again(replace(one, features=shorter), models[one.name].sql, tables).warm_up()
    assert found["column"].to_list() == ["implied_correlation_63"]


@all_sets
def test_a_stored_value_that_the_model_does_not_give_is_caught(one, models, tables):
    found = again(one, models[one.name].sql, tables)
    column = next(name for name in found.stored.columns if name not in found.key and found.stored[name].count())
    changed = found.stored.with_columns(pl.col(column) + 1.0)
    wrong = recomputation(
        one, models[one.name].sql, read_by(one), dict(list(found.inputs.items())[:-1]), changed, FIRST, LAST
    )
    assert wrong.look_ahead(Scope())["column"].unique().to_list() == [column]
