"""Exchange sessions: which days an exchange trades and when each session closes.

Thin functions over the ``exchange_calendars`` library. An exchange is its calendar code (ISO 10383 MIC where there is
one): ``"XNYS"``, ``"XLON"``, ``"24/7"``. A calendar reaches from 1990 (or the first day the library knows, e.g. 1997
for ``"XTKS"``) to the library's default end, about a year ahead of the day the process started.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import polars as pl

from trading_assets.errors import TradingAssetsError
from trading_assets.suggest import did_you_mean

__all__ = [
    "CalendarBoundsError",
    "NotASessionError",
    "UnknownExchangeError",
    "exchange_timezone",
    "first_session",
    "is_session",
    "last_session",
    "library_calendar",
    "next_session",
    "non_sessions",
    "previous_session",
    "session_close",
    "session_closes",
    "session_minutes",
    "session_weekdays",
    "sessions",
]

_EARLIEST = "1990-01-01"


class UnknownExchangeError(TradingAssetsError, ValueError):
    """The exchange code names no calendar."""


class CalendarBoundsError(TradingAssetsError, ValueError):
    """A date lies outside of the span that the exchange's calendar covers."""


class NotASessionError(ValueError):
    """The exchange is closed on the date."""


@dataclass(frozen=True, slots=True)
class _Calendar:
    exchange: str
    timezone: str
    sessions: tuple[date, ...]
    schedule: pl.DataFrame


def sessions(exchange: str, start: date, end: date) -> list[date]:
    """Return the sessions from `start` to `end`, both included, in order.

    Raises
    ------
    CalendarBoundsError
        If `start` or `end` lies outside of the calendar.
    UnknownExchangeError
        If there is no such calendar.
    """
    calendar = _calendar(exchange)
    return list(calendar.sessions[_position(calendar, start) : bisect_right(calendar.sessions, _inside(calendar, end))])


def is_session(exchange: str, d: date) -> bool:
    """Say whether the exchange trades on `d`; a half day is a session."""
    calendar = _calendar(exchange)
    return calendar.sessions[_position(calendar, d)] == d


def next_session(exchange: str, d: date) -> date:
    """Return the first session after `d`, which itself need not be a session."""
    calendar = _calendar(exchange)
    position = bisect_right(calendar.sessions, _inside(calendar, d))
    if position == len(calendar.sessions):
        raise _out_of_bounds(calendar, d, "there is no later session")
    return calendar.sessions[position]


def previous_session(exchange: str, d: date) -> date:
    """Return the last session before `d`, which itself need not be a session."""
    calendar = _calendar(exchange)
    position = _position(calendar, d)
    if position == 0:
        raise _out_of_bounds(calendar, d, "there is no earlier session")
    return calendar.sessions[position - 1]


def first_session(exchange: str) -> date:
    """Return the first session the calendar knows."""
    return _calendar(exchange).sessions[0]


def last_session(exchange: str) -> date:
    """Return the last session the calendar knows."""
    return _calendar(exchange).sessions[-1]


def session_open(exchange: str, d: date) -> datetime:
    """Return the regular open of session `d` in UTC.

    Raises
    ------
    NotASessionError
        If the exchange is closed on `d`.
    """
    return _moment(exchange, d, "open")


def session_close(exchange: str, d: date) -> datetime:
    """Return the regular close of session `d` in UTC; half days close early.

    Raises
    ------
    NotASessionError
        If the exchange is closed on `d`.
    """
    return _moment(exchange, d, "close")


def session_closes(exchange: str, start: date, end: date) -> pl.DataFrame:
    """Return one row per session from `start` to `end`: `date` (Date) and `close` (Datetime, microseconds, UTC)."""
    return _schedule(exchange, start, end).select("date", "close")


def session_hours(exchange: str, start: date, end: date) -> pl.DataFrame:
    """Return one row per session from `start` to `end`: `date` (Date), `open` and `close` (Datetime, us, UTC)."""
    return _schedule(exchange, start, end).select("date", "open", "close")


def session_minutes(exchange: str, start: date, end: date) -> pl.DataFrame:
    """Return the minutes in which each session trades: `date` (Date) and `ts`, the minute's start (Datetime, us, UTC).

    The minute that starts at the close and the minutes of a midday break are not part of a session: 390 rows on a full
    day of ``"XNYS"``, 210 on a half day.
    """
    minutes = pl.datetime_ranges("open", "close", interval="1m", closed="left", eager=False)
    in_break = (pl.col("ts") >= pl.col("break_start")) & (pl.col("ts") < pl.col("break_end"))
    return (
        _schedule(exchange, start, end)
        .with_columns(ts=minutes)
        .explode("ts")
        .filter(~in_break.fill_null(value=False))
        .select("date", "ts")
    )


