"""Hours and days from minutes: sessions, half days and breaks hold, and nothing is lost."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from trading_assets.desk.calendar import session_hours, session_minutes
from trading_assets.market_data.resample import daily, hourly
from trading_assets.market_data.sources import SimulatedSource, SimulationParameters

SOURCE = SimulatedSource(SimulationParameters(seed=5, n_symbols=2, start=date(2018, 6, 1), end=date(2019, 1, 31)))
FIRST, LAST = date(2018, 11, 1), date(2018, 11, 30)
HOURS = session_hours("XNYS", FIRST, LAST)
HALF_DAY = date(2018, 11, 23)
VALUES = ["symbol", "date", "open", "high", "low", "close", "volume"]


@pytest.fixture(scope="module")
def minutes():
    return SOURCE.bars(["SIM0001", "SIM0002"], FIRST, LAST, "1m")


def test_the_day_joined_from_minutes_is_the_daily_bar(minutes):
    expected = SOURCE.bars(["SIM0001", "SIM0002"], FIRST, LAST)
    assert daily(minutes, HOURS).select(VALUES).equals(expected.select(VALUES))
    assert daily(hourly(minutes, HOURS), HOURS).select(VALUES).equals(expected.select(VALUES))


def test_hours_count_from_the_open_also_across_the_change_of_the_clock(minutes):
    """New York leaves summer time on 2018-11-04: the open moves from 13:30 to 14:30 UTC."""
    starts = hourly(minutes, HOURS).filter(pl.col("symbol") == "SIM0001").group_by("date").agg(pl.col("ts").min())
    opens = dict(starts.rows())
    assert opens[date(2018, 11, 2)] == datetime(2018, 11, 2, 13, 30, tzinfo=UTC)
    assert opens[date(2018, 11, 5)] == datetime(2018, 11, 5, 14, 30, tzinfo=UTC)


def test_a_full_day_has_seven_hours_and_a_half_day_four(minutes):
    counts = dict(hourly(minutes, HOURS).filter(pl.col("symbol") == "SIM0001").group_by("date").len().rows())
    assert counts.pop(HALF_DAY) == 4
    assert set(counts.values()) == {7}


def test_minutes_outside_of_the_session_are_left_out(minutes):
    own = minutes.filter(pl.col("symbol") == "SIM0001", pl.col("date") == HALF_DAY)
    late = own.tail(1).with_columns(ts=pl.col("ts") + timedelta(hours=1), volume=pl.lit(10**9, dtype=pl.Int64))
    assert hourly(pl.concat([own, late]), HOURS).equals(hourly(own, HOURS))


def test_an_hour_holds_first_highest_lowest_last_and_sum():
    start = datetime(2018, 11, 5, 14, 30, tzinfo=UTC)
    rows = [
        ("A", date(2018, 11, 5), start + timedelta(minutes=minute), *bar)
        for minute, *bar in ((59, 5.0, 6.0, 4.0, 5.5, 3), (0, 1.0, 3.0, 1.0, 2.0, 1), (60, 9.0, 9.0, 9.0, 9.0, 9))
    ]
    frame = pl.DataFrame(
        rows,
        schema=["symbol", "date", "ts", "open", "high", "low", "close", "volume"],
        orient="row",
    ).with_columns(pl.col("ts").cast(pl.Datetime("us", "UTC")))
    found = hourly(frame, HOURS)
    assert found.select("ts", "open", "high", "low", "close", "volume").rows() == [
        (start, 1.0, 6.0, 1.0, 5.5, 4),
        (start + timedelta(hours=1), 9.0, 9.0, 9.0, 9.0, 9),
    ]


def test_a_break_of_the_session_does_not_move_the_hours():
    """Tokyo trades 9:00-11:30 and 12:30-15:00 (until 2024-11-04), so an hour may hold half an hour of trading."""
    day = date(2024, 6, 3)
    clock = session_minutes("XTKS", day, day)
    frame = clock.with_columns(
        symbol=pl.lit("7203"), volume=pl.lit(1), **{name: pl.lit(10.0) for name in ("open", "high", "low", "close")}
    )
    found = hourly(frame, session_hours("XTKS", day, day))
    assert found["volume"].to_list() == [60, 60, 30, 30, 60, 60]
    assert found["volume"].sum() == clock.height
