"""The sessions of a window, and how far back Yahoo has intraday bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from trading_assets.desk import calendar
from trading_assets.market_data.sources.errors import SourceConfigError
from trading_assets.market_data.sources.protocol import Interval

__all__ = ["LENGTHS", "YahooMarket", "check_reach", "spans"]

LENGTHS: Final[dict[Interval, timedelta]] = {"1h": timedelta(hours=1), "1m": timedelta(minutes=1)}
# Yahoo's answers to longer requests (https://query2.finance.yahoo.com): "The requested range must be within the last
# 730 days", "Only 8 days worth of 1m granularity data are allowed to be fetched per request".
_REACH: Final[dict[Interval, timedelta]] = {"1h": timedelta(days=730), "1m": timedelta(days=30)}
_AT_ONCE: Final[dict[Interval, timedelta]] = {"1h": timedelta(days=730), "1m": timedelta(days=7)}
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class YahooMarket:
    """The exchange and currency of the symbols, and the present time."""

    exchange: str
    currency: str
    now: datetime

    @property
    def timezone(self) -> str:
        """IANA name of the exchange's zone."""
        return calendar.exchange_timezone(self.exchange)

    def has_clock_of(self, timezone: str) -> bool:
        """Whether the exchange keeps the time of a zone, which may have several names."""
        try:
            other = ZoneInfo(timezone)
        except (KeyError, ValueError, OSError):
            return False
        seasons = (datetime(self.now.year, month, 1, tzinfo=UTC) for month in (1, 7))
        here = ZoneInfo(self.timezone)
        return all(moment.astimezone(here).utcoffset() == moment.astimezone(other).utcoffset() for moment in seasons)

    def begun(self, start: date, end: date) -> list[date]:
        """Sessions of a window that have opened; the calendar has none before its first."""
        first = max(start, calendar.first_session(self.exchange))
        last = min(end, self.day(self.now))
        days = calendar.sessions(self.exchange, first, last) if first <= last else []
        return [day for day in days if day < last or calendar.session_open(self.exchange, day) <= self.now]

    def ended(self, days: Sequence[date]) -> list[date]:
        """The sessions whose close has passed."""
        return [day for day in days if calendar.session_close(self.exchange, day) <= self.now]

    def midnight(self, day: date) -> datetime:
        """Moment at which a day begins at the exchange."""
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.timezone))

    def day(self, moment: datetime) -> date:
        """Date at the exchange."""
        return moment.astimezone(ZoneInfo(self.timezone)).date()

    def hours(self, days: Sequence[date]) -> pl.DataFrame:
        """Return `date`, `opens` and `closes` of sessions."""
        instant = pl.Datetime("us", "UTC")
        schema = pl.Schema({"date": pl.Date(), "opens": instant, "closes": instant})
        rows = [
            (day, calendar.session_open(self.exchange, day), calendar.session_close(self.exchange, day)) for day in days
        ]
        return pl.DataFrame(rows, schema=schema, orient="row")


def check_reach(symbols: Sequence[str], interval: Interval, days: Sequence[date], market: YahooMarket) -> None:
    """Raise `SourceConfigError` if a session lies further back than Yahoo's bars of the interval."""
    reach = _REACH.get(interval)
    if reach is None or not days or calendar.session_open(market.exchange, days[0]) >= market.now - reach:
        return
    reached = [day for day in days if calendar.session_open(market.exchange, day) >= market.now - reach]
    named = ", ".join(symbols[:_SHOWN]) + (f" and {len(symbols) - _SHOWN} more" if len(symbols) > _SHOWN else "")
    remedy = f"begin the window on {reached[0]}" if reached else "request a later window"
    raise SourceConfigError(
        f"yahoo has bars of {interval} only for the last {reach.days} days, and the window {days[0]}..{days[-1]} of "
        f"{named} begins before; {remedy}, or take older bars from another source (files, alpaca)."
    )


def spans(interval: Interval, days: Sequence[date], market: YahooMarket) -> list[tuple[datetime, datetime]]:
    """Split sessions into the windows, each from an open to a close, that one request may span."""
    found: list[tuple[datetime, datetime]] = []
    for day in days:
        opens, closes = calendar.session_open(market.exchange, day), calendar.session_close(market.exchange, day)
        if found and closes - found[-1][0] <= _AT_ONCE[interval]:
            found[-1] = (found[-1][0], closes)
        else:
            found.append((opens, closes))
    return found
