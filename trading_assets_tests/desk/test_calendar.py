"""Sessions, holidays, half days and the calendar's bounds."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.desk import calendar

DAYS = st.dates(date(1990, 2, 1), date(2024, 12, 31))


@pytest.mark.parametrize(
    ("start", "end", "closed"),
    [
        (date(2012, 10, 26), date(2012, 10, 31), [date(2012, 10, 29), date(2012, 10, 30)]),
        (date(2001, 9, 10), date(2001, 9, 17), [date(2001, 9, day) for day in (11, 12, 13, 14)]),
        (date(2012, 11, 19), date(2012, 11, 25), [date(2012, 11, 22)]),
        (date(2012, 12, 24), date(2013, 1, 1), [date(2012, 12, 25), date(2013, 1, 1)]),
    ],
)
def test_new_york_is_closed_on_holidays_and_after_disasters(start, end, closed):
    assert calendar.non_sessions("XNYS", start, end) == closed
    assert not any(calendar.is_session("XNYS", day) for day in closed)


@pytest.mark.parametrize(
    ("session", "close"),
    [
        (date(2012, 11, 23), datetime(2012, 11, 23, 18, 0, tzinfo=UTC)),  # the day after Thanksgiving: 13:00 EST
        (date(2012, 11, 21), datetime(2012, 11, 21, 21, 0, tzinfo=UTC)),
        (date(2012, 7, 3), datetime(2012, 7, 3, 17, 0, tzinfo=UTC)),  # 13:00 EDT
        (date(2012, 7, 5), datetime(2012, 7, 5, 20, 0, tzinfo=UTC)),
    ],
)
def test_close_is_in_utc_and_early_on_half_days(session, close):
    assert calendar.session_close("XNYS", session) == close
    assert calendar.session_close("XNYS", session).utcoffset() == timedelta(0)


def test_closes_of_a_range_are_those_of_its_sessions():
    closes = calendar.session_closes("XNYS", date(2012, 11, 19), date(2012, 11, 26))
    for day, close in closes.iter_rows():
        assert close == calendar.session_close("XNYS", day)
    assert closes["date"].to_list() == calendar.sessions("XNYS", date(2012, 11, 19), date(2012, 11, 26))


@pytest.mark.parametrize(
    ("exchange", "session", "minutes"),
    [("XNYS", date(2012, 11, 21), 390), ("XNYS", date(2012, 11, 23), 210), ("XTKS", date(2012, 11, 20), 300)],
)
def test_minutes_leave_out_the_close_early_ends_and_lunch_breaks(exchange, session, minutes):
    frame = calendar.session_minutes(exchange, session, session)
    assert frame.height == minutes
    assert frame["ts"].is_sorted()
    assert frame["ts"][-1] + timedelta(minutes=1) == calendar.session_close(exchange, session)


@settings(deadline=None, max_examples=200)
@given(DAYS, st.integers(0, 400))
def test_weekdays_are_either_sessions_or_non_sessions(start, length):
    end = min(start + timedelta(days=length), date(2024, 12, 31))
    days = [start + timedelta(days=offset) for offset in range((end - start).days + 1)]
    sessions, closed = calendar.sessions("XNYS", start, end), calendar.non_sessions("XNYS", start, end)
    assert sorted(sessions + closed) == [day for day in days if day.weekday() < 5]
    assert sessions == [day for day in days if calendar.is_session("XNYS", day)]


@settings(deadline=None, max_examples=200)
@given(DAYS)
def test_next_and_previous_session_are_the_nearest_on_either_side(day):
    after, before = calendar.next_session("XNYS", day), calendar.previous_session("XNYS", day)
    assert before < day < after
    between = calendar.sessions("XNYS", before, after)
    assert between == ([before, day, after] if calendar.is_session("XNYS", day) else [before, after])


def test_calendar_begins_in_1990_or_where_the_exchange_does():
    assert calendar.first_session("XNYS") == date(1990, 1, 2)
    assert not calendar.is_session("XNYS", date(1990, 1, 1))
    assert calendar.next_session("XNYS", date(1990, 1, 1)) == date(1990, 1, 2)
    assert calendar.first_session("XTKS").year == 1997


@pytest.mark.parametrize("outside", [date(1962, 1, 2), date(2099, 1, 2)])
@pytest.mark.parametrize("ask", [calendar.is_session, calendar.next_session, calendar.session_close])
def test_date_outside_of_the_calendar_is_refused_with_its_bounds(ask, outside):
    with pytest.raises(calendar.CalendarBoundsError, match=rf"XNYS {outside}.*1990-01-02.*exchange-calendars"):
        ask("XNYS", outside)


def test_last_session_has_no_next_one():
    with pytest.raises(calendar.CalendarBoundsError, match="no later session"):
        calendar.next_session("XNYS", calendar.last_session("XNYS"))
    with pytest.raises(calendar.CalendarBoundsError, match="no earlier session"):
        calendar.previous_session("XNYS", calendar.first_session("XNYS"))


def test_close_of_a_holiday_names_the_next_session():
    with pytest.raises(calendar.NotASessionError, match=r"2012-11-22 \(Thursday\).*2012-11-23"):
        calendar.session_close("XNYS", date(2012, 11, 22))


def test_unknown_exchange_gets_suggestions():
    with pytest.raises(calendar.UnknownExchangeError, match=r"'XNY' \(did you mean 'XNYS'"):
        calendar.sessions("XNY", date(2012, 1, 1), date(2012, 2, 1))


def test_moment_instead_of_a_date_is_refused():
    with pytest.raises(TypeError, match=r"pass its \.date\(\)"):
        calendar.is_session("XNYS", datetime(2012, 1, 3, tzinfo=UTC))


def test_empty_range_has_no_sessions():
    assert calendar.sessions("XNYS", date(2012, 1, 10), date(2012, 1, 9)) == []
    assert calendar.session_closes("XNYS", date(2012, 1, 10), date(2012, 1, 9)).is_empty()


def test_importing_the_stage_does_not_import_the_calendar_library():
    code = (
        "import sys, trading_assets.desk.calendar, trading_assets.market_data.sources;"
        "sys.exit(any(m in sys.modules for m in ('exchange_calendars', 'bokeh_sampledata')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_national_exchange_of_india_trades_when_bombay_does():
    day = date(2024, 1, 25)
    assert calendar.sessions("XNSE", day, date(2024, 2, 1)) == calendar.sessions("XBOM", day, date(2024, 2, 1))
    assert not calendar.is_session("XNSE", date(2024, 1, 26)), "Republic Day"
    assert calendar.session_open("XNSE", day) == datetime(2024, 1, 25, 3, 45, tzinfo=UTC)
    assert calendar.session_close("XNSE", day) == datetime(2024, 1, 25, 10, 0, tzinfo=UTC)
    assert calendar.exchange_timezone("XNSE") == "Asia/Kolkata"
