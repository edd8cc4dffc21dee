"""Adjusted bars, figures and members as of a date, from a real lake, in Python and in SQL."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trading_assets.lake import Scope
from trading_assets.lake.store.history import rollback
from trading_assets.lake.store.maintenance import maintain
from trading_assets.lake.store.sql import run_query
from trading_assets.lake.store.writes import replace
from trading_assets.market_data import as_of
from trading_assets.market_data.contract import (
    BARS_DAILY,
    BARS_HOURLY,
    CORPORATE_ACTIONS,
    FUNDAMENTALS,
    MEMBERSHIP,
    SYMBOLS,
)
from trading_assets.market_data.macros import MACROS, Macro, ensure_macros
from trading_assets.market_data.sources import SampleSource
from trading_assets_tests.point_in_time.sample import random_bars

EVER = (date(2000, 1, 1), date(2013, 12, 31))
NAMES = ["AAPL", "GOOG", "IBM", "MSFT"]
METHODS = ["split", "dividend", "total_return"]
CASES = [("A", date(2016, 3, 31)), ("A", date(2016, 6, 30)), ("B", date(2016, 3, 31))]


def write(lake, contract, rows):
    frame = pl.DataFrame(rows, schema=contract.schema, orient="row") if isinstance(rows, list) else rows
    replace(lake, contract, frame, Scope())


@pytest.fixture(scope="module")
def filled(module_lake):
    source = SampleSource()
    write(module_lake, BARS_DAILY, source.bars(NAMES, *EVER))
    write(module_lake, CORPORATE_ACTIONS, source.corporate_actions(NAMES, *EVER))
    write(module_lake, SYMBOLS, source.symbols())
    figure = [
        (symbol, end, "quarter", "revenue", float(number), "USD", known.date(), known, "filing", "test")
        for number, (symbol, end) in enumerate(CASES)
        for known in (datetime(2016, 8, 1, tzinfo=UTC) + timedelta(days=number), datetime(2016, 9, 1, tzinfo=UTC))
    ]
    write(module_lake, FUNDAMENTALS, figure)
    span = [
        ("sp", "A", date(2010, 1, 1), date(2011, 1, 1), "dated", None, "test"),
        ("sp", "A", date(2012, 1, 1), None, "dated", None, "test"),
        ("sp", "B", date(2010, 6, 1), None, "hindsight", None, "test"),
        ("other", "C", date(2000, 1, 1), None, "dated", None, "test"),
    ]
    write(module_lake, MEMBERSHIP, span)
    ensure_macros(module_lake)
    return module_lake


def close_on(frame, symbol, day):
    return frame.filter(pl.col("symbol") == symbol, pl.col("date") == day)["close"].item()


# --- as of a day


def test_prices_are_in_the_shares_of_the_day_asked_about(filled):
    raw = close_on(filled.query(f"FROM lake.{BARS_DAILY.table}"), "AAPL", date(2005, 2, 25))
    before, after = (
        close_on(as_of.adjusted_bars(filled, day, symbols=["AAPL"]), "AAPL", date(2005, 2, 25))
        for day in (date(2005, 2, 25), date(2005, 2, 28))
    )
    assert (before, after) == (raw, raw / 2)


def test_no_bar_is_later_than_the_day_asked_about(filled):
    assert as_of.adjusted_bars(filled, date(2005, 2, 26))["date"].max() == date(2005, 2, 25)


@pytest.mark.parametrize("method", METHODS)
def test_the_window_chooses_rows_and_changes_no_value(filled, method):
    whole = as_of.adjusted_bars(filled, date(2012, 12, 31), method=method)
    window = as_of.adjusted_bars(
        filled, date(2012, 12, 31), method=method, symbols=["MSFT"], start=date(2003, 2, 14), end=date(2003, 2, 20)
    )
    expected = whole.filter(pl.col("symbol") == "MSFT", pl.col("date").is_between(date(2003, 2, 14), date(2003, 2, 20)))
    assert_frame_equal(window, expected)
    assert window.height == 4


def test_an_action_known_later_than_its_ex_date_counts_from_when_it_was_known(lake):
    write(lake, BARS_DAILY, random_bars(["A"], 10, first=date(2016, 5, 2)).with_columns(
        source=pl.lit("t"), feed=pl.lit(None, pl.String), adjustment=pl.lit("none")))  # fmt: skip
    write(lake, CORPORATE_ACTIONS, [("A", date(2016, 5, 4), "split", 2.0, datetime(2016, 5, 6, 18, tzinfo=UTC), "t")])
    first = [as_of.adjusted_bars(lake, date(2016, 5, day))["close"][0] for day in (4, 5, 6)]
    assert first[0] == first[1] == 2 * first[2]


# --- as of a moment


def test_at_a_moment_a_bar_counts_from_its_close_and_an_action_from_the_morning_of_its_ex_date(filled):
    def newest(hour, day=28):
        frame = as_of.adjusted_bars(filled, datetime(2005, 2, day, hour, tzinfo=UTC), symbols=["AAPL"])
        return frame["date"].max(), close_on(frame, "AAPL", date(2005, 2, 25))

    raw = newest(22, 25)[1]
    assert newest(12) == (date(2005, 2, 25), raw / 2)
    assert newest(20)[0] == date(2005, 2, 25)
    assert newest(21)[0] == date(2005, 2, 28)


def test_a_moment_without_a_zone_and_a_name_without_an_exchange_are_refused(filled, lake):
    with pytest.raises(ValueError, match="has no zone; pass it in UTC"):
        as_of.adjusted_bars(filled, datetime(2005, 2, 28, 12))  # noqa: DTZ001
    write(lake, BARS_DAILY, SampleSource().bars(["IBM"], *EVER))
    with pytest.raises(ValueError, match=r"'IBM' is not in market_data.symbols.*materialise market_data/symbols"):
        as_of.adjusted_bars(lake, datetime(2005, 2, 28, 12, tzinfo=UTC))


def test_an_hourly_bar_counts_from_its_end(lake):
    rows = [
        ("IBM", date(2012, 5, 2), 10.0, 10.0, 10.0, 10.0, 1, "t", None, "none", datetime(2012, 5, 2, h, 30, tzinfo=UTC))
        for h in (13, 14)
    ]
    write(lake, BARS_HOURLY, rows)
    write(lake, SYMBOLS, SampleSource().symbols())

    def count(hour):
        return as_of.adjusted_bars(lake, datetime(2012, 5, 2, hour, 30, tzinfo=UTC), interval="1h").height

    assert [count(hour) for hour in (13, 14, 15)] == [0, 1, 2]
    assert as_of.adjusted_bars(lake, date(2012, 5, 2), interval="1h").height == 2


# --- in SQL


@settings(deadline=None, max_examples=12)
@given(st.dates(date(2000, 3, 1), date(2013, 4, 1)), st.sampled_from(METHODS))
def test_sql_gives_what_python_gives(filled, day, method):
    found = run_query(filled, f"FROM market_data.adjusted_bars(DATE '{day}', method := '{method}')")
    assert_frame_equal(found, as_of.adjusted_bars(filled, day, method=method), check_exact=False, rel_tol=1e-12)


def test_sql_adjusts_by_splits_unless_told_otherwise(filled):
    found = run_query(filled, "SELECT close FROM lake.market_data.adjusted_bars(DATE '2005-03-01') "
                              "WHERE symbol = 'AAPL' AND date = DATE '2005-02-25'")  # fmt: skip
    assert found.item() == close_on(as_of.adjusted_bars(filled, date(2005, 3, 1)), "AAPL", date(2005, 2, 25))


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("adjusted_bars(DATE '2012-01-03', method := 'none')", "there is no adjustment 'none'; choose one of split"),
        ("adjusted_bars(TIMESTAMP '2012-01-03 12:00')", "does not support the supplied arguments"),
        ("adjusted_bars()", "does not support the supplied arguments"),
    ],
)
def test_sql_refuses_what_it_cannot_answer(filled, call, problem):
    with pytest.raises(Exception, match=problem):
        run_query(filled, f"FROM market_data.{call}")


def test_sql_names_a_dividend_that_cannot_be(lake):
    write(lake, BARS_DAILY, SampleSource().bars(["IBM"], *EVER))
    write(lake, CORPORATE_ACTIONS, [("IBM", date(2005, 3, 1), "dividend", 1e6, datetime(2005, 3, 1, tzinfo=UTC), "t")])
    ensure_macros(lake)
    query = "FROM market_data.adjusted_bars(DATE '2006-01-03', method := 'dividend')"
    with pytest.raises(Exception, match=r"dividend of 1000000.0 on IBM after 2005-02-28 is not below"):
        run_query(lake, query)
    assert run_query(lake, query.replace("'dividend'", "'split'")).height > 1000


def test_figures_as_of_a_moment_are_the_versions_known_then(filled):
    for moment in (
        datetime(2016, 8, 2, tzinfo=UTC),
        datetime(2016, 8, 20, tzinfo=UTC),
        datetime(2016, 9, 1, tzinfo=UTC),
    ):
        known = as_of.fundamentals_as_of(filled, moment)
        found = run_query(filled, f"FROM market_data.fundamentals_as_of(TIMESTAMPTZ '{moment}')")
        assert_frame_equal(found.cast(known.schema), known)
    assert known["known_at"].unique().to_list() == [datetime(2016, 9, 1, tzinfo=UTC)]
    assert as_of.fundamentals_as_of(filled, datetime(2016, 8, 2, tzinfo=UTC))["symbol"].to_list() == ["A", "A"]
    assert as_of.fundamentals_as_of(filled, datetime(2016, 9, 2, tzinfo=UTC), symbols=["B"]).height == 1


@pytest.mark.parametrize(
    ("day", "members"),
    [
        (date(2009, 12, 31), []),
        (date(2010, 1, 1), ["A"]),
        (date(2011, 1, 1), ["A", "B"]),
        (date(2011, 1, 2), ["B"]),
        (date(2012, 1, 1), ["A", "B"]),
    ],
)
def test_members_of_a_day_are_those_whose_span_contains_it(filled, day, members):
    found = as_of.members_on(filled, "sp", day)
    assert found["symbol"].to_list() == members
    assert_frame_equal(run_query(filled, f"FROM market_data.members_on('sp', DATE '{day}')").cast(found.schema), found)


# --- the macros in the lake


def test_macros_are_stored_once_their_tables_are_there_and_only_when_they_change(lake):
    assert ensure_macros(lake) == []
    write(lake, BARS_DAILY, BARS_DAILY.empty())
    assert ensure_macros(lake) == []
    write(lake, CORPORATE_ACTIONS, CORPORATE_ACTIONS.empty())
    assert ensure_macros(lake) == ["adjusted_bars"]
    before = lake.current_snapshot()
    assert ensure_macros(lake) == []
    assert lake.current_snapshot() == before
    (first, *_) = MACROS
    longer = Macro(first.name, (first.parameters[0], ("method", "varchar", "total_return")), first.query, first.tables)
    assert ensure_macros(lake, [longer]) == ["adjusted_bars"]
    assert ensure_macros(lake, [longer]) == []


def test_macros_read_the_lake_as_it_was_and_outlive_rollback_and_forgotten_snapshots(lake):
    def count(at=None):
        return run_query(lake, "SELECT count(*) FROM market_data.adjusted_bars(DATE '2012-01-03')", at=at).item()

    write(lake, CORPORATE_ACTIONS, SampleSource().corporate_actions(["IBM"], *EVER))
    write(lake, BARS_DAILY, SampleSource().bars(["IBM"], *EVER))
    ensure_macros(lake)
    before = lake.current_snapshot()
    write(lake, BARS_DAILY, SampleSource().bars(["IBM", "AAPL"], *EVER))
    assert count() == 2 * count(at=before) > 0
    rollback(lake, before)
    maintain(lake, now=datetime(2030, 1, 1, tzinfo=UTC), retention=timedelta(days=1))
    lake.close()
    assert count() > 0
    assert ensure_macros(lake) == []


def test_a_lake_with_macros_opens_again_in_a_client_of_its_own(filled):
    filled.close()
    connection = filled.attach(read_only=True)
    for macro in MACROS:
        given = {"date": "DATE '2012-01-03'", "varchar": "'sp'", "timestamptz": "TIMESTAMPTZ '2016-10-01 00:00:00+00'"}
        arguments = ", ".join(given[kind] for _, kind, default in macro.parameters if default is None)
        assert connection.execute(f"SELECT count(*) FROM market_data.{macro.name}({arguments})").fetchone()[0] > 0
    connection.close()


def test_only_macros_of_the_lake_are_open_to_queries(filled):
    for call in ("market_data.read_csv('/etc/passwd')", "main.read_csv('/etc/passwd')", "adjusted('x')"):
        with pytest.raises(Exception, match="is not allowed in queries"):
            run_query(filled, f"FROM {call}")
