"""Ask sources for the same symbols one after the other, until each symbol is answered or none is left to ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from trading_assets.market_data.sources import PartialAnswerError, Source, SourceError, UnknownSymbolError

Ask = Callable[[Source, Sequence[str]], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a symbol could not be had: the last source that was asked, and what it said."""

    source: str
    error: SourceError


@dataclass(frozen=True, slots=True)
class Gathered:
    """What sources answered.

    Attributes
    ----------
    rows : polars.DataFrame or None
        Rows of all symbols that were answered; None where none was.
    answered_by : mapping of str to str
        Symbol -> source that answered.
    failures : mapping of str to Failure
        Symbol -> why no source answered.
    """

    rows: pl.DataFrame | None
    answered_by: Mapping[str, str]
    failures: Mapping[str, Failure]

    def require_rows(self) -> pl.DataFrame:
        """Rows of the symbols that were answered.

        Raises
        ------
        SourceError
            None was: the first error that may pass, else the first one.
        """
        if self.rows is None:
            raise worst_error(self.failures)
        return self.rows


def gather(sources: Sequence[Source], symbols: Sequence[str], ask: Ask) -> Gathered:
    """Ask the first source for all symbols, the next one for those that it could not answer, and so on.

    Parameters
    ----------
    sources : sequence of Source
        Primary first, then fallbacks; at least one.
    symbols : sequence of str
        Symbols wanted; at least one.
    ask : callable
        From a source and symbols to rows.
    """
    frames: list[pl.DataFrame] = []
    answered: dict[str, str] = {}
    failures: dict[str, list[Failure]] = {}
    waiting = list(symbols)
    for source in sources:
        if not waiting:
            break
        answer, failed = _ask(source, waiting, ask)
        if answer is not None:
            frames.append(answer)
        answered |= {symbol: source.name for symbol in waiting if symbol not in failed}
        for symbol, error in failed.items():
            failures.setdefault(symbol, []).append(Failure(source.name, error))
        waiting = [symbol for symbol in waiting if symbol in failed]
    rows = pl.concat(frames) if answered else None
    return Gathered(rows, answered, {symbol: _telling(failures[symbol]) for symbol in waiting})


def _ask(source: Source, symbols: Sequence[str], ask: Ask) -> tuple[pl.DataFrame | None, dict[str, SourceError]]:
    """Rows, if any symbol was answered, and the error of each that was not."""
    try:
        return ask(source, symbols), {}
    except PartialAnswerError as partial:
        return partial.rows, {symbol: partial.failures[symbol] for symbol in symbols if symbol in partial.failures}
    except UnknownSymbolError as unknown:
        rest = [symbol for symbol in symbols if symbol not in unknown.symbols]
        if not rest or len(rest) == len(symbols):
            return None, dict.fromkeys(symbols, unknown)
        rows, failed = _ask(source, rest, ask)
        return rows, failed | {symbol: unknown for symbol in symbols if symbol in unknown.symbols}
    except SourceError as error:
        return None, dict.fromkeys(symbols, error)


def _telling(tried: Sequence[Failure]) -> Failure:
    """The failure to report of a symbol: one that a later try may cure, else what the primary said."""
    return next((failure for failure in tried if failure.error.retryable), tried[0])


def worst_error(failures: Mapping[str, Failure]) -> SourceError:
    """The first error that another try may cure, else the first one."""
    return _telling(list(failures.values())).error
