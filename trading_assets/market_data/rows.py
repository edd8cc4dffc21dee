"""Which rows a write of bars takes, and the rules beyond their contract: what depends on calendar and present."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from trading_assets.lake.store.scope import Scope
from trading_assets.market_data.sources import Interval, Source

_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Home:
    """The partition of rows that no partition can take, so that each is quarantined once, and none is lost.

    Attributes
    ----------
    symbol : str
        The symbol that takes rows whose symbol cannot be read: the first in the alphabet.
    day : date
        First day that has partitions; its year takes rows whose date cannot be read, or cannot be the date of a bar.
    """

    symbol: str
    day: date

    def takes_undated(self, scope: Scope) -> bool:
        """Whether rows without a possible date belong to a scope."""
        return scope.start is not None and scope.start <= self.day


def read_bars(
    source: Source, scope: Scope, home: Home, known: tuple[date, date], interval: Interval = "1d"
) -> pl.DataFrame:
    """Ask a source for the bars of a scope, a local one in its home also for those dated when no bar can be.

    Parameters
    ----------
    source : Source
        Where to ask.
    scope : Scope
        Symbols and window.
    home : Home
        Where impossible rows go.
    known : tuple of date
        First session of the exchange's calendar, and the last session whose close has passed.
    interval : str
        Length of the bars.
    """
    symbols, (first, last) = scope.values["symbol"], scope.window()
    frames = [source.bars(symbols, first, last, interval)]
    if home.takes_undated(scope) and not source.is_remote:
        before, after = min(known[0], first) - _A_DAY, max(known[1], last) + _A_DAY
        strays = [source.bars(symbols, date.min, before, interval), source.bars(symbols, after, date.max, interval)]
        frames += [frame.filter(pl.col("date").is_not_null()) for frame in strays]
    return pl.concat(frames)


def ask_bars(
    source: Source, symbols: Sequence[str], scope: Scope, *, home: Home, known: tuple[date, date], interval: Interval
) -> pl.DataFrame:
    """Bars of some symbols of a scope, with the rows that belong there for want of a better place; see `read_bars`."""
    own = replace(scope, values={"symbol": tuple(symbols)})
    return rows_of_scope(read_bars(source, own, home, known, interval), own, "date", home)


def ask_rows(
    source: Source, symbols: Sequence[str], scope: Scope, *, method: str, time: str, home: Home
) -> pl.DataFrame:
    """Rows of some symbols of a scope, by the method of a source that takes symbols, first and last day."""
    own = replace(scope, values={"symbol": tuple(symbols)})
    return rows_of_scope(getattr(source, method)(symbols, *own.window()), own, time, home)


def rows_of_scope(frame: pl.DataFrame, scope: Scope, time: str, home: Home) -> pl.DataFrame:
    """Rows that belong to a scope, those without a readable symbol or date only where it is their home."""
    symbol, day = pl.col("symbol"), pl.col(time)
    named = symbol.is_in(scope.values["symbol"]) | (symbol.is_null() & (home.symbol in scope.values["symbol"]))
    if home.takes_undated(scope):
        return frame.filter(named)
    return frame.filter(named, (day >= scope.start) & (day < scope.end))


def bar_rules(sessions: Sequence[date], known_until: date, exchange: str) -> dict[str, pl.Expr]:
    """Rules of a write of bars: name -> expression that is true where a bar breaks it.

    Parameters
    ----------
    sessions : sequence of date
        Sessions of the exchange in the window written.
    known_until : date
        Last session whose close has passed; no bar can be known of a later one.
    exchange : str
        Calendar code, for the message.
    """
    day = pl.col("date")
    return {
        f"date is not a session of {exchange}": (day <= known_until) & ~day.is_in(list(sessions)),
        f"date is after the last close known, {known_until}": day > known_until,
    }


def intraday_rules(hours: pl.DataFrame, exchange: str) -> dict[str, pl.Expr]:
    """Rules of a write of bars within sessions, beside `bar_rules`.

    Parameters
    ----------
    hours : polars.DataFrame
        One row per session: date, open and close in UTC.
    exchange : str
        Calendar code, for the message.
    """
    opens, closes = (
        pl.col("date").replace_strict(hours["date"], hours[name], default=None, return_dtype=hours[name].dtype)
        for name in ("open", "close")
    )
    return {
        f"ts is outside of the session's hours at {exchange}": (pl.col("ts") < opens) | (pl.col("ts") >= closes),
    }
