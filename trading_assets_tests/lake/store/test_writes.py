import json
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trading_assets.lake import LakeFrame, Scope
from trading_assets.lake.errors import ContractError
from trading_assets.lake.store.hashing import content_hash
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import BARS_DAILY, SYMBOLS
from trading_assets_tests.lake.examples import BARS, DAYS, EVENTS, bars, content, symbol_years

QUARANTINE = BARS_DAILY.quarantine_table


def touched(lake, since):
    """Changes of the bars after a snapshot: kind and day."""
    span = f"{since + 1}, {lake.current_snapshot()}"
    changes = f"ducklake_table_changes('lake', 'market_data', 'bars_daily', {span})"
    return lake.query(f"SELECT change_type, date::VARCHAR FROM {changes} ORDER BY 2, 1").rows()


def quarantined(lake, table=QUARANTINE):
    return lake.query(f"SELECT symbol, date, rule, row FROM lake.{table} ORDER BY ALL").rows()


def test_first_write_stores_all_rows_and_says_so(lake):
    result = replace(lake, BARS_DAILY, bars("A"), symbol_years("A"), author="run", message="first")
    assert content(lake) == bars("A").rows()
    assert (result.rows, result.added, result.changed, result.removed, result.quarantined) == (5, 5, 0, 0, 0)
    assert result.content_hash == content_hash(bars("A"), key=BARS_DAILY.key)
    assert result.snapshot == lake.current_snapshot()
    assert not result.is_unchanged


def test_snapshot_tells_author_message_scope_and_first_day(lake):
    replace(lake, BARS_DAILY, bars("A"), symbol_years("A"), author="run 7", message="bars")
    row = lake.query("SELECT author, commit_message, commit_extra_info FROM lake.snapshots() ORDER BY snapshot_id").row(
        -1
    )
    assert row[:2] == ("run 7", "bars")
    scope = "symbol A, 2024-01-01 to before 2025-01-01"
    assert json.loads(row[2]) == {"table": BARS, "scope": scope, "changed_from": "2024-01-01"}


def test_same_rows_again_commit_nothing(lake):
    first = replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    again = replace(lake, BARS_DAILY, bars("A").sample(fraction=1, shuffle=True, seed=1), symbol_years("A"))
    assert again.is_unchanged
    assert again.content_hash == first.content_hash
    assert again.snapshot == lake.current_snapshot() == first.snapshot


def test_refreshed_year_appends_one_session(lake):
    first = replace(lake, BARS_DAILY, bars("A", days=4), symbol_years("A"))
    result = replace(lake, BARS_DAILY, bars("A", days=5), symbol_years("A"))
    assert (result.added, result.changed, result.removed) == (1, 0, 0)
    assert touched(lake, first.snapshot) == [("insert", "2024-01-05")]


def test_restatement_touches_exactly_the_changed_rows(lake):
    first = replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    restated = bars("A").with_columns(volume=pl.when(pl.col("date") == date(2024, 1, 3)).then(7).otherwise("volume"))
    result = replace(lake, BARS_DAILY, restated, symbol_years("A"))
    assert (result.added, result.changed, result.removed) == (0, 1, 0)
    assert {day for _, day in touched(lake, first.snapshot)} == {"2024-01-03"}
    assert content(lake) == restated.rows()


def test_row_that_the_frame_lacks_is_removed(lake):
    first = replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    result = replace(lake, BARS_DAILY, bars("A", days=4), symbol_years("A"))
    assert (result.added, result.changed, result.removed) == (0, 0, 1)
    assert touched(lake, first.snapshot) == [("delete", "2024-01-05")]


def test_value_that_becomes_null_or_stops_being_null_is_a_change(lake):
    rows = pl.DataFrame({"symbol": "A", "date": [date(2024, 1, 1), date(2024, 1, 2)], "count": [None, 1], "note": "x"})
    replace(lake, DAYS, rows, symbol_years("A"))
    swapped = rows.with_columns(count=pl.Series([1, None]))
    assert replace(lake, DAYS, swapped, symbol_years("A")).changed == 2
    assert replace(lake, DAYS, swapped, symbol_years("A")).is_unchanged
    assert content(lake, DAYS.table) == swapped.rows()


def test_write_of_one_symbol_year_leaves_all_others(lake):
    others = [("A", 2023), ("B", 2024), ("A", 2025)]
    for symbol, year in others:
        replace(lake, BARS_DAILY, bars(symbol, year=year), symbol_years(symbol, year=year))
    replace(lake, BARS_DAILY, bars("A", price=3.0), symbol_years("A"))
    replace(lake, BARS_DAILY, BARS_DAILY.empty(), symbol_years("A"))
    kept = pl.concat([bars(symbol, year=year) for symbol, year in others]).sort("symbol", "date")
    assert content(lake) == kept.rows()