def non_sessions(exchange: str, start: date, end: date) -> list[date]:
    """Return the days from `start` to `end`, both included, on whose weekday the exchange trades and that it is closed.

    A partition definition of `session_weekdays` that excludes these is one of sessions.
    """
    trading, weekdays = set(sessions(exchange, start, end)), session_weekdays(exchange, start, end)
    days = (start + timedelta(days=offset) for offset in range((end - start).days + 1))
    return [day for day in days if day.weekday() in weekdays and day not in trading]


def session_weekdays(exchange: str, start: date, end: date) -> frozenset[int]:
    """Return the weekdays (Monday 0) of the exchange's week and of every session from `start` to `end`.

    Riyadh trades from Sunday to Thursday, ``"24/7"`` every day; an exchange of Monday to Friday has Saturdays too where
    a special session lies in the span.
    """
    regular = {number for number, trades in enumerate(library_calendar(exchange).weekmask) if trades == "1"}
    return frozenset(regular | {day.weekday() for day in sessions(exchange, start, end)})


def exchange_timezone(exchange: str) -> str:
    """Return the IANA name of the exchange's time zone, e.g. ``"America/New_York"``."""
    return _calendar(exchange).timezone


# The library has no calendar of the National Stock Exchange of India, which trades when Bombay does.
_SAME_SESSIONS = {"XNSE": "XBOM"}


@lru_cache(maxsize=32)
def library_calendar(exchange: str) -> Any:
    """Return the calendar of the library, for what the functions of this module do not provide.

    Raises
    ------
    UnknownExchangeError
        If there is no such calendar.
    """
    # The import takes over a second, so it waits until a calendar is needed.
    import exchange_calendars as xc

    known = _SAME_SESSIONS.get(exchange, exchange)
    try:
        bound = xc.get_calendar(known).bound_min()
    except xc.errors.InvalidCalendarName:
        raise _unknown_exchange(exchange, xc.get_calendar_names()) from None
    start = _EARLIEST if bound is None else max(_EARLIEST, f"{bound:%Y-%m-%d}")
    return xc.get_calendar(known, start=start)


@lru_cache(maxsize=32)
def _calendar(exchange: str) -> _Calendar:
    library = library_calendar(exchange)
    times = library.schedule.reset_index(names="date")
    instant = pl.Datetime("us", "UTC")
    schedule = pl.DataFrame(
        {
            "date": pl.Series(times["date"].dt.date.to_list(), dtype=pl.Date),
            **{
                name: pl.Series(times[name].dt.tz_convert(None).to_numpy(dtype="datetime64[us]"))
                .cast(pl.Datetime("us"))
                .cast(instant)
                for name in ("open", "break_start", "break_end", "close")
            },
        }
    )
    return _Calendar(exchange, str(library.tz), tuple(schedule["date"].to_list()), schedule)


def _schedule(exchange: str, start: date, end: date) -> pl.DataFrame:
    calendar = _calendar(exchange)
    first = _position(calendar, start)
    last = bisect_right(calendar.sessions, _inside(calendar, end))
    return calendar.schedule.slice(first, max(last - first, 0))


def _moment(exchange: str, d: date, which: str) -> datetime:
    calendar = _calendar(exchange)
    position = _position(calendar, d)
    if calendar.sessions[position] != d:
        raise NotASessionError(
            f"{exchange} is closed on {d} ({d:%A}): it has no time of {which}; "
            f"use next_session (here {calendar.sessions[position]}) or previous_session first."
        )
    moment: datetime = calendar.schedule[which][position]
    return moment.replace(tzinfo=UTC)


def _position(calendar: _Calendar, d: date) -> int:
    """Return the position of the first session on or after `d`."""
    return bisect_left(calendar.sessions, _inside(calendar, d))


def _inside(calendar: _Calendar, d: date) -> date:
    if isinstance(d, datetime):
        raise TypeError(
            f"{calendar.exchange}: {d!r} is a moment, not a date; convert it to the exchange's zone "
            f"({calendar.timezone}) and pass its .date()."
        )
    # The calendar starts with a month, whose first days may be holidays (1 January): those it does know.
    if not calendar.sessions[0].replace(day=1) <= d <= calendar.sessions[-1]:
        raise _out_of_bounds(calendar, d, "the date is outside of the calendar")
    return d


def _out_of_bounds(calendar: _Calendar, d: date, problem: str) -> CalendarBoundsError:
    first, last = calendar.sessions[0], calendar.sessions[-1]
    return CalendarBoundsError(
        f"{calendar.exchange} {d}: {problem}, which knows the sessions from {first} to {last}. "
        f"Use a date in that span; for a later one update the package exchange-calendars, for an earlier one start "
        f"the data at {first}."
    )


def _unknown_exchange(exchange: str, known: list[str]) -> UnknownExchangeError:
    return UnknownExchangeError(
        f"there is no exchange calendar {exchange!r}{did_you_mean(exchange, known, limit=3)}; the codes are ISO 10383 "
        "MICs such as XNYS (New York) and XLON (London), listed by exchange_calendars.get_calendar_names()"
    )
