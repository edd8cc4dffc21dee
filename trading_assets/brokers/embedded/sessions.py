"""Sessions of the exchange with their opens and closes, read from the calendar a year at a time."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from trading_assets.desk.calendar import (
    exchange_timezone,
    next_session,
    previous_session,
    session_hours,
)


class TradingSession(NamedTuple):
    """A trading session.

    Attributes
    ----------
    date : datetime.date
        Its date at the exchange.
    open, close : datetime.datetime
        Its span in UTC; at `close` it is over.
    """

    date: date
    open: datetime
    close: datetime


class TradingCalendar:
    """When an exchange trades.

    Parameters
    ----------
    exchange : str
        Calendar code of the exchange, for instance XNYS.
    """

    def __init__(self, exchange: str) -> None:
        self.exchange = exchange
        self.zone = ZoneInfo(exchange_timezone(exchange))

    def on(self, day: date) -> TradingSession | None:
        """The session of a date, None if the exchange does not trade on it."""
        return _year(self.exchange, day.year).get(day)

    def day(self, moment: datetime) -> date:
        """Date at the exchange."""
        return moment.astimezone(self.zone).date()

    def between(self, start: date, end: date) -> list[TradingSession]:
        """Sessions from `start` to `end`, both included."""
        years = range(start.year, end.year + 1)
        return [s for year in years for s in _year(self.exchange, year).values() if start <= s.date <= end]

    def at(self, moment: datetime) -> TradingSession | None:
        """The session that trades at a moment, None while the exchange is closed."""
        session = self.on(self.day(moment))
        return session if session and session.open <= moment < session.close else None

    def next(self, moment: datetime) -> TradingSession:
        """The first session that opens after a moment."""
        day = self.day(moment)
        session = self.on(day)
        while session is None or session.open <= moment:
            day = next_session(self.exchange, day)
            session = self.on(day)
        return session

    def last_closed(self, moment: datetime) -> TradingSession:
        """The last session that is over at a moment."""
        day = self.day(moment)
        session = self.on(day)
        while session is None or session.close > moment:
            day = previous_session(self.exchange, day)
            session = self.on(day)
        return session

    def before(self, session: TradingSession) -> TradingSession:
        """The session before another."""
        found = self.on(previous_session(self.exchange, session.date))
        if found is None:  # pragma: no cover - previous_session names a session
            raise LookupError(f"{self.exchange} has no session before {session.date}")
        return found

    def next_close(self, moment: datetime) -> datetime:
        """The first close after a moment."""
        session = self.at(moment)
        return session.close if session else self.next(moment).close


@lru_cache(maxsize=64)
def _year(exchange: str, year: int) -> dict[date, TradingSession]:
    start, end = date(year, 1, 1), _last_day(exchange, year)
    hours = session_hours(exchange, start, end).rows()
    return {day: TradingSession(day, opened.astimezone(UTC), closed.astimezone(UTC)) for day, opened, closed in hours}


def _last_day(exchange: str, year: int) -> date:
    """The last day of a year, or of the calendar in its last year."""
    from trading_assets.desk.calendar import last_session

    return min(date(year, 12, 31), last_session(exchange))


def wall_time(session: TradingSession, zone: ZoneInfo) -> tuple[str, str]:
    """Open and close of a session as hours and minutes at the exchange."""
    return tuple(f"{moment.astimezone(zone):%H:%M}" for moment in (session.open, session.close))  # type: ignore[return-value]


def third_points(session: TradingSession) -> list[datetime]:
    """Open, the two turning points of the price path, and close."""
    third = (session.close - session.open) / 3
    return [session.open, session.open + third, session.open + 2 * third, session.close]


def segment(session: TradingSession, moment: datetime) -> tuple[int, float]:
    """Third of the session that a moment lies in (0 to 2), and the part of it that has passed (0 to 1)."""
    points = third_points(session)
    index = min(max(bisect_right(points, moment) - 1, 0), 2)
    span: timedelta = points[index + 1] - points[index]
    return index, min(max((moment - points[index]) / span, 0.0), 1.0)
