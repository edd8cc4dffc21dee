"""Fetching a request: from the primary source, then from fallbacks for the symbols that failed.

One symbol that fails never stops the others: an answer has the rows of those that succeeded, and a failure for each of
the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from trading_assets.lake import Scope
from trading_assets.market_data.sources import Interval, PartialAnswerError, Source, SourceError, UnknownSymbolError

_A_DAY = timedelta(days=1)

Read = Callable[[Source, Scope], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why no source has answered for a symbol: the error, and the source that raised it."""

    source: str
    error: SourceError


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sources have answered to a request.

    Attributes
    ----------
    rows : polars.DataFrame or None
        Rows of all symbols that succeeded; None if none did.
    answered_by : mapping of str to str
        Symbol -> name of the source that answered.
    failures : mapping of str to Failure
        Symbol -> why no source answered.
    """

    rows: pl.DataFrame | None
    answered_by: Mapping[str, str]
    failures: Mapping[str, Failure]

    def require_rows(self) -> pl.DataFrame:
        """Rows of the symbols that succeeded.

        Raises
        ------
        SourceError
            None did: the first error that is retryable, otherwise the first one.
        """
        if self.rows is None:
            raise worst_error(self.failures)
        return self.rows


def fetch(sources: Sequence[Source], request: Scope, read: Read) -> Answer:
    """Fetch all symbols of a request from the first source, those that failed from the next one, and so on.

    Parameters
    ----------
    sources : sequence of Source
        Primary first, then fallbacks; at least one.
    request : Scope
        Symbols wanted, at least one, and their window.
    read : callable
        From a source and a request to rows.
    """
    frames: list[pl.DataFrame] = []
    answered: dict[str, str] = {}
    failures: dict[str, list[Failure]] = {}
    waiting = list(request.values["symbol"])
    for source in sources:
        if not waiting:
            break
        rows, failed = _fetch_from(source, request.of_symbols(waiting), read)
        if rows is not None:
            frames.append(rows)
        answered |= {symbol: source.name for symbol in waiting if symbol not in failed}
        for symbol, error in failed.items():
            failures.setdefault(symbol, []).append(Failure(source.name, error))
        waiting = [symbol for symbol in waiting if symbol in failed]
    rows = pl.concat(frames, how="diagonal") if answered else None
    return Answer(rows, answered, {symbol: _most_telling(failures[symbol]) for symbol in waiting})


def worst_error(failures: Mapping[str, Failure]) -> SourceError:
    """Return the first error that is retryable, otherwise the first one."""
    return _most_telling(list(failures.values())).error


@dataclass(frozen=True, slots=True)
class CatchAll:
    """The partition that takes the rows which no partition can select, so that each is quarantined exactly once.

    Attributes
    ----------
    symbol : str
        Symbol whose partitions take rows without a readable symbol: the first in alphabetical order.
    day : date
        First day that has partitions; its partition takes rows whose date cannot be read or cannot be that of a bar.
    last : date
        Last day that has partitions; bars without a readable symbol after it, or before `day`, belong to that of `day`.
    """

    symbol: str
    day: date
    last: date = date.max

    def takes_undated(self, request: Scope) -> bool:
        """Whether rows without a possible date belong to a request."""
        return request.start is not None and request.start <= self.day


def read_bars(
    source: Source, request: Scope, *, catch_all: CatchAll, known: tuple[date, date], interval: Interval
) -> pl.DataFrame:
    """Read the bars of a request; for the catch-all partition, also those of a local source with impossible dates.

    Parameters
    ----------
    source : Source
        Source to read.
    request : Scope
        Symbols and window.
    catch_all : CatchAll
        Partition of rows that no other takes.
    known : tuple of date
        First session of the exchange's calendar, and the last session whose close has passed.
    interval : str
        Length of the bars.
    """
    symbols, (first, last) = request.values["symbol"], request.window()
    frames = [source.bars(symbols, first, last, interval)]
    if catch_all.takes_undated(request) and not source.is_remote:
        before, after = min(known[0], first) - _A_DAY, max(known[1], last) + _A_DAY
        strays = [source.bars(symbols, date.min, before, interval), source.bars(symbols, after, date.max, interval)]
        frames += [frame.filter(pl.col("date").is_not_null()) for frame in strays]
        if catch_all.symbol in symbols:
            frames += _nameless(source, catch_all, before, after, interval)
    return _of_request(pl.concat(frames, how="diagonal"), request, "date", catch_all)


def read_rows(source: Source, request: Scope, *, method: str, time: str, catch_all: CatchAll) -> pl.DataFrame:
    """Read the rows of a request by a method of the source that takes symbols, first and last day."""
    rows = getattr(source, method)(request.values["symbol"], *request.window())
    return _of_request(rows, request, time, catch_all)


def _nameless(source: Source, catch_all: CatchAll, before: date, after: date, interval: Interval) -> list[pl.DataFrame]:
    """Bars without a readable symbol of days between two that have no partition."""
    windows = [(before + _A_DAY, catch_all.day - _A_DAY)]
    if catch_all.last < date.max:
        windows.append((catch_all.last + _A_DAY, after - _A_DAY))
    return [
        source.bars([catch_all.symbol], first, last, interval).filter(
            pl.col("symbol").is_null(), pl.col("date").is_not_null()
        )
        for first, last in windows
        if first <= last
    ]


def _of_request(frame: pl.DataFrame, request: Scope, time: str, catch_all: CatchAll) -> pl.DataFrame:
    """Rows that belong to a request; those without a readable symbol or date only in the catch-all partition."""
    symbol, day, symbols = pl.col("symbol"), pl.col(time), request.values["symbol"]
    named = symbol.is_in(symbols) | (symbol.is_null() & (catch_all.symbol in symbols))
    if catch_all.takes_undated(request):
        return frame.filter(named)
    return frame.filter(named, (day >= request.start) & (day < request.end))


def _fetch_from(source: Source, request: Scope, read: Read) -> tuple[pl.DataFrame | None, dict[str, SourceError]]:
    """Rows, if any symbol succeeded, and the error of each that failed."""
    symbols = request.values["symbol"]
    try:
        return read(source, request), {}
    except PartialAnswerError as partial:
        return partial.rows, {symbol: partial.failures[symbol] for symbol in symbols if symbol in partial.failures}
    except UnknownSymbolError as unknown:
        rest = [symbol for symbol in symbols if symbol not in unknown.symbols]
        if not rest or len(rest) == len(symbols):
            return None, dict.fromkeys(symbols, unknown)
        rows, failed = _fetch_from(source, request.of_symbols(rest), read)
        return rows, failed | {symbol: unknown for symbol in symbols if symbol in unknown.symbols}
    except SourceError as error:
        return None, dict.fromkeys(symbols, error)


def _most_telling(failures: Sequence[Failure]) -> Failure:
    """The failure to report of a symbol: a retryable one, otherwise that of the primary source."""
    return next((failure for failure in failures if failure.error.retryable), failures[0])
