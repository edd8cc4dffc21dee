"""Requests for many symbols: one by one on a few threads, with failures returned beside the rows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import polars as pl

from trading_assets.market_data.sources.errors import (
    PartialAnswerError,
    SourceError,
    SourceRateLimitError,
    UnknownSymbolError,
)

__all__ = ["answer", "fetch_each"]

_FAILURES_IN_A_ROW: Final = 3


def fetch_each(
    symbols: Sequence[str], fetch: Callable[[str], pl.DataFrame], schema: pl.Schema, threads: int
) -> pl.DataFrame:
    """Fetch every symbol and return all rows, sorted by symbol.

    Once Yahoo reports a rate limit, cannot be reached, or has failed three symbols in a row, the remaining symbols are
    not requested: that would only prolong the same failure.

    Raises
    ------
    PartialAnswerError
        Some symbols failed.
    SourceError
        All failed for one reason.
    """
    breaker = _CircuitBreaker()

    def one(symbol: str) -> pl.DataFrame | SourceError:
        if breaker.tripped_by is not None:
            return breaker.tripped_by
        try:
            rows = fetch(symbol)
        except SourceError as error:
            breaker.failed(error)
            return error
        breaker.succeeded()
        return rows

    ordered = sorted(symbols)
    if not ordered:
        return schema.to_frame()
    with ThreadPoolExecutor(min(threads, len(ordered)), thread_name_prefix="yahoo") as pool:
        answers = dict(zip(ordered, pool.map(one, ordered), strict=True))
    frames = [rows for rows in answers.values() if isinstance(rows, pl.DataFrame)]
    failures = {symbol: error for symbol, error in answers.items() if isinstance(error, SourceError)}
    return answer(pl.concat([schema.to_frame(), *frames]), failures, len(ordered))


def answer(rows: pl.DataFrame, failures: Mapping[str, SourceError], requested: int) -> pl.DataFrame:
    """Return the rows of a number of requested symbols, or raise the error that describes their failures."""
    if not failures:
        return rows
    errors = list(failures.values())
    if len(failures) < requested or len({type(error) for error in errors}) > 1:
        raise PartialAnswerError(rows, failures)
    if requested == 1 or errors[0].retryable:
        raise errors[0]
    if isinstance(errors[0], UnknownSymbolError):
        raise UnknownSymbolError(
            f"yahoo knows none of {', '.join(failures)}; correct the spelling in source.yahoo.symbols.", list(failures)
        )
    raise PartialAnswerError(rows, failures)


class _CircuitBreaker:
    """Whether requesting more symbols makes sense."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_a_row = 0
        self.tripped_by: SourceError | None = None

    def failed(self, error: SourceError) -> None:
        from trading_assets.market_data.sources.yahoo._session import UnreachableError

        with self._lock:
            self._in_a_row = self._in_a_row + 1 if error.retryable else 0
            if isinstance(error, SourceRateLimitError | UnreachableError) or self._in_a_row >= _FAILURES_IN_A_ROW:
                self.tripped_by = error

    def succeeded(self) -> None:
        with self._lock:
            self._in_a_row = 0
