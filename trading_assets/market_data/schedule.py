"""What an exchange had announced: the sessions and half days by its rules, without closings that nobody foresaw.

A calendar of the past has New York closed from 11 to 14 September 2001 and on 29 and 30 October 2012. On the day
before, the rules did not: a count of the sessions to come has to include these days.
"""

from collections.abc import Iterable
from datetime import date
from itertools import chain

from trading_assets.desk.calendar import first_session, last_session, library_calendar, sessions


def scheduled_sessions(exchange: str) -> list[date]:
    """Return the sessions by the exchange's rules: its sessions, and the days of unscheduled closings.

    A closing without a yearly rule counts as unscheduled, whenever it was announced; for exchanges whose holidays
    follow the moon, the library lists them one by one, so none of them is known in advance.

    Raises
    ------
    UnknownExchangeError
        There is no such calendar.
    """
    library = library_calendar(exchange)
    first, last = first_session(exchange), last_session(exchange)
    held = sessions(exchange, first, last)
    closed = {day for day in _dates(library.adhoc_holidays) if is_trading_weekday(exchange, day)}
    rules = library.regular_holidays
    ruled = set() if rules is None else _dates(rules.holidays(first, last))
    return sorted({*held, *(day for day in closed - ruled if first <= day <= last)})


def is_trading_weekday(exchange: str, d: date) -> bool:
    """Whether the exchange trades on the weekday of `d`, holidays apart."""
    return bool(library_calendar(exchange).weekmask[d.weekday()] == "1")


def half_days(exchange: str) -> list[date]:
    """Return the sessions that close early by rule, in order."""
    library = library_calendar(exchange)
    return sorted(_dates(library.early_closes) - set(unscheduled_hours(exchange)))


def unscheduled_hours(exchange: str) -> list[date]:
    """Return the sessions with unusual hours that follow no yearly rule, in order."""
    library = library_calendar(exchange)
    special = chain(library.special_closes_adhoc, library.special_opens_adhoc)
    return sorted({day for _, days in special for day in _dates(days)})


def _dates(days: Iterable[object]) -> set[date]:
    """Dates of the library's lists, which contain timestamps of pandas or of numpy."""
    return {date.fromisoformat(str(day)[:10]) for day in days}
