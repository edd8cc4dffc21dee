"""Asking for many symbols, so many a call; one that Alpaca refuses does not take the others with it."""

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

Ask = Callable[[Sequence[str]], Iterable[Any]]


def ask_in_batches(symbols: Sequence[str], ask: Ask, size: int) -> tuple[list[Any], dict[str, SourceError]]:
    """Pages of all symbols, and the error of each that could not be asked for.

    A batch that is refused is asked for in halves until the symbol that it was refused for stands alone. After an
    outage that the client's own patience did not outlast, the remaining batches are not asked for.

    Parameters
    ----------
    symbols : sequence of str
        Symbols wanted.
    ask : callable
        From some symbols to the pages of their answer.
    size : int
        Most symbols a call.

    Raises
    ------
    SourceError
        No symbol was answered, all for the same reason; or the keys or the feed are wrong.
    """
    waiting = [list(symbols[first : first + size]) for first in range(0, len(symbols), size)]
    pages: list[Any] = []
    failures: dict[str, SourceError] = {}
    refusal: RefusedError | None = None
    while waiting:
        batch = waiting.pop(0)
        try:
            pages.extend(list(ask(batch)))
        except RefusedError as error:
            refusal, middle = error, len(batch) // 2
            if middle:
                waiting[:0] = [batch[:middle], batch[middle:]]
            else:
                failures[batch[0]] = _refused(batch[0], error)
        except (SourceUnavailableError, SourceFormatError) as error:
            rest = [*batch, *(symbol for later in waiting for symbol in later)]
            if len(rest) == len(symbols):
                raise
            return pages, failures | dict.fromkeys(rest, error)
    if refusal is not None and len(failures) == len(symbols) > 1:
        raise refusal
    return pages, failures


def _refused(symbol: str, error: RefusedError) -> UnknownSymbolError:
    return UnknownSymbolError(
        f"{error}: {symbol!r} is no symbol to Alpaca, which writes BRK.B for a share class; correct the spelling or "
        "take it out of the universe.",
        (symbol,),
    )
