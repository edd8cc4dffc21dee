"""Hints that an order has changed, from a broker's stream: a reason to poll, never the truth."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import Any

from trading_assets.brokers.alpaca.connection import Connection


class FillHints:
    """Listens to a broker's `trade_updates` in the background.

    The stream replays nothing and an event may be lost, so the absence of a hint means nothing.

    Parameters
    ----------
    connection : Connection
        The account.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._hinted = threading.Event()
        self._thread: threading.Thread | None = None
        self._stream: Any = None

    def take(self) -> bool:
        """Whether an event has arrived since the last call; the first call starts listening."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._listen, name="trade_updates", daemon=True)
            self._thread.start()
        hinted = self._hinted.is_set()
        self._hinted.clear()
        return hinted

    def stop(self) -> None:
        """Stop listening."""
        if self._stream is not None:
            with suppress(AttributeError):  # of a loop that alpaca-py has not started yet
                self._stream.stop()

    def _listen(self) -> None:
        from alpaca.trading.stream import TradingStream

        # It logs a traceback for every attempt to connect; the poller reports an unavailable broker in words.
        logging.getLogger(TradingStream.__module__).setLevel(logging.CRITICAL)
        url = self._connection.url.replace("http", "ws", 1) + "/stream"
        self._stream = TradingStream(self._connection.key_id, self._connection.secret, url_override=url)

        async def hint(_: Any) -> None:
            self._hinted.set()

        self._stream.subscribe_trade_updates(hint)
        self._stream.run()
