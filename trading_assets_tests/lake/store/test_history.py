from datetime import date

import polars as pl
import pytest

from trading_assets.lake.errors import LakeError
from trading_assets.lake.store.history import diff, rollback, snapshots
from trading_assets.lake.store.sql import parse_at, run_query
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import BARS_DAILY
from trading_assets_tests.lake.examples import BARS, DAYS, bars, content, symbol_years
from trading_assets_tests.lake.store.test_tables import ROWS, _More, days


def everything(lake):
    return {table: content(lake, table) for table in lake.tables()}


def tell(lake):
    """Bring a lake into three states; the snapshots of the states."""
    first = replace(lake, BARS_DAILY, bars("A"), symbol_years("A"), author="run 1", message="load").snapshot
    broken = pl.concat([bars("B", days=2), *[bars("B", days=3)[2:]] * 3])
    second = replace(lake, BARS_DAILY, broken, symbol_years("B"), author="run 2").snapshot
    replace(lake, BARS_DAILY, bars("A", days=3, price=3.0), symbol_years("A"))
    third = replace(lake, DAYS, ROWS, symbol_years("A"), author="run 3").snapshot
    return first, second, third


@pytest.fixture
def story(lake):
    return tell(lake)


@pytest.fixture(scope="module")
def told(module_lake):
    return tell(module_lake)


def test_snapshots_are_listed_newest_first_with_what_changed_and_who(module_lake, told):
    listed = snapshots(module_lake)
    assert listed["snapshot"].to_list() == list(range(told[-1], -1, -1))
    first = listed.row(by_predicate=pl.col("snapshot") == told[0], named=True)
    assert (first["run"], first["message"]) == ("run 1", "load")
    assert first["changes"] == f"tables inserted into: catalog.written_partitions, {BARS}"
    assert snapshots(module_lake, limit=2).equals(listed.head(2))


def test_listed_time_selects_that_snapshot(module_lake, told):
    for snapshot, moment in snapshots(module_lake).select("snapshot", "time").rows():
        if snapshot in told:
            at = parse_at(moment)
            assert run_query(module_lake, "SELECT id FROM lake.current_snapshot()", at=at).item() == snapshot


def test_diff_counts_rows_of_the_tables_that_differ(module_lake, told):
    first, second, _ = told
    assert diff(module_lake, first, second).rows() == [
        ("catalog.written_partitions", 1, 2, 1, 0),
        (BARS, 5, 8, 3, 0),
        ("quarantine.market_data_bars_daily", 0, 2, 2, 0),
    ]
    assert diff(module_lake, second, first).rows()[1] == (BARS, 8, 5, 0, 3)
    assert diff(module_lake, first, first).is_empty()


def test_changed_row_counts_as_one_removed_and_one_added(lake):
    before = replace(lake, BARS_DAILY, bars("A"), symbol_years("A")).snapshot
    changed = bars("A").with_columns(volume=pl.when(pl.col("date") == date(2024, 1, 3)).then(7).otherwise("volume"))
    after = replace(lake, BARS_DAILY, changed, symbol_years("A")).snapshot
    assert diff(lake, before, after).rows() == [(BARS, 5, 5, 1, 1)]


def test_diff_spans_a_new_column_and_a_new_table(lake, story):
    last = replace(lake, days(_More), ROWS, symbol_years("A")).snapshot
    assert diff(lake, story[-1], last).rows() == [(DAYS.table, 1, 1, 1, 1)]
    assert (DAYS.table, 0, 1, 1, 0) in diff(lake, story[0], last).rows()


def test_diff_spans_a_dropped_table(lake, story):
    lake.cursor().execute(f"DROP TABLE lake.{DAYS.table}")
    assert diff(lake, story[-1], lake.current_snapshot()).rows() == [(DAYS.table, 1, 0, 0, 1)]
    with pytest.raises(LakeError, match=r"testing\.days was dropped since snapshot"):
        rollback(lake, story[-1])


def test_unknown_snapshot_is_an_error_that_tells_the_known_ones(module_lake, told):
    with pytest.raises(LakeError, match=rf"snapshot 999 does not exist .* known: 0 to {told[-1]}"):
        diff(module_lake, told[0], 999)
    with pytest.raises(LakeError, match="snapshot 999 does not exist"):
        rollback(module_lake, 999)
    assert module_lake.current_snapshot() == told[-1]


def test_rollback_makes_every_table_equal_again_and_is_a_snapshot(lake, story):
    before = everything(lake)
    for state in (story[0], story[2], story[0]):
        latest = lake.current_snapshot()
        wanted = diff(lake, state, latest)
        assert rollback(lake, state).equals(wanted)
        assert diff(lake, state, lake.current_snapshot()).is_empty()
        assert lake.current_snapshot() == latest + (wanted.height > 0)
    listed = snapshots(lake).row(0, named=True)
    assert (listed["run"], listed["message"]) == ("rollback", f"rolled back to snapshot {story[0]}")
    rollback(lake, story[2])
    assert everything(lake) == before


def test_rollback_forgets_which_partitions_were_written_since(lake, story):
    rollback(lake, story[0])
    assert lake.written_partitions(BARS) == {"2024|A"}
    assert lake.written_partitions(DAYS.table) == set()
    assert replace(lake, BARS_DAILY, bars("B"), symbol_years("B")).added == 5
    assert lake.written_partitions(BARS) == {"2024|A", "2024|B"}


def test_rollback_touches_only_rows_that_differ(lake):
    before = replace(lake, BARS_DAILY, bars("A"), symbol_years("A")).snapshot
    replace(lake, BARS_DAILY, bars("A", days=4), symbol_years("A"))
    latest = lake.current_snapshot()
    rollback(lake, before)
    changes = f"ducklake_table_changes('lake', 'market_data', 'bars_daily', {latest + 1}, {latest + 1})"
    assert lake.query(f"SELECT change_type, date FROM {changes}").rows() == [("insert", date(2024, 1, 5))]


def test_rollback_to_the_present_changes_nothing(module_lake, told):
    assert rollback(module_lake, told[-1]).is_empty()
    assert module_lake.current_snapshot() == told[-1]


def test_rollback_spans_a_new_column(lake, story):
    replace(lake, days(_More), ROWS, symbol_years("A"))
    rollback(lake, story[-1])
    assert lake.query(f"SELECT venue, note FROM lake.{DAYS.table}").rows() == [(None, "x")]


def test_newest_snapshot_of_tables_is_that_of_their_last_change(module_lake, told):
    first, second, third = told
    assert module_lake.table_snapshot(BARS) == second + 1
    assert module_lake.table_snapshot(DAYS.table) == third
    assert module_lake.table_snapshot(BARS, DAYS.table) == third
    assert module_lake.table_snapshot() == module_lake.table_snapshot("features.technical") == 0
    assert first < second