def test_range_is_the_union_of_its_partitions(lake):
    frame = pl.concat([bars("A"), bars("B"), bars("A", year=2025), bars("B", year=2025)])
    one = replace(lake, BARS_DAILY, frame, symbol_years("A", "B", until=2026))
    for symbol, year in [("B", 2025), ("A", 2024), ("A", 2025), ("B", 2024)]:
        assert replace(lake, BARS_DAILY, bars(symbol, year=year), symbol_years(symbol, year=year)).is_unchanged
    assert lake.current_snapshot() == one.snapshot


def test_unpartitioned_table_is_replaced_as_a_whole(lake):
    symbols = pl.DataFrame(
        {"symbol": ["A", "B"], "name": None, "exchange": "XNYS", "currency": "USD", "first_session": date(2024, 1, 2),
         "last_session": date(2024, 1, 3), "delisted_on": None, "source": "test"}
    )  # fmt: skip
    replace(lake, SYMBOLS, symbols, Scope())
    assert replace(lake, SYMBOLS, symbols.head(1), Scope()).removed == 1
    assert lake.query("SELECT symbol FROM market_data.symbols").rows() == [("A",)]


def test_moments_survive_and_belong_to_the_year_in_utc(lake):
    moments = [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)]
    rows = pl.DataFrame({"symbol": "A", "ts": moments, "value": [1.0, None], "is_final": [True, False]})
    scope = Scope({"symbol": ("A",)}, "ts", date(2024, 1, 1), date(2025, 1, 1), ("2024|A",))
    replace(lake, EVENTS, rows, scope)
    assert replace(lake, EVENTS, rows, scope).is_unchanged
    assert content(lake, EVENTS.table) == rows.rows()


def test_rows_outside_the_scope_are_an_error_and_nothing_is_written(lake):
    replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    before = lake.current_snapshot()
    stray = pl.concat([bars("A", price=3.0), bars("A", year=2025, days=2)])
    with pytest.raises(ContractError, match=r"2 rows lie outside the partitions being written, first .*2025, 1, 1"):
        replace(lake, BARS_DAILY, stray, symbol_years("A"))
    assert lake.current_snapshot() == before
    assert content(lake) == bars("A").rows()


def test_written_partitions_are_recorded_with_rows_or_without(lake):
    replace(lake, BARS_DAILY, bars("A"), symbol_years("A", "B"))
    replace(lake, BARS_DAILY, BARS_DAILY.empty(), symbol_years("C"))
    assert lake.written_partitions(BARS) == {"2024|A", "2024|B", "2024|C"}
    replace(lake, BARS_DAILY, bars("A", days=2), symbol_years("A", "B"))
    assert lake.query("SELECT count(*) FROM lake.catalog.written_partitions").item() == 3
    assert lake.written_partitions("features.technical") == set()


def test_empty_partition_is_committed_once(lake):
    replace(lake, BARS_DAILY, BARS_DAILY.empty(), symbol_years("A"))
    before = lake.current_snapshot()
    replace(lake, BARS_DAILY, BARS_DAILY.empty(), symbol_years("A"))
    assert lake.current_snapshot() == before


def test_broken_rows_go_to_quarantine_with_the_same_snapshot(lake):
    lake.ensure_table(BARS_DAILY)
    before = lake.current_snapshot()
    result = replace(lake, BARS_DAILY, bars("A").with_columns(close=pl.lit(-1.0)), symbol_years("A"))
    assert (result.rows, result.quarantined) == (0, 5)
    assert lake.current_snapshot() == before + 1
    assert len(quarantined(lake)) == 5
    assert content(lake) == []


def test_quarantine_of_a_scope_is_replaced_and_of_others_kept(lake):
    broken = lambda symbol, year: bars(symbol, year=year, days=2).with_columns(close=pl.lit(-1.0))
    for symbol, year in [("A", 2024), ("A", 2025), ("B", 2024)]:
        replace(lake, BARS_DAILY, broken(symbol, year), symbol_years(symbol, year=year))
    assert len(quarantined(lake)) == 6
    replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    assert {(symbol, day.year) for symbol, day, *_ in quarantined(lake)} == {("A", 2025), ("B", 2024)}


def test_same_quarantine_again_commits_nothing(lake):
    broken = pl.concat([bars("A"), bars("A"), bars("A", price=-3.0)])
    replace(lake, BARS_DAILY, broken, symbol_years("A"))
    before, rows = lake.current_snapshot(), quarantined(lake)
    assert replace(lake, BARS_DAILY, broken, symbol_years("A")).quarantined == len(rows) == 10
    assert lake.current_snapshot() == before


