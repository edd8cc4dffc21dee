"""Bars that were changed after they were stored, read from the history of a real lake."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from trading_assets.lake import Lake
from trading_assets.lake.store.history import rollback, snapshots
from trading_assets.lake.store.maintenance import maintain
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import BARS_DAILY, BARS_MINUTE, RESTATEMENTS
from trading_assets.market_data.quality import restatements, restatements_between
from trading_assets.orchestration.maintenance import reported_until
from trading_assets_tests.lake.examples import symbol_years
from trading_assets_tests.market_data.quality.panels import at

DAYS = [date(2024, 1, 2) + timedelta(days=day) for day in range(5)]
SCOPE = symbol_years("AAA", "BBB")
MONDAY = datetime(2024, 1, 2, tzinfo=UTC)


def bars(days: int = 5, *, source: str = "yahoo") -> pl.DataFrame:
    prices = {"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 100}
    rows = [{"symbol": name, "date": day, **prices} for name in ("AAA", "BBB") for day in DAYS[:days]]
    origin = {"source": source, "feed": None, "adjustment": None}
    return pl.DataFrame([row | origin for row in rows], schema=BARS_DAILY.schema)


def changed(frame: pl.DataFrame, row: pl.Expr, **values: object) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(row).then(pl.lit(value)).otherwise(name).alias(name) for name, value in values.items()
    )


def store(lake: Lake, frame: pl.DataFrame) -> int:
    return replace(lake, BARS_DAILY, frame, SCOPE).snapshot


def seen(lake: Lake, since: int, until: int | None = None) -> list[tuple[object, ...]]:
    """Restatements of a span without the moment, which the clock of the lake gives."""
    rows = restatements_between(lake, since, lake.current_snapshot() if until is None else until)
    assert rows.schema == RESTATEMENTS.empty().schema
    return rows.drop("table_name", "ts", "found_at").rows()


@pytest.fixture
def first(lake: Lake) -> int:
    """Snapshot of the first load."""
    return store(lake, bars(4))


def test_a_first_load_new_sessions_and_equal_values_are_no_restatements(lake: Lake, first: int) -> None:
    store(lake, bars(5))
    store(lake, bars(5))
    assert seen(lake, 0) == []
    assert lake.current_snapshot() == first + 1, "writing the same values again is no snapshot"


def test_a_restated_bar_is_one_row_per_field_with_old_and_new_value(lake: Lake, first: int) -> None:
    moment = datetime.now(UTC)
    latest = store(lake, changed(bars(5), at("BBB", DAYS[1]), close=10.5, volume=120))
    rows = restatements_between(lake, first, latest)
    assert rows.drop("found_at").rows() == [
        ("market_data.bars_daily", "BBB", DAYS[1], datetime(2024, 1, 3, tzinfo=UTC), name, old, new, *both, latest)
        for name, old, new, both in (("close", 11.0, 10.5, ("yahoo",) * 2), ("volume", 100.0, 120.0, ("yahoo",) * 2))
    ]
    assert rows["found_at"].is_between(moment - timedelta(seconds=1), datetime.now(UTC)).all()


def test_every_restatement_of_a_bar_is_told_once_by_its_snapshot(lake: Lake, first: int) -> None:
    latest = [store(lake, changed(bars(4), at("AAA", DAYS[0]), close=close)) for close in (10.0, 9.5, 11.0)]
    both = ("yahoo", "yahoo")
    told = [("AAA", DAYS[0], "close", old, new, *both) for old, new in ((11.0, 10.0), (10.0, 9.5), (9.5, 11.0))]
    assert seen(lake, first) == [(*row, snapshot) for row, snapshot in zip(told, latest, strict=True)]
    assert seen(lake, latest[0]) == seen(lake, first)[1:]
    assert seen(lake, first, latest[1]) == seen(lake, first)[:2]
    assert seen(lake, latest[2]) == []


def test_a_removed_bar_is_told_and_its_return_is_a_new_bar(lake: Lake, first: int) -> None:
    latest = store(lake, bars(4).filter(~at("AAA", DAYS[2])))
    store(lake, bars(4))
    assert seen(lake, first) == [("AAA", DAYS[2], "bar", 11.0, None, "yahoo", None, latest)]


def test_a_fallbacks_bar_that_the_primary_replaces_names_both_sources(lake: Lake, first: int) -> None:
    fallback = changed(bars(4), at("AAA", DAYS[3]), source="alpaca", close=11.5)
    since = store(lake, fallback)
    latest = store(lake, bars(4))
    assert seen(lake, since) == [("AAA", DAYS[3], "close", 11.5, 11.0, "alpaca", "yahoo", latest)]
    assert seen(lake, first, since)[0][-3:] == ("yahoo", "alpaca", since)


def test_equal_values_of_another_source_are_one_row(lake: Lake, first: int) -> None:
    latest = store(lake, changed(bars(4), at("AAA", DAYS[3]), source="alpaca"))
    assert seen(lake, first) == [("AAA", DAYS[3], "source", None, None, "yahoo", "alpaca", latest)]


def test_bars_within_a_session_are_told_with_their_start(lake: Lake) -> None:
    minutes = bars(1).with_columns(ts=pl.lit(MONDAY + timedelta(hours=15)).cast(BARS_MINUTE.schema["ts"]))
    minutes = minutes.select(BARS_MINUTE.schema.keys())
    since = replace(lake, BARS_MINUTE, minutes, SCOPE).snapshot
    replace(lake, BARS_MINUTE, changed(minutes, at("AAA", DAYS[0]), high=13.0), SCOPE)
    rows = restatements_between(lake, since, lake.current_snapshot())
    assert rows.select("table_name", "symbol", "ts", "field", "old", "new").rows() == [
        ("market_data.bars_minute", "AAA", MONDAY + timedelta(hours=15), "high", 12.0, 13.0)
    ]


def test_going_back_to_an_old_snapshot_is_a_restatement_too(lake: Lake, first: int) -> None:
    since = store(lake, changed(bars(4), at("AAA", DAYS[0]), close=10.0))
    rollback(lake, first)
    assert [row[2:5] for row in seen(lake, since)] == [("close", 10.0, 11.0)]


def test_the_report_spans_a_table_that_gained_a_column(lake: Lake) -> None:
    """The contract has gained `feed` and `adjustment`: bars of before have neither."""
    store(lake, bars(4))
    lake.cursor().execute("ALTER TABLE lake.market_data.bars_daily DROP COLUMN feed")
    since = lake.current_snapshot()
    old = store(lake, changed(bars(4), at("AAA", DAYS[0]), close=10.0))
    latest = store(lake, changed(bars(4), at("AAA", DAYS[0]), close=9.5).with_columns(feed=pl.lit("iex")))
    assert [row[2:5] for row in seen(lake, since)] == [("close", 11.0, 10.0), ("close", 10.0, 9.5)]
    assert [row[-1] for row in seen(lake, since)] == [old, latest]


# --- maintenance ----------------------------------------------------------------------------------------------------


def keep(lake: Lake, days: int) -> None:
    """Maintenance of a hundred days later, with a retention of so many days."""
    maintain(lake, now=datetime.now(UTC) + timedelta(days=100), retention=timedelta(days=days))


@pytest.fixture
def restated(lake: Lake, first: int) -> list[tuple[object, ...]]:
    """Restatements of a small history."""
    store(lake, changed(bars(5), at("BBB", DAYS[1]), close=10.5))
    store(lake, bars(5).filter(~at("AAA", DAYS[0])))
    store(lake, changed(bars(5), pl.col("symbol") == "BBB", volume=7))
    return seen(lake, first)


def test_merging_files_changes_nothing_of_the_report(lake: Lake, first: int, restated: list[object]) -> None:
    assert len(restated) == 8
    keep(lake, 365)
    assert seen(lake, first) == restated
    keep(lake, 365)
    assert seen(lake, first) == restated


def test_of_expired_snapshots_nothing_more_is_told_and_nothing_fails(
    lake: Lake, first: int, restated: list[object]
) -> None:
    keep(lake, 90)
    assert restated[-1][-1] in snapshots(lake)["snapshot"], "the newest snapshot stays, without what it replaced"
    assert seen(lake, first) == seen(lake, 0) == []
    latest = store(lake, changed(bars(5), pl.col("symbol") == "BBB", volume=8))
    assert seen(lake, first) == [("BBB", day, "volume", 7.0, 8.0, "yahoo", "yahoo", latest) for day in DAYS]


def test_what_is_newer_than_the_last_report_is_told_as_long_as_the_reported_snapshot_is_kept(lake: Lake) -> None:
    store(lake, bars(4))
    reported = store(lake, changed(bars(4), at("AAA", DAYS[0]), close=10.0))
    store(lake, changed(bars(5), at("BBB", DAYS[1]), close=10.5))
    store(lake, changed(bars(5), pl.col("symbol") == "BBB", volume=7))
    told = seen(lake, reported)
    kept = reported_until(lake, reported, datetime.now(UTC))
    for _ in range(2):
        maintain(
            lake, now=datetime.now(UTC) + timedelta(days=100), retention=datetime.now(UTC) + timedelta(days=100) - kept
        )
    assert snapshots(lake)["snapshot"].min() == reported
    assert seen(lake, reported) == told
    assert len(told) == 8


def test_a_span_without_restatements_reads_no_file(lake: Lake, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for days in (4, 5):
        store(lake, bars(days))
    read: list[str] = []
    query = Lake.query
    monkeypatch.setattr(Lake, "query", lambda self, text, *more: read.append(text) or query(self, text, *more))
    assert seen(lake, 0) == []
    assert [text for text in read if "table_changes" in text or "FROM lake.market_data" in text] == []


# --- law ------------------------------------------------------------------------------------------------------------

STATE = st.dictionaries(
    st.tuples(st.sampled_from(["AAA", "BBB"]), st.sampled_from(DAYS[:3])),
    st.tuples(st.sampled_from([10.0, 10.5, 11.0]), st.sampled_from([100, 120]), st.sampled_from(["yahoo", "alpaca"])),
)


@given(before=STATE, after=STATE)
@hypothesis_settings(max_examples=200, deadline=None)
def test_the_report_of_a_change_is_the_difference_of_the_bars_that_stay_or_go(before, after) -> None:
    """What is told turns the old bars into the new ones, but for bars that were not there before."""
    changed_keys = [key for key in before if before[key] != after.get(key)]
    sides = [
        ("delete", before, changed_keys),
        ("insert", after, [key for key in after if before.get(key) != after[key]]),
    ]
    rows = [
        {"snapshot": 7, "found_at": MONDAY, "change_type": kind, "symbol": key[0], "date": key[1]}
        | dict.fromkeys(("open", "high", "low"), 10.0)
        | dict(zip(("close", "volume", "source"), state[key], strict=True))
        for kind, state, keys in sides
        for key in keys
    ]
    schema = {"snapshot": pl.Int64, "found_at": pl.Datetime("us", "UTC"), "change_type": pl.String} | BARS_DAILY.schema
    told = restatements(pl.DataFrame(rows, schema=schema), BARS_DAILY)
    rebuilt = {key: list(value) for key, value in before.items()}
    for row in told.iter_rows(named=True):
        key = (row["symbol"], row["date"])
        assert (row["old_source"], row["snapshot"]) == (before[key][2], 7)
        if row["field"] == "bar":
            assert row["old"] == before[key][0]
            del rebuilt[key]
            continue
        rebuilt[key][2] = row["new_source"]
        if row["field"] != "source":
            place = ["close", "volume"].index(row["field"])
            assert row["old"] == before[key][place]
            rebuilt[key][place] = row["new"]
    assert rebuilt == {key: list(value) for key, value in after.items() if key in before}
    assert told.select("symbol", "date", "field").is_unique().all()
