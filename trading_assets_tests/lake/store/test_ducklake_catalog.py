"""What DuckLake's own tables tell about tables, columns, views, macros and snapshots."""

import pytest

from trading_assets.lake import Lake
from trading_assets.lake.postgres.sessions import Sessions
from trading_assets.lake.store.ducklake_catalog import DuckLakeCatalog
from trading_assets.lake.store.views import ensure_view
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import BARS_DAILY
from trading_assets.market_data.macros import Macro, ensure_macros
from trading_assets_tests.lake.examples import BARS, DAYS, bars, symbol_years


@pytest.fixture
def filled(lake):
    replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    lake.ensure_table(DAYS)
    return lake


def test_a_database_without_a_lake_has_no_catalog(database):
    url = database()
    url.ensure_schemas()
    assert not DuckLakeCatalog(Sessions(url)).exists()


def test_a_lake_creates_its_catalog_when_it_is_first_looked_at(database, tmp_path):
    url = database()
    url.ensure_schemas()
    lake = Lake(url, f"{tmp_path}/")
    assert lake.ducklake.exists()
    assert lake.ducklake.commits(BARS) is not None
    assert lake.ducklake.has_files(BARS) is False
    lake.close()


def test_columns_are_those_of_now_in_their_order(filled):
    found = filled.ducklake.columns([BARS, DAYS.table, "market_data.nothing"])
    assert found == {BARS: list(BARS_DAILY.schema), DAYS.table: list(DAYS.schema)}
    assert filled.ducklake.columns([]) == {}
    filled.cursor().execute(f"ALTER TABLE lake.{DAYS.table} DROP COLUMN count")
    assert "count" not in filled.ducklake.columns([DAYS.table])[DAYS.table]


def test_each_change_of_tables_counts_and_rows_do_not(filled):
    version = filled.ducklake.schema_version()
    replace(filled, BARS_DAILY, bars("B"), symbol_years("B"))
    assert filled.ducklake.schema_version() == version
    filled.cursor().execute(f"ALTER TABLE lake.{DAYS.table} ADD COLUMN more INTEGER")
    assert filled.ducklake.schema_version() == version + 1


def test_a_table_that_was_dropped_keeps_its_name_and_is_gone_from_then_on(filled):
    before = filled.current_snapshot()
    filled.cursor().execute(f"DROP TABLE lake.{DAYS.table}")
    filled.ensure_table(DAYS)
    after = filled.current_snapshot()
    ids = {table_id for table_id, name in filled.ducklake.table_names().items() if name == DAYS.table}
    found = [filled.ducklake.tables_at(snapshot).get(DAYS.table) for snapshot in (before, before + 1, after)]
    assert found[1] is None
    assert {found[0], found[2]} == ids
    assert len(ids) == 2


def test_views_and_macros_are_told_as_they_are_stored(filled):
    assert filled.ducklake.view_query("market_data.shown") is None
    assert filled.ducklake.macros("market_data") == {}
    ensure_view(filled, "market_data.shown", "SELECT symbol FROM market_data.bars_daily", meaning="names")
    assert filled.ducklake.view_query("market_data.shown") == "SELECT symbol FROM market_data.bars_daily"
    macro = Macro("of", (("wanted", "varchar", "A"),), f"FROM {BARS} WHERE symbol = wanted", (BARS,))
    assert ensure_macros(filled, [macro]) == ["of"]
    ((name, (query, parameters)),) = filled.ducklake.macros("market_data").items()
    assert (name, parameters) == ("of", "wanted varchar A")
    assert "wanted" in query
    assert ensure_macros(filled, [macro]) == []


def test_expired_snapshots_are_not_kept(filled):
    newest = filled.current_snapshot()
    filled.cursor().execute(f"CALL ducklake_expire_snapshots('lake', versions => [{newest - 1}])")
    assert filled.ducklake.kept_snapshots({newest - 1, newest}) == {newest}
    assert filled.ducklake.kept_snapshots(()) == set()