@pytest.mark.parametrize("day", [None, date(2031, 1, 1)], ids=["without a date", "of another year"])
def test_broken_row_that_fits_nowhere_belongs_to_the_partition_it_came_with(lake, day):
    stray = bars("A", days=1).with_columns(date=pl.lit(day, dtype=pl.Date), close=pl.lit(-1.0))
    replace(lake, BARS_DAILY, stray, symbol_years("A"))
    kept = quarantined(lake)
    assert kept[0][:2] == ("A", date(2024, 1, 1))
    assert json.loads(kept[0][3])["date"] == (str(day) if day else None)
    before = lake.current_snapshot()
    replace(lake, BARS_DAILY, stray, symbol_years("A"))
    assert lake.current_snapshot() == before
    replace(lake, BARS_DAILY, bars("A", year=2025), symbol_years("A", year=2025))
    replace(lake, BARS_DAILY, bars("B"), symbol_years("B"))
    assert quarantined(lake) == kept
    replace(lake, BARS_DAILY, bars("A"), symbol_years("A"))
    assert quarantined(lake) == []


def test_broken_row_without_a_symbol_belongs_to_the_partition_it_came_with(lake):
    replace(lake, BARS_DAILY, bars("A", days=1).with_columns(symbol=pl.lit(None, pl.String)), symbol_years("A", "B"))
    assert [row[0] for row in quarantined(lake)] == ["A"]


def test_further_rules_quarantine_rows_of_this_write(lake):
    rules = {"date: lies in the future": pl.col("date") > date(2024, 1, 4)}
    result = replace(lake, BARS_DAILY, bars("A"), symbol_years("A"), rules=rules)
    assert (result.rows, result.quarantined) == (4, 1)
    assert quarantined(lake)[0][2] == "date: lies in the future"


def test_rows_are_stored_by_year_and_in_key_order(lake):
    frame = pl.concat([bars("B", year=2025), bars("A", year=2025), bars("A"), bars("B")])
    replace(lake, BARS_DAILY, frame, symbol_years("A", "B", until=2026))
    files = lake.query("SELECT data_file FROM ducklake_list_files('lake', 'bars_daily', schema => 'market_data')")
    assert files.height == 2
    for path in files["data_file"]:
        stored = pl.read_parquet(path, hive_partitioning=False).select("symbol", "date")
        assert stored["date"].dt.year().n_unique() == 1
        assert stored.equals(stored.sort("symbol", "date"))


frames = st.dictionaries(
    st.tuples(st.sampled_from("AB"), st.sampled_from([2024, 2025]), st.integers(1, 6)),
    st.tuples(st.sampled_from([None, 0, 1, 2]), st.sampled_from([None, "", "x"])),
    max_size=8,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(frames, st.sampled_from([("A",), ("B",), ("A", "B")]), st.sampled_from([2024, 2025])), max_size=4
    )
)
def test_lake_holds_what_was_last_written_to_each_partition(lake, writes):
    wanted = {}
    replace(lake, DAYS, DAYS.empty(), symbol_years("A", "B", until=2026))
    for drawn, symbols, year in writes:
        inside = {key: value for key, value in drawn.items() if key[0] in symbols and key[1] == year}
        gone = [key for key in wanted if key[0] in symbols and key[1] == year]
        expected = (
            len(inside.keys() - set(gone)),
            sum(key in wanted and wanted[key] != value for key, value in inside.items()),
            len(set(gone) - inside.keys()),
        )
        for key in gone:
            del wanted[key]
        wanted |= inside
        rows = [(symbol, date(y, 1, day), *values) for (symbol, y, day), values in inside.items()]
        frame = pl.DataFrame(rows, schema=DAYS.schema, orient="row")
        result = replace(lake, DAYS, frame, symbol_years(*symbols, year=year))
        assert (result.added, result.changed, result.removed) == expected
    stored = lake.query(f"FROM lake.{DAYS.table}").rows()
    assert {(symbol, day.year, day.day): tuple(values) for symbol, day, *values in stored} == wanted
    assert len(stored) == len(wanted)


def test_hundreds_of_names_are_one_scope(lake):
    names = [f"N{number:03d}'s" for number in range(300)]
    rows = pl.concat([bars("A", days=2).with_columns(symbol=pl.lit(name)) for name in names])
    everything, some = symbol_years(*names), symbol_years(*names[100:])
    replace(lake, BARS_DAILY, rows, everything)
    kept = rows.filter(pl.col("symbol").is_in(names[150:]))
    assert replace(lake, BARS_DAILY, kept, some).removed == 2 * 50
    stored = LakeFrame(lake, BARS_DAILY).read(["symbol"], symbol=names[50:])
    assert stored["symbol"].unique().sort().to_list() == sorted([*names[50:100], *names[150:]])
