"""Listening to Alpaca's stream of minute bars in the background; what is heard waits in a queue.

alpaca-py's client comes back by itself after a lost connection, but nothing is replayed: `Connected` says that from now
on bars arrive, and that those of before have to come from history. What another try cannot cure ends the listening:
alpaca-py would try wrong keys for ever.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alpaca.data.enums import DataFeed
from alpaca.data.live.stock import StockDataStream

from trading_assets.brokers.alpaca.connection import KEY_VARIABLES
from trading_assets.market_data.sources.alpaca import AlpacaSource
from trading_assets.market_data.sources.errors import SourceConfigError, SourceError

_KEYS = " and ".join(KEY_VARIABLES)
_FATAL = {
    "auth failed": f"the keys are wrong or revoked: set {_KEYS} to valid ones.",
    "insufficient subscription": "the keys have no subscription to this feed: take the feed 'iex', which is free.",
    "symbol limit exceeded": "the subscription allows fewer symbols: name fewer, or subscribe to the feed 'sip'.",
}
_LONGEST_STOP_SECONDS = 10.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0


@dataclass(frozen=True, slots=True)
class Connected:
    """The subscription is confirmed: bars of later minutes arrive."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A bar as it was delivered; a correction replaces the bar of its minute."""

    bar: dict[str, Any]
    is_correction: bool


@dataclass(frozen=True, slots=True)
class Trouble:
    """The connection was lost or could not be made; another try follows."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """No further try makes sense."""

    error: SourceError


Event = Connected | Heard | Trouble | Ended


class BarListener:
    """Listens to minute bars, and to their corrections.

    Parameters
    ----------
    source : AlpacaSource
        Whose feed and keys.
    symbols : sequence of str
        Symbols to subscribe to; at least one, for alpaca-py spins while it has none.
    """

    def __init__(self, source: AlpacaSource, symbols: Sequence[str]) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._source, self._symbols = source, list(symbols)
        self._running: tuple[_Stream, threading.Thread] | None = None

    def start(self) -> None:
        """Start to listen.

        Raises
        ------
        SourceConfigError
            There are no keys, or no symbols.
        """
        if not self._symbols:
            raise SourceConfigError("there is no symbol to listen to; name some with --symbols AAPL,MSFT.")
        # It writes a traceback for every attempt to connect; `Trouble` says it in words.
        logging.getLogger(StockDataStream.__base__.__module__).setLevel(logging.CRITICAL)
        stream = _Stream(self._source, self.events)
        stream.subscribe_bars(self._hear, *self._symbols)
        stream.subscribe_updated_bars(self._hear_correction, *self._symbols)
        thread = threading.Thread(target=stream.run, name="bars", daemon=True)
        self._running = stream, thread
        thread.start()

    def stop(self) -> None:
        """Stop listening, and wait until that is so."""
        if self._running is not None:
            stream, thread = self._running
            stream.end()
            thread.join(_LONGEST_STOP_SECONDS)

    async def _hear(self, bar: Any) -> None:
        self.events.put(Heard(bar, is_correction=False))

    async def _hear_correction(self, bar: Any) -> None:
        self.events.put(Heard(bar, is_correction=True))


class _Stream(StockDataStream):
    """alpaca-py's stream, that says when it has subscribed and ends where trying again is vain."""

    _loop: Any
    _ws: Any
    _stop_stream_event: Any

    def __init__(self, source: AlpacaSource, events: queue.SimpleQueue[Event]) -> None:
        connection = source.connection()
        super().__init__(
            connection.key_id,
            connection.secret,
            raw_data=True,
            feed=DataFeed(source.parameters.feed),
            url_override=source.stream_url(),
        )
        self._events = events
        self._is_up = False
        self._reconnect_min_backoff = _FIRST_PAUSE_SECONDS
        self._reconnect_max_backoff = _LONGEST_PAUSE_SECONDS

    def end(self) -> None:
        """End it; its own `stop` waits for a message, up to five seconds."""
        if self._loop is None or not self._loop.is_running():
            return
        farewell = self._hang_up()
        try:
            self.stop()
            asyncio.run_coroutine_threadsafe(farewell, self._loop)
        except RuntimeError:
            farewell.close()
            if not self._loop.is_closed():  # else it has ended by itself since it was looked at
                raise

    async def _hang_up(self) -> None:
        if self._ws is not None:
            await self._ws.close()

    async def _start_ws(self) -> None:
        try:
            await super()._start_ws()
        except Exception as error:
            self._tell(str(error) or type(error).__name__)
            raise
        self._is_up = True

    async def _dispatch(self, msg: dict[str, Any]) -> None:
        if msg.get("T") == "subscription":
            self._events.put(Connected())
        elif msg.get("T") == "error":
            self._tell(str(msg.get("msg")))
        await super()._dispatch(msg)

    async def _wait_before_reconnect(self, retries: int) -> None:
        if self._is_up and self._should_run:
            self._events.put(Trouble("the connection was lost"))
        self._is_up = False
        await super()._wait_before_reconnect(retries)

    def _tell(self, reason: str) -> None:
        hint = _FATAL.get(reason)
        if hint is None:
            self._events.put(Trouble(reason))
            return
        self._events.put(Ended(SourceConfigError(f"source 'alpaca', asked for the stream of bars: {reason}; {hint}")))
        self._should_run = False
        if self._stop_stream_event is not None:
            self._stop_stream_event.set()
        self._stop_stream_queue.put_nowait({"should_stop": True})
