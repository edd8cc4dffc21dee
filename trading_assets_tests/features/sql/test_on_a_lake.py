"""The models on a lake: dbt tests what is stored, the checks read it, and it is what frames give."""

import dataclasses
from collections import Counter
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import Settings
from trading_assets.features.sql import checks
from trading_assets.features.sql.catalogue import SHIPPED
from trading_assets.features.sql.checks import recompute
from trading_assets.features.sql.compiled import SqlModelError
from trading_assets.features.sql.dbt import run_dbt
from trading_assets.features.sql.sets import models_in
from trading_assets.features.sql.sql_set import PROJECT
from trading_assets.features.sql.statements import run_on_frames, run_on_lake
from trading_assets.lake import Scope
from trading_assets.lake.store.writes import replace
from trading_assets_tests.features.shipped import CROSS_SECTION, SQL, SQL_SETS
from trading_assets_tests.features.sql.tables import fill

SPAN = (date(2015, 1, 1), date(2016, 12, 31))
all_sets = pytest.mark.parametrize("one", SQL_SETS.values(), ids=SQL_SETS)


@pytest.fixture(scope="module")
def filled(module_lake, tables, models):
    """A lake with what the models read and what they make."""
    fill(module_lake, tables)
    for name, contract in SQL.items():
        replace(module_lake, contract, run_on_lake(module_lake, contract, models[name].sql, *SPAN), Scope())
    return module_lake


@pytest.fixture
def lake_of_dbt(filled, monkeypatch):
    """The lake that dbt finds in the environment."""
    monkeypatch.setenv("TRADING_ASSETS_CATALOG", filled.postgres.libpq())
    monkeypatch.setenv("TRADING_ASSETS_DATA_PATH", filled.data_path)
    return filled


@pytest.mark.slow
def test_dbt_builds_its_project_on_a_lake(lake_of_dbt, tmp_path):
    """Every unit test, and every test of a column on the rows that the lake holds."""
    found = run_dbt(
        PROJECT, "build", "--select", " ".join(models_in(lake_of_dbt.tables(), SQL_SETS.values())), target=tmp_path
    )
    kinds = Counter((name.partition(".")[0], status) for name, status in found.items())
    assert kinds["model", "success"] == kinds["unit_test", "pass"] == len(SHIPPED)
    assert kinds["test", "pass"] > 3 * len(SHIPPED)
    assert len(kinds) == 3


@all_sets
def test_the_lake_gives_what_the_frames_give(one, models, tables, filled):
    inputs = {table: tables[table] for table in one.reads}
    expected = run_on_frames(inputs, SQL[one.name], models[one.name].sql, *SPAN)
    assert run_on_lake(filled, SQL[one.name], models[one.name].sql, *SPAN).equals(expected)


def test_a_statement_that_does_not_run_names_its_table(filled):
    with pytest.raises(SqlModelError, match=r"features\.cross_section does not run: .*of_nobody"):
        run_on_lake(filled, CROSS_SECTION, "select * from lake.features.of_nobody", *SPAN)


def desk_on(lake):
    """A desk without files of the user's own, on a lake that is there."""
    desk = Desk(Settings(home=Path(lake.data_path)))
    desk.lake = lake
    return desk


SPRING = Scope(time="date", start=date(2016, 1, 1), end=date(2016, 5, 31))


@all_sets
def test_the_check_reads_the_lake(one, filled):
    """With the columns alone that the model names."""
    (found,) = recompute(one, desk_on(filled), SPRING, "")
    assert found.look_ahead(Scope()).is_empty()
    assert found.warm_up().is_empty()
    assert found.stored.height > 0


def test_trials_see_a_sample_of_names_and_the_stored_rows_of_all_are_compared(filled, monkeypatch):
    monkeypatch.setattr(checks, "_NAMES", 3)
    (found,) = recompute(SQL_SETS["standardised"], desk_on(filled), SPRING, "")
    assert 1 < found.computed["symbol"].n_unique() <= 3
    unseen = next(name for name in found.stored["symbol"].unique() if name not in found.computed["symbol"].to_list())
    assert found.look_ahead(Scope()).is_empty()
    wrong = pl.when(pl.col("symbol") == unseen).then(9.0).otherwise("rsi_14_z").alias("rsi_14_z")
    violations = dataclasses.replace(found, stored=found.stored.with_columns(wrong.cast(pl.Float32))).look_ahead(
        Scope()
    )
    assert violations["symbol"].unique().to_list() == [unseen]
