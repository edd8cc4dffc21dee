"""What can go wrong when bars are asked of a source.

A message names the source, what was asked for (symbol, date or setting) and what to do. Rows that are merely bad
(negative price, duplicate, holiday) are not errors: sources pass them on and the lake's contract quarantines them.
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
    """Base of everything a source raises; `retryable` says whether asking again later may help."""

    retryable: ClassVar[bool] = False
    reason: ClassVar[str] = "bad_answer"


class SourceConfigError(SourceError):
    """A setting or a request makes no sense, whatever the data are."""


class UnknownSymbolError(SourceError):
    """The source has never had symbols that were asked for; `symbols` names them where the source said which."""

    reason = "unknown_symbol"

    def __init__(self, message: str, symbols: Sequence[str] = ()) -> None:
        self.symbols = tuple(symbols)
        super().__init__(message)


class DelistedSymbolError(SourceError):
    """The source had the symbol once and has nothing in the window, because it no longer trades."""

    reason = "delisted"


class NoDataError(SourceError):
    """The source knows the symbol and answered, but with nothing where there should be something."""

    reason = "no_data"


class SourceUnavailableError(SourceError, RetryableError):
    """The source did not answer; the same request may succeed later."""

    retryable = True
    reason = "outage"


class SourceRateLimitError(SourceUnavailableError):
    """The source refused because it had been asked too often; the same request will succeed later."""

    reason = "rate_limited"


class SourceFormatError(SourceError):
    """The source answered with something that cannot be read as bars or corporate actions."""


class UnsupportedIntervalError(SourceError):
    """The source has no bars of the length asked for."""


class PartialAnswerError(SourceError):
    """Some symbols of a request could not be had.

    Parameters
    ----------
    rows
        The answer for the other symbols, in the schema of the request.
    failures
        Why, by symbol.

    Examples
    --------
    >>> error = PartialAnswerError(pl.DataFrame(), {"NOPE": UnknownSymbolError("yahoo does not know NOPE")})
    >>> str(error)
    '1 symbol could not be had: NOPE (yahoo does not know NOPE)'
    """

    _SHOWN: Final = 3

    def __init__(self, rows: pl.DataFrame, failures: Mapping[str, SourceError]) -> None:
        self.rows = rows
        self.failures = dict(failures)
        shown = "; ".join(f"{symbol} ({error})" for symbol, error in list(self.failures.items())[: self._SHOWN])
        more = f" and {len(self.failures) - self._SHOWN} more" if len(self.failures) > self._SHOWN else ""
        count = f"{len(self.failures)} symbol{'s' if len(self.failures) > 1 else ''}"
        super().__init__(f"{count} could not be had: {shown}{more}")
