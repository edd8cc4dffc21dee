"""Requesting many symbols in batches; one that Alpaca rejects does not fail the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from trading_assets.market_data.sources.alpaca._client import RefusedError
from trading_assets.market_data.sources.errors import (
    SourceError,
    SourceFormatError,
    SourceUnavailableError,
    UnknownSymbolError,
)

Request = Callable[[Sequence[str]], Iterable[Any]]


def request_in_batches(symbols: Sequence[str], request: Request, size: int) -> tuple[list[Any], dict[str, SourceError]]:
    """Fetch the pages of all symbols, and the error of each symbol that failed.

    A batch that is rejected is requested in halves until the rejected symbol stands alone. After an outage that
    outlasts the client's retries, the remaining batches are not requested.

    Parameters
    ----------
    symbols : sequence of str
        Symbols wanted.
    request : callable
        From some symbols to the pages of their answer.
    size : int
        Most symbols per request.

    Raises
    ------
    SourceError
        All symbols failed for the same reason, or the keys or the feed are wrong.
    """
    waiting = [list(symbols[first : first + size]) for first in range(0, len(symbols), size)]
    pages: list[Any] = []
    failures: dict[str, SourceError] = {}
    rejection: RefusedError | None = None
    while waiting:
        batch = waiting.pop(0)
        try:
            pages.extend(list(request(batch)))
        except RefusedError as error:
            rejection, middle = error, len(batch) // 2
            if middle:
                waiting[:0] = [batch[:middle], batch[middle:]]
            else:
                failures[batch[0]] = _rejected(batch[0], error)
        except (SourceUnavailableError, SourceFormatError) as error:
            rest = [*batch, *(symbol for later in waiting for symbol in later)]
            if len(rest) == len(symbols):
                raise
            return pages, failures | dict.fromkeys(rest, error)
    if rejection is not None and len(failures) == len(symbols) > 1:
        raise rejection
    return pages, failures


def _rejected(symbol: str, error: RefusedError) -> UnknownSymbolError:
    return UnknownSymbolError(
        f"{error}: {symbol!r} is not a symbol at Alpaca, which writes a share class as BRK.B; correct the spelling or "
        "remove it from the universe.",
        (symbol,),
    )
