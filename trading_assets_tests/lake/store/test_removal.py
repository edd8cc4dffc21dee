"""Rows of names that are gone are removed with their quarantine and their record of written partitions."""

import polars as pl

from trading_assets.lake.store.history import snapshots
from trading_assets.lake.store.removal import remove_names
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import BARS_DAILY
from trading_assets_tests.lake.examples import BARS, bars, content, symbol_years

# "_" is a wildcard of LIKE, and one name is the end of another
NAMES = ("A_1", "AB1", "BA_1")


def fill(lake):
    for name in NAMES:
        replace(lake, BARS_DAILY, bars(name), symbol_years(name))
    wrong = bars("A_1", year=2023).with_columns(high=pl.lit(-1.0))
    replace(lake, BARS_DAILY, wrong, symbol_years("A_1", year=2023), rules={"wrong": pl.col("high") < 0})


def test_only_what_belongs_to_the_names_is_removed(lake):
    fill(lake)
    assert remove_names(lake, BARS_DAILY, "symbol", ["A_1"], author="test") == 5
    assert {row[0] for row in content(lake)} == {"AB1", "BA_1"}
    assert content(lake, BARS_DAILY.quarantine_table) == []
    assert lake.written_partitions(BARS) == {"2024|AB1", "2024|BA_1"}
    assert snapshots(lake, limit=1)["message"].to_list() == [f"{BARS}: removed symbol A_1"]


def test_without_names_nothing_is_touched(lake):
    fill(lake)
    before = lake.current_snapshot()
    assert remove_names(lake, BARS_DAILY, "symbol", [], author="test") == 0
    assert lake.current_snapshot() == before
