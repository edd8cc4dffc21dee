"""A lake of the layout before opens after one command, with every row it had."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from trading_assets.desk.calendar import sessions
from trading_assets.desk.desk import open_lake
from trading_assets.desk.settings import Settings
from trading_assets.lake import LakeFrame, Scope
from trading_assets.lake.errors import LakeError, UpstreamNotReadyError
from trading_assets.lake.store.catalog import WRITTEN, Lake
from trading_assets.lake.store.writes import replace
from trading_assets.orchestration.instance import open_instance
from trading_assets.orchestration.migration import migrate, written_months
from trading_assets.portfolio.contract import TARGET_WEIGHTS
from trading_assets_tests.desks import own_environment

START, END = date(2013, 1, 1), date(2013, 3, 2)
DAYS = sessions("XNYS", START, END - timedelta(days=1))


@pytest.fixture
def settings(database_url: Callable[[], str], tmp_path: Path):
    with own_environment(os.environ):
        yield Settings(home=tmp_path / "lake", database_url=database_url(), start=START, end=END)


def fill_as_before(settings: Settings) -> tuple[Lake, pl.DataFrame]:
    """A book's weights with a partition for each session, in the registry that the version before made."""
    lake = open_lake(settings)
    rows = pl.DataFrame(
        [{"book": "main", "date": day, "symbol": "A", "weight": 0.5, "is_rebalance": True} for day in DAYS],
        schema=TARGET_WEIGHTS.schema,
    )
    keys = tuple(f"main|{day}" for day in DAYS)
    replace(lake, TARGET_WEIGHTS, rows, Scope({"book": ("main",)}, "date", START, END, keys))
    lake.cursor().execute(f"ALTER TABLE lake.{WRITTEN} DROP COLUMN through")
    lake.close()
    return lake, rows


def test_a_lake_of_the_layout_before_is_refused_with_the_command_that_migrates_it(settings: Settings):
    lake, _ = fill_as_before(settings)
    with pytest.raises(LakeError, match="nothing is lost: run once trading-assets lake migrate"):
        lake.cursor()


def test_a_migrated_lake_has_its_rows_and_knows_through_which_session_its_months_are_written(settings: Settings):
    lake, rows = fill_as_before(settings)
    lines = list(migrate(settings))
    assert lines[0] == "portfolio.target_weights: 3 months"
    weights = LakeFrame(lake, TARGET_WEIGHTS)
    assert weights.read().equals(rows)
    months = {"main|2013-01": date(2013, 1, 31), "main|2013-02": date(2013, 2, 28), "main|2013-03": date(2013, 3, 1)}
    assert lake.written_through(TARGET_WEIGHTS.table) == months
    weights.require_written_through(months, for_what="a test")
    with pytest.raises(UpstreamNotReadyError, match=r"2013-03-04 of main\|2013-03 \(written through 2013-03-01\)"):
        weights.require_written_through({"main|2013-03": date(2013, 3, 4)}, for_what="a test")
    with open_instance(settings) as instance:
        latest = instance.get_latest_materialization_event(dg.AssetKey(TARGET_WEIGHTS.asset_key))
        assert latest.asset_materialization.partition == "main|2013-03"


def test_migrating_again_changes_nothing(settings: Settings):
    lake, _ = fill_as_before(settings)
    assert list(migrate(settings))
    snapshot = lake.current_snapshot()
    assert list(migrate(settings)) == []
    assert lake.current_snapshot() == snapshot


def test_a_lake_that_is_not_there_yet_has_nothing_to_migrate(settings: Settings):
    assert list(migrate(settings)) == []


def days_of(*months: str) -> list[date]:
    return [day for day in DAYS if f"{day:%Y-%m}" in months]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (days_of("2013-02"), {"2013-02|m": date(2013, 2, 28)}),
        (days_of("2013-01", "2013-02")[:-3], {"2013-01|m": date(2013, 1, 31), "2013-02|m": date(2013, 2, 25)}),
        # what follows a session that is missing does not count
        ([day for day in days_of("2013-02") if day.day != 6], {"2013-02|m": date(2013, 2, 5)}),
        # the month exists, but no session of it counts
        (days_of("2013-02")[1:], {"2013-02|m": None}),
        ([*days_of("2013-01"), *days_of("2013-03")], {"2013-01|m": date(2013, 1, 31), "2013-03|m": date(2013, 3, 1)}),
    ],
)
def test_a_month_is_written_through_the_last_session_before_the_first_that_is_missing(
    settings: Settings, days: list[date], expected: dict[str, date | None]
):
    assert written_months([f"{day}|m" for day in days], "model", settings) == expected
    by_book = {"|".join(reversed(key.split("|"))): day for key, day in expected.items()}
    assert written_months([f"m|{day}" for day in days], "book", settings) == by_book
