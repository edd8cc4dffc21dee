"""Sessions, days and moments of the exchange that a request covers."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from trading_assets.desk import calendar

_A_DAY = timedelta(days=1)


def local_date(exchange: str, moment: datetime) -> date:
    """Date at the exchange at a moment."""
    return moment.astimezone(ZoneInfo(calendar.exchange_timezone(exchange))).date()


def moments(exchange: str, start: date, end: date) -> tuple[datetime, datetime]:
    """First and last moment of a span of days at the exchange, in UTC."""
    zone = ZoneInfo(calendar.exchange_timezone(exchange))
    first, after = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (start, end + _A_DAY))
    return first, after - timedelta(microseconds=1)


def last_of_month(first: date) -> date:
    """Last day of the month whose first day is given."""
    return (first.replace(day=28) + 4 * _A_DAY).replace(day=1) - _A_DAY


def has_ended_session(exchange: str, start: date, end: date, now: datetime) -> bool:
    """Whether a session of the window is over, so that there should be bars."""
    days = _sessions(exchange, start, end)
    return bool(days) and calendar.session_close(exchange, days[0]) <= now


def trades_between(exchange: str, first: datetime, last: datetime) -> bool:
    """Whether a session overlaps a span of time."""
    days = _sessions(exchange, local_date(exchange, first), local_date(exchange, last))
    return any(
        calendar.session_open(exchange, day) <= last and calendar.session_close(exchange, day) > first for day in days
    )


def _sessions(exchange: str, start: date, end: date) -> list[date]:
    first, last = max(start, calendar.first_session(exchange)), min(end, calendar.last_session(exchange))
    return calendar.sessions(exchange, first, last) if first <= last else []
