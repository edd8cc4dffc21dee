"""What is relied on in alpaca-py's stream beyond its documentation, against a server that speaks the protocol.

A test that fails here after an update says what `library_internals.alpaca_stream` has to do in another way.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

import msgpack
import pytest
from websockets.legacy.server import serve

from trading_assets.library_internals.alpaca_stream import ReportingBarStream

BAR = {"T": "b", "S": "AAA", "t": msgpack.Timestamp(1_700_000_000), "o": 1.0, "h": 1.0, "l": 1.0, "c": 1.0, "v": 1}


class Server:
    """A stream that accepts the key ``good``, sends a bar to each subscriber, and can drop them."""

    def __init__(self) -> None:
        self.url = ""
        self.connections: set = set()
        self.loop = asyncio.new_event_loop()
        self._listening, self._done = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: self.loop.run_until_complete(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listening.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self._done.set)
        self._thread.join(10)

    def drop(self) -> None:
        for connection in list(self.connections):
            asyncio.run_coroutine_threadsafe(connection.close(), self.loop).result(5)

    async def _run(self) -> None:
        async with serve(self._talk, "127.0.0.1", 0) as server:
            self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            self._listening.set()
            await self._done.wait()

    async def _talk(self, connection) -> None:
        await connection.send(msgpack.packb([{"T": "success", "msg": "connected"}]))
        login = msgpack.unpackb(await connection.recv())
        if login["key"] != "good":
            await connection.send(msgpack.packb([{"T": "error", "code": 402, "msg": "auth failed"}]))
            await connection.wait_closed()
            return
        await connection.send(msgpack.packb([{"T": "success", "msg": "authenticated"}]))
        wanted = msgpack.unpackb(await connection.recv())
        self.connections.add(connection)
        await connection.send(msgpack.packb([{"T": "subscription", "bars": wanted["bars"]}, BAR]))
        await connection.wait_closed()
        self.connections.discard(connection)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@contextmanager
def stream(server: Server, key: str = "good", *, goes_on: bool = True) -> Iterator[tuple[list[object], Callable]]:
    events: list[object] = []

    async def received(bar: object) -> None:
        events.append(bar)

    def failed(error: str) -> bool:
        events.append(error)
        return goes_on

    made = ReportingBarStream(
        key, "secret", feed="iex", url=server.url, first_pause=0.02, longest_pause=0.1,
        on_subscribed=lambda: events.append("subscribed"), on_lost=lambda: events.append("lost"), on_error=failed,
    )  # fmt: skip
    made.subscribe_bars(received, "AAA")
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    yield events, thread.is_alive
    began = time.monotonic()
    made.end()
    thread.join(10)
    assert not thread.is_alive()
    assert time.monotonic() - began < 4, "it waited for a message, as `stop` of alpaca-py does"


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_it_reports_its_subscription_before_the_first_bar_and_ends_without_waiting(server):
    with stream(server) as (events, _):
        wait_until(lambda: len(events) == 2)
    assert events == ["subscribed", BAR]


def test_it_reports_a_lost_connection_and_subscribes_again(server):
    with stream(server) as (events, _):
        wait_until(lambda: len(events) == 2)
        server.drop()
        wait_until(lambda: len(events) == 5)
    assert events == ["subscribed", BAR, "lost", "subscribed", BAR]


def test_it_reports_an_error_of_each_attempt_while_it_may_go_on(server):
    with stream(server, "bad") as (events, _):
        wait_until(lambda: len(events) >= 3)
    assert set(events) == {"auth failed"}


def test_it_ends_on_its_own_where_the_callback_says_so(server):
    with stream(server, "bad", goes_on=False) as (events, is_alive):
        wait_until(lambda: not is_alive())
    assert events == ["auth failed"]
