"""alpaca-py (0.44): its stream of bars, extended to report what happens to the connection.

`StockDataStream` reconnects on its own, but only its log shows it: nothing tells a caller that the stream has
subscribed, that bars were missed, or that keys are wrong, in which case it retries for ever. Overriding its private
methods is the only way to learn of these, and its `stop` waits for a message for up to five seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from alpaca.data.enums import DataFeed
from alpaca.data.live.stock import StockDataStream


class ReportingBarStream(StockDataStream):
    """A stream of raw bar messages that reports its connection; the callbacks run on its own thread.

    Parameters
    ----------
    key_id, secret : str
        Keys.
    feed : str
        ``"iex"`` or ``"sip"``.
    url : str
        Address of the stream.
    on_subscribed : callable
        Called when a subscription is confirmed: bars of later minutes arrive.
    on_lost : callable
        Called when the connection was lost.
    on_error : callable
        Called with the text of an error; returns whether the stream should reconnect, or end.
    first_pause, longest_pause : float
        Seconds before the first reconnection, and the most before any.
    """

    _loop: Any
    _ws: Any
    _stop_stream_event: Any

    def __init__(
        self,
        key_id: str,
        secret: str,
        *,
        feed: str,
        url: str,
        on_subscribed: Callable[[], None],
        on_lost: Callable[[], None],
        on_error: Callable[[str], bool],
        first_pause: float,
        longest_pause: float,
    ) -> None:
        super().__init__(key_id, secret, raw_data=True, feed=DataFeed(feed), url_override=url)
        self._on_subscribed, self._on_lost, self._on_error = on_subscribed, on_lost, on_error
        self._is_connected = False
        self._reconnect_min_backoff = first_pause
        self._reconnect_max_backoff = longest_pause
        # It logs a traceback for each failed attempt to connect.
        logging.getLogger(StockDataStream.__base__.__module__).setLevel(logging.CRITICAL)

    def end(self) -> None:
        """Stop the stream, and close its connection so that it need not wait for another message."""
        if self._loop is None or not self._loop.is_running():
            return
        closing = self._close_socket()
        try:
            self.stop()
            asyncio.run_coroutine_threadsafe(closing, self._loop)
        except RuntimeError:
            closing.close()
            if not self._loop.is_closed():  # otherwise it has ended since the check above
                raise

    async def _close_socket(self) -> None:
        if self._ws is not None:
            await self._ws.close()

    async def _start_ws(self) -> None:
        try:
            await super()._start_ws()
        except Exception as error:
            self._report(str(error) or type(error).__name__)
            raise
        self._is_connected = True

    async def _dispatch(self, msg: dict[str, Any]) -> None:
        if msg.get("T") == "subscription":
            self._on_subscribed()
        elif msg.get("T") == "error":
            self._report(str(msg.get("msg")))
        await super()._dispatch(msg)

    async def _wait_before_reconnect(self, retries: int) -> None:
        if self._is_connected and self._should_run:
            self._on_lost()
        self._is_connected = False
        await super()._wait_before_reconnect(retries)

    def _report(self, error: str) -> None:
        if self._on_error(error):
            return
        self._should_run = False
        if self._stop_stream_event is not None:
            self._stop_stream_event.set()
        self._stop_stream_queue.put_nowait({"should_stop": True})
