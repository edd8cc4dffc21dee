"""What can go wrong when bars are asked of a source.

A message names the source, what was asked for (symbol, date or setting) and what to do. Rows that are merely bad
(negative price, duplicate, holiday) are not errors: sources pass them on and the lake's contract quarantines them.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "SourceConfigError",
    "SourceError",
    "SourceFormatError",
    "SourceUnavailableError",
    "UnknownSymbolError",
    "UnsupportedIntervalError",
]


class SourceError(Exception):
    """Base of everything a source raises; `retryable` says whether asking again later may help."""

    retryable: ClassVar[bool] = False


class SourceConfigError(SourceError):
    """A setting or a request makes no sense, whatever the data are."""


class UnknownSymbolError(SourceError):
    """The source has never had a symbol that was asked for."""


class SourceUnavailableError(SourceError):
    """The source did not answer; the same request may succeed later."""

    retryable = True


class SourceFormatError(SourceError):
    """The source answered with something that cannot be read as bars or corporate actions."""


class UnsupportedIntervalError(SourceError):
    """The source has no bars of the length asked for."""
