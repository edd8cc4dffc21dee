"""The websocket `/stream`: order events of an account, as JSON in binary frames.

A message is sent once to the current listeners; nothing is repeated for later ones.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from trading_assets.brokers.embedded.accounts import MarginAccount
from trading_assets.brokers.embedded.data_stream import DataStreams
from trading_assets.brokers.embedded.refusals import ApiError
from trading_assets.brokers.embedded.state import OrderEvent

Authenticate = Callable[[str | None, str | None], MarginAccount]


class Streams:
    """The listeners of each account, and those of market data."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Queue[dict[str, Any] | None]]] = defaultdict(set)
        self._open: set[asyncio.Queue[dict[str, Any] | None]] = set()
        self.data = DataStreams()

    def publish(self, event: OrderEvent) -> None:
        """Send an event to the listeners of its account."""
        for queue in self._listeners[event.account]:
            queue.put_nowait({"stream": "trade_updates", "data": event.data})

    def disconnect(self) -> None:
        """Close all streams."""
        for queue in self._open:
            queue.put_nowait(None)
        self.data.disconnect()

    async def serve(self, socket: WebSocket, authenticate: Authenticate) -> None:
        """Speak with one client until it leaves."""
        await socket.accept()
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._open.add(queue)
        sender = asyncio.create_task(_send(socket, queue))
        try:
            await self._listen(socket, queue, authenticate)
        except (WebSocketDisconnect, RuntimeError):
            return
        finally:
            sender.cancel()
            self._open.discard(queue)
            for queues in self._listeners.values():
                queues.discard(queue)

    async def _listen(
        self, socket: WebSocket, queue: asyncio.Queue[dict[str, Any] | None], authenticate: Authenticate
    ) -> None:
        account: MarginAccount | None = None
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            request = _decoded(message.get("text") or message.get("bytes") or b"")
            action, data = request.get("action"), request.get("data") or {}
            if action in {"authenticate", "auth"}:
                keys = data or {"key_id": request.get("key"), "secret_key": request.get("secret")}
                account = _account(authenticate, keys)
                status = "authorized" if account else "unauthorized"
                queue.put_nowait({"stream": "authorization", "data": {"status": status, "action": action}})
            elif action == "listen" and account is not None:
                streams = [name for name in data.get("streams", []) if name == "trade_updates"]
                (self._listeners[account.id].add if streams else self._listeners[account.id].discard)(queue)
                queue.put_nowait({"stream": "listening", "data": {"streams": streams}})
            else:
                refusal = {"status": "unauthorized", "action": str(action)}
                queue.put_nowait({"stream": "authorization", "data": refusal})


async def _send(socket: WebSocket, queue: asyncio.Queue[dict[str, Any] | None]) -> None:
    while (message := await queue.get()) is not None:
        await socket.send_bytes(json.dumps(message).encode())
    await socket.close(1012)


def _account(authenticate: Authenticate, keys: dict[str, Any]) -> MarginAccount | None:
    try:
        return authenticate(keys.get("key_id"), keys.get("secret_key"))
    except ApiError:
        return None


def _decoded(message: str | bytes) -> dict[str, Any]:
    try:
        request = json.loads(message)
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}
