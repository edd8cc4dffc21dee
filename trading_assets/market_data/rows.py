"""Which rows a write of bars takes, and the rules beyond their contract: what depends on calendar and present."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from trading_assets.lake.scope import Scope
from trading_assets.market_data.sources import Source

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


def read_bars(source: Source, scope: Scope, home: Home, known: tuple[date, date]) -> pl.DataFrame:
    """Ask a source for the daily bars of a scope, in its home also for those dated when no bar can be.

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
    """
    symbols, (first, last) = scope.values["symbol"], scope.window()
    frames = [source.bars(symbols, first, last)]
    if home.takes_undated(scope):
        before, after = min(known[0], first) - _A_DAY, max(known[1], last) + _A_DAY
        strays = [source.bars(symbols, date.min, before), source.bars(symbols, after, date.max)]
        frames += [frame.filter(pl.col("date").is_not_null()) for frame in strays]
    return pl.concat(frames)


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
