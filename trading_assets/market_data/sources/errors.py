"""Errors of sources.

A message names the source, what was requested (symbol, date or setting) and what to do. Rows that are merely bad
(negative price, duplicate, holiday) are not errors: sources pass them on, and the contract of the table quarantines
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import polars as pl

from trading_assets.errors import RetryableError, TradingAssetsError

__all__ = [
    "DelistedSymbolError",
    "NoDataError",
    "PartialAnswerError",
    "SourceConfigError",
    "SourceError",
    "SourceFormatError",
    "SourceRateLimitError",
    "SourceUnavailableError",
    "UnknownSymbolError",
    "UnsupportedIntervalError",
]


class SourceError(TradingAssetsError):
    """Base of everything that a source raises; `retryable` says whether the same request may succeed later."""

    retryable: ClassVar[bool] = False
    reason: ClassVar[str] = "bad_answer"


class SourceConfigError(SourceError):
    """A setting or a request is invalid, whatever the data are."""


class UnknownSymbolError(SourceError):
    """The source has never had some requested symbols; `symbols` lists them if the source reported which."""

    reason = "unknown_symbol"

    def __init__(self, message: str, symbols: Sequence[str] = ()) -> None:
        self.symbols = tuple(symbols)
        super().__init__(message)


class DelistedSymbolError(SourceError):
    """The source has no data of the symbol in the window, because it no longer trades."""

    reason = "delisted"


class NoDataError(SourceError):
    """The source knows the symbol and answered, but without data that should exist."""

    reason = "no_data"


class SourceUnavailableError(SourceError, RetryableError):
    """The source did not answer; the same request may succeed later."""

    retryable = True
    reason = "outage"


class SourceRateLimitError(SourceUnavailableError):
    """The source rejected the request because of its rate limit; the same request will succeed later."""

    reason = "rate_limited"


class SourceFormatError(SourceError):
    """The source's answer cannot be read."""


class UnsupportedIntervalError(SourceError):
    """The source has no bars of the requested length."""


class PartialAnswerError(SourceError):
    """Some symbols of a request failed.

    Parameters
    ----------
    rows
        The answer for the other symbols, in the schema of the request.
    failures
        Error by symbol.

    Examples
    --------
    >>> error = PartialAnswerError(pl.DataFrame(), {"NOPE": UnknownSymbolError("yahoo does not know NOPE")})
    >>> str(error)
    '1 symbol failed: NOPE (yahoo does not know NOPE)'
    """

    _SHOWN: Final = 3

    def __init__(self, rows: pl.DataFrame, failures: Mapping[str, SourceError]) -> None:
        self.rows = rows
        self.failures = dict(failures)
        shown = "; ".join(f"{symbol} ({error})" for symbol, error in list(self.failures.items())[: self._SHOWN])
        more = f" and {len(self.failures) - self._SHOWN} more" if len(self.failures) > self._SHOWN else ""
        count = f"{len(self.failures)} symbol{'s' if len(self.failures) > 1 else ''}"
        super().__init__(f"{count} failed: {shown}{more}")
