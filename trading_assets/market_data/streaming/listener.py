"""Listening to Alpaca's stream of minute bars on a background thread; its events wait in a queue.

The stream reconnects on its own after a lost connection, but nothing is replayed: `Subscribed` says that bars arrive
from now on, and that earlier ones have to come from history. Errors that another attempt cannot cure, such as wrong
keys, end it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trading_assets.brokers.alpaca.connection import KEY_VARIABLES
from trading_assets.library_internals.alpaca_stream import ReportingBarStream
from trading_assets.market_data.sources.alpaca import AlpacaSource
from trading_assets.market_data.sources.errors import SourceConfigError, SourceError

_KEYS = " and ".join(KEY_VARIABLES)
_FATAL = {
    "auth failed": f"the keys are wrong or revoked: set {_KEYS} to valid ones.",
    "insufficient subscription": "the keys have no subscription to this feed: use the feed 'iex', which is free.",
    "symbol limit exceeded": "the subscription allows fewer symbols: list fewer, or subscribe to the feed 'sip'.",
}
_LONGEST_STOP_SECONDS = 10.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The subscription is confirmed: bars of later minutes arrive."""


@dataclass(frozen=True, slots=True)
class BarReceived:
    """A bar as it was delivered; a correction replaces the bar of its minute."""

    bar: dict[str, Any]
    is_correction: bool


@dataclass(frozen=True, slots=True)
class ConnectionFailed:
    """The connection was lost or could not be made; another attempt follows."""

    reason: str


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """The stream has ended: another attempt would fail in the same way."""

    error: SourceError


Event = Subscribed | BarReceived | ConnectionFailed | StreamEnded


class BarListener:
    """Listens to minute bars and to their corrections.

    Parameters
    ----------
    source : AlpacaSource
        Source whose feed and keys are used.
    symbols : sequence of str
        Symbols to subscribe to; at least one, because alpaca-py runs a busy loop while it has none.
    """

    def __init__(self, source: AlpacaSource, symbols: Sequence[str]) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._source, self._symbols = source, list(symbols)
        self._running: tuple[ReportingBarStream, threading.Thread] | None = None

    def start(self) -> None:
        """Start to listen.

        Raises
        ------
        SourceConfigError
            There are no keys, or no symbols.
        """
        if not self._symbols:
            raise SourceConfigError("there is no symbol to listen to; list some with --symbols AAPL,MSFT.")
        connection = self._source.connection()
        stream = ReportingBarStream(
            connection.key_id,
            connection.secret,
            feed=self._source.parameters.feed,
            url=self._source.stream_url(),
            on_subscribed=lambda: self.events.put(Subscribed()),
            on_lost=lambda: self.events.put(ConnectionFailed("the connection was lost")),
            on_error=self._failed,
            first_pause=_FIRST_PAUSE_SECONDS,
            longest_pause=_LONGEST_PAUSE_SECONDS,
        )
        stream.subscribe_bars(self._received, *self._symbols)
        stream.subscribe_updated_bars(self._corrected, *self._symbols)
        thread = threading.Thread(target=stream.run, name="bars", daemon=True)
        self._running = stream, thread
        thread.start()

    def stop(self) -> None:
        """Stop listening, and wait until the thread has ended."""
        if self._running is not None:
            stream, thread = self._running
            stream.end()
            thread.join(_LONGEST_STOP_SECONDS)

    async def _received(self, bar: Any) -> None:
        self.events.put(BarReceived(bar, is_correction=False))

    async def _corrected(self, bar: Any) -> None:
        self.events.put(BarReceived(bar, is_correction=True))

    def _failed(self, reason: str) -> bool:
        hint = _FATAL.get(reason)
        if hint is None:
            self.events.put(ConnectionFailed(reason))
            return True
        self.events.put(
            StreamEnded(SourceConfigError(f"source 'alpaca', request for the stream of bars: {reason}; {hint}"))
        )
        return False
