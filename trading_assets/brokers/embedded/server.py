"""The server: the broker behind HTTP and websockets on loopback."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import threading

import uvicorn
from fastapi import Request

from trading_assets.brokers.embedded.application import build_application
from trading_assets.brokers.embedded.broker import EmbeddedBroker
from trading_assets.brokers.embedded.clock import Clock
from trading_assets.brokers.embedded.handle import AccountKeys, BrokerServerError, RunningBroker
from trading_assets.lake import Lake

__all__ = ["AccountKeys", "BrokerServerError", "RunningBroker", "start_broker"]

_logger = logging.getLogger(__name__)
_HOST = "127.0.0.1"
_TICK = 0.2  # seconds between two looks at a clock that moves by itself


class _Server:
    """uvicorn in a separate thread, which also creates the broker: only that thread touches it."""

    def __init__(self, lake: Lake, exchange: str, port: int, clock: Clock, name: str) -> None:
        self.token = secrets.token_urlsafe(24)
        # asyncio disables Nagle's algorithm only if the protocol is named; with it a call takes 40 ms longer.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((_HOST, port))
        self.port = int(self._socket.getsockname()[1])
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._uvicorn: uvicorn.Server | None = None
        self.thread = threading.Thread(
            target=self._run, args=(lake, exchange, clock, name), name=f"broker-{name}", daemon=True
        )

    def start(self) -> None:
        self.thread.start()
        self._ready.wait()
        if self._error is not None:
            self.thread.join()
            raise self._error

    def stop(self) -> None:
        if self._uvicorn is not None:
            self._uvicorn.should_exit = True
        self.thread.join()

    def wait(self) -> None:
        self.thread.join()

    def _run(self, lake: Lake, exchange: str, clock: Clock, name: str) -> None:
        try:
            broker = EmbeddedBroker(lake, exchange, clock, name)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            self._error = error
            self._socket.close()
            self._ready.set()
            return
        try:
            asyncio.run(self._serve(broker))
        finally:
            broker.store.close()
            self._ready.set()

    async def _serve(self, broker: EmbeddedBroker) -> None:
        config = uvicorn.Config(
            build_application(broker, self.token, self._drop),
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="websockets-sansio",
            timeout_graceful_shutdown=1,
            timeout_keep_alive=600,
        )
        self._uvicorn = uvicorn.Server(config)
        ticker = asyncio.create_task(self._tick(broker))
        await self._uvicorn.serve(sockets=[self._socket])
        ticker.cancel()

    async def _tick(self, broker: EmbeddedBroker) -> None:
        """Signal when the server listens, end its streams when it stops, and apply the clock's events."""
        assert self._uvicorn is not None
        waited = 0.0
        while not self._uvicorn.should_exit:
            await asyncio.sleep(0.01)
            waited += 0.01
            if self._uvicorn.started:
                self._ready.set()
            if waited >= _TICK and broker.clock.kind != "stepped":
                _catch_up(broker)
                waited = 0.0
            _publish(broker)
        broker.streams.disconnect()

    async def _drop(self, request: Request) -> None:
        """Close the connection of a request as a failing network does."""
        assert self._uvicorn is not None
        client = tuple(request.client) if request.client else None
        for connection in list(self._uvicorn.server_state.connections):
            if getattr(connection, "client", None) == client:
                connection.transport.abort()
        await asyncio.sleep(0.01)


def _catch_up(broker: EmbeddedBroker) -> None:
    """Apply the clock's events; what fails now is tried again at the next tick, and by the next call."""
    try:
        broker.catch_up()
    except Exception:
        _logger.exception("the broker could not process what its clock has passed")


def _publish(broker: EmbeddedBroker) -> None:
    """Publish the market data of the time that the clock has passed."""
    try:
        broker.streams.data.advance(broker.market, broker.state.time, broker.faults)
    except Exception:
        _logger.exception("the broker could not publish market data")


def start_broker(lake: Lake, exchange: str, *, port: int = 0, clock: Clock, name: str = "default") -> RunningBroker:
    """Start a broker on loopback, in a thread of this process.

    Parameters
    ----------
    lake : Lake
        Prices, and the Postgres that keeps the accounts.
    exchange : str
        Calendar code of the exchange, for instance XNYS.
    port : int
        Port on 127.0.0.1; 0 takes a free one.
    clock : Clock
        What time it is for the broker.
    name : str
        Name of the store; brokers of different names on one Postgres do not see each other.

    Returns
    -------
    RunningBroker
        The handle, which is a context manager too.

    Raises
    ------
    BrokerServerError
        The port is taken.
    LakeError
        Postgres cannot be reached, or the store is being served already.
    """
    try:
        server = _Server(lake, exchange, port, clock, name)
    except OSError as error:
        raise BrokerServerError(f"cannot listen on {_HOST}:{port}: {error.strerror}; choose another port") from error
    server.start()
    return RunningBroker(f"http://{_HOST}:{server.port}", server.token, server)
