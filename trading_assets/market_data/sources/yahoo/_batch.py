"""Ask for many symbols: each by itself, a few at a time, and what failed beside what did not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import polars as pl

from trading_assets.market_data.sources.errors import (
    PartialAnswerError,
    RateLimitedError,
    SourceError,
    UnknownSymbolError,
)

__all__ = ["answer", "ask_each"]

_PATIENCE: Final = 3


def ask_each(
    symbols: Sequence[str], ask: Callable[[str], pl.DataFrame], schema: pl.Schema, threads: int
) -> pl.DataFrame:
    """Ask for every symbol and return all rows, in the order of the symbols' names.

    Once Yahoo says that it is asked too often, cannot be reached, or has failed three symbols in a row, the rest is not
    asked for: it would only make the same failure last longer.

    Raises
    ------
    PartialAnswerError
        If some symbols failed.
    SourceError
        If all failed for one reason.
    """
    patience = _Patience()

    def one(symbol: str) -> pl.DataFrame | SourceError:
        if patience.lost is not None:
            return patience.lost
        try:
            rows = ask(symbol)
        except SourceError as error:
            patience.failed(error)
            return error
        patience.succeeded()
        return rows

    ordered = sorted(symbols)
    if not ordered:
        return schema.to_frame()
    with ThreadPoolExecutor(min(threads, len(ordered)), thread_name_prefix="yahoo") as pool:
        answers = dict(zip(ordered, pool.map(one, ordered), strict=True))
    frames = [rows for rows in answers.values() if isinstance(rows, pl.DataFrame)]
    failures = {symbol: error for symbol, error in answers.items() if isinstance(error, SourceError)}
    return answer(pl.concat([schema.to_frame(), *frames]), failures, len(ordered))


def answer(rows: pl.DataFrame, failures: Mapping[str, SourceError], asked: int) -> pl.DataFrame:
    """Return the rows of `asked` symbols, or raise what became of those that failed."""
    if not failures:
        return rows
    errors = list(failures.values())
    if len(failures) < asked or len({type(error) for error in errors}) > 1:
        raise PartialAnswerError(rows, failures)
    if asked == 1 or errors[0].retryable:
        raise errors[0]
    if isinstance(errors[0], UnknownSymbolError):
        raise UnknownSymbolError(
            f"yahoo knows none of {', '.join(failures)}; correct the spelling in source.yahoo.symbols.", list(failures)
        )
    raise PartialAnswerError(rows, failures)


class _Patience:
    """Whether asking for more symbols makes sense."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_a_row = 0
        self.lost: SourceError | None = None

    def failed(self, error: SourceError) -> None:
        from trading_assets.market_data.sources.yahoo._session import UnreachableError

        with self._lock:
            self._in_a_row = self._in_a_row + 1 if error.retryable else 0
            if isinstance(error, RateLimitedError | UnreachableError) or self._in_a_row >= _PATIENCE:
                self.lost = error

    def succeeded(self) -> None:
        with self._lock:
            self._in_a_row = 0
