"""The embedded broker in this process and thread: the same application and protocol, without sockets, in virtual time.

A delay costs no time: the loop that runs the application moves its clock instead of waiting. So a call that takes
longer than its client waits is one that goes on afterwards, as it is over HTTP, but every run of a test is the same.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from trading_assets.brokers.embedded.application import build_application
from trading_assets.brokers.embedded.broker import EmbeddedBroker
from trading_assets.brokers.embedded.clock import Clock
from trading_assets.brokers.embedded.handle import RunningBroker
from trading_assets.lake import Lake

URL = "http://embedded.invalid"
CALL_SECONDS = 0.002  # that a call takes of the virtual time
_TOKEN = "in process"


class _MovingSelector(selectors.SelectSelector):
    """A selector that moves a clock where it should wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everything waits for something that will not happen"
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only where all that runs in it waits."""

    def __init__(self) -> None:
        self.selector = _MovingSelector()
        super().__init__(self.selector)

    def time(self) -> float:
        return self.selector.now


class DroppedError(Exception):
    """The connection was closed without an answer."""


class InProcessTransport(BaseAdapter):
    """Sends requests to an ASGI application; one that takes longer than allowed goes on without its client."""

    def __init__(self, loop: VirtualLoop, application: Any, read_seconds: float) -> None:
        super().__init__()
        self._loop, self._application, self._read_seconds = loop, application, read_seconds

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        self._loop.selector.now += CALL_SECONDS
        task = self._loop.create_task(_answered(self._application, request))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        done, _ = self._loop.run_until_complete(asyncio.wait({task}, timeout=self._read_seconds))
        if not done:
            raise requests.ReadTimeout(request=request)
        try:
            status, headers, body = task.result()
        except DroppedError:
            raise requests.ConnectionError(request=request) from None
        response = requests.Response()
        response.status_code, response.url, response.request = status, str(request.url), request
        response.headers, response._content, response.encoding = CaseInsensitiveDict(headers), body, "utf-8"
        return response

    def close(self) -> None:
        """Nothing is open."""


async def _answered(application: Any, request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer."""
    parts = urlsplit(request.url)
    body = request.body.encode() if isinstance(request.body, str) else request.body or b""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": request.method, "scheme": "http",
        "path": unquote(parts.path), "raw_path": parts.path.encode(), "query_string": parts.query.encode(),
        "root_path": "", "client": ("127.0.0.1", 0), "server": (parts.hostname, 80),
        "headers": [(name.lower().encode(), _bytes(value)) for name, value in request.headers.items()],
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


async def _drop(_: Any) -> None:
    raise DroppedError


class InProcessBroker:
    """A broker in this process: a handle on it, and transports for its clients."""

    def __init__(self, lake: Lake, exchange: str, clock: Clock, name: str) -> None:
        self._broker = EmbeddedBroker(lake, exchange, clock, name)
        self._application = build_application(self._broker, _TOKEN, _drop)
        self._loop = VirtualLoop()
        session = requests.Session()
        session.mount(URL, self.transport(600.0))
        self.running = RunningBroker(URL, _TOKEN, self, session)

    def transport(self, read_seconds: float) -> InProcessTransport:
        """A transport for a client that waits so long for an answer."""
        return InProcessTransport(self._loop, self._application, read_seconds)

    def stop(self) -> None:
        """End what clients have left behind."""
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        if left:
            self._loop.run_until_complete(asyncio.wait(left))
        self._loop.close()
        self._broker.store.close()

    def wait(self) -> None:
        """It never ends by itself."""
        raise AssertionError


@contextmanager
def broker_in_process(lake: Lake, exchange: str, *, clock: Clock, name: str) -> Iterator[InProcessBroker]:
    """Serve a broker in this process, and nowhere else."""
    made = InProcessBroker(lake, exchange, clock, name)
    with made.running:
        yield made
