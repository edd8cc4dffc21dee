"""The websockets `/v2/iex` and `/v2/sip`: bars, trades and quotes of minutes, as the broker's clock passes them.

They speak Alpaca's protocol, in msgpack or, without that content type, JSON. The server speaks first; a client
authenticates and subscribes; what is published is sent once to the current subscribers, and nothing is repeated.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]
from fastapi import WebSocket, WebSocketDisconnect

from trading_assets.brokers.embedded.accounts import MarginAccount
from trading_assets.brokers.embedded.faults import Faults
from trading_assets.brokers.embedded.history import bar_payload, part_of_bar, quote_payload, trade_payload
from trading_assets.brokers.embedded.market import LakeMarket, path_price
from trading_assets.brokers.embedded.refusals import ApiError

FEEDS: Final = ("iex", "sip")
_CHANNELS: Final = {"trades": "t", "quotes": "q", "bars": "b", "updatedBars": "u", "dailyBars": "d"}
_ALL: Final = "*"
_MINUTE: Final = timedelta(minutes=1)
_HALF_SPREAD: Final = 0.5e-4  # of the price, in the quotes of the stream, which all accounts share
_ERRORS: Final = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    406: "connection limit exceeded",
    409: "insufficient subscription",
}

Authenticate = Callable[[str | None, str | None], MarginAccount]
Message = dict[str, Any]


@dataclass(eq=False)
class _Client:
    """One connection: its account once it has authenticated, and the symbols that it wants by channel."""

    feed: str
    is_msgpack: bool
    refusal: int | None = None
    account: MarginAccount | None = None
    wanted: dict[str, set[str]] = field(default_factory=lambda: {channel: set() for channel in _CHANNELS})
    queue: asyncio.Queue[list[Message] | None] = field(default_factory=asyncio.Queue)

    def wants(self, channel: str, symbol: str) -> bool:
        return not self.wanted[channel].isdisjoint({symbol, _ALL})

    def encoded(self, messages: list[Message]) -> str | bytes:
        if not self.is_msgpack:
            return json.dumps(messages)
        packed: bytes = msgpack.packb([_with_timestamp(message) for message in messages])
        return packed


class DataStreams:
    """The listeners to market data."""

    def __init__(self) -> None:
        self._clients: set[_Client] = set()
        self._until: datetime | None = None

    def advance(self, market: LakeMarket, now: datetime, faults: Faults) -> None:
        """Publish what the minutes since the last call have brought.

        Parameters
        ----------
        market : LakeMarket
            Prices.
        now : datetime.datetime
            The broker's time.
        faults : Faults
            May lose messages.
        """
        since, self._until = self._until or now, now
        if since == now or not self._clients:
            return
        for channel, message in self._passed(market, since, now):
            listeners = [client for client in self._clients if client.wants(channel, message["S"])]
            if listeners and not faults.takes_event():
                for client in listeners:
                    client.queue.put_nowait([message])

    def disconnect(self) -> None:
        """Close all connections."""
        for client in self._clients:
            client.queue.put_nowait(None)
        self._clients = set()

    async def serve(self, socket: WebSocket, feed: str, authenticate: Authenticate, faults: Faults) -> None:
        """Serve one client until it disconnects."""
        await socket.accept()
        fault = faults.take("GET", f"/v2/{feed}")
        if fault is not None and fault.drop:
            await socket.close(1011)
            return
        client = _Client(feed, "msgpack" in socket.headers.get("content-type", ""), fault.status if fault else None)
        self._clients.add(client)
        client.queue.put_nowait([{"T": "success", "msg": "connected"}])
        sender = asyncio.create_task(_send(socket, client))
        try:
            while (message := await socket.receive())["type"] != "websocket.disconnect":
                request = _decoded(message.get("text") or message.get("bytes") or b"")
                client.queue.put_nowait([self._answer(client, request, authenticate)])
        except (WebSocketDisconnect, RuntimeError):
            return
        finally:
            sender.cancel()
            self._clients.discard(client)

    def _answer(self, client: _Client, request: Message, authenticate: Authenticate) -> Message:
        action = request.get("action")
        if action == "auth":
            return self._authenticated(client, request, authenticate)
        if client.account is None:
            return _error(401)
        symbols = {channel: request.get(channel) or [] for channel in _CHANNELS}
        if action not in {"subscribe", "unsubscribe"} or not all(isinstance(one, list) for one in symbols.values()):
            return _error(400)
        for channel, named in symbols.items():
            change = (
                client.wanted[channel].update if action == "subscribe" else client.wanted[channel].difference_update
            )
            change(map(str, named))
        return {"T": "subscription", **{channel: sorted(wanted) for channel, wanted in client.wanted.items()}}

    def _authenticated(self, client: _Client, request: Message, authenticate: Authenticate) -> Message:
        if client.account is not None:
            return _error(403)
        if client.refusal is not None:
            return _error(client.refusal)
        try:
            account = authenticate(request.get("key"), request.get("secret"))
        except ApiError:
            return _error(402)
        others = (other.account for other in self._clients if other.feed == client.feed)
        if any(other is not None and other.id == account.id for other in others):
            return _error(406)
        client.account = account
        return {"T": "success", "msg": "authenticated"}

    def _passed(self, market: LakeMarket, since: datetime, now: datetime) -> Iterator[tuple[str, Message]]:
        """Messages of the minutes that began (trades, quotes) or ended (bars) after `since`, in their order."""
        symbols = self._symbols(market)
        for session in market.sessions.between(market.sessions.day(since), market.sessions.day(now)):
            bars = {symbol: bar for symbol in symbols if (bar := market.bar(symbol, session.date)) is not None}
            minutes = (session.close - session.open) // _MINUTE
            for start in (session.open + minute * _MINUTE for minute in range(minutes)):
                if start > now or start + _MINUTE <= since:
                    continue
                for symbol, bar in bars.items():
                    price = path_price(bar, session, start)
                    if since < start:
                        yield "quotes", {"T": "q", "S": symbol, **quote_payload(start, price, price * _HALF_SPREAD)}
                        yield "trades", {"T": "t", "S": symbol, **trade_payload(start, price, bar.volume / minutes)}
                for symbol, bar in bars.items():
                    if start + _MINUTE <= now:
                        part = part_of_bar(bar, session, start, start + _MINUTE)
                        yield "bars", {"T": "b", "S": symbol, **bar_payload(start, part)}

    def _symbols(self, market: LakeMarket) -> list[str]:
        named = {symbol for client in self._clients for wanted in client.wanted.values() for symbol in wanted}
        return sorted(market.listings()) if _ALL in named else sorted(named)


async def _send(socket: WebSocket, client: _Client) -> None:
    while (messages := await client.queue.get()) is not None:
        encoded = client.encoded(messages)
        await (socket.send_bytes(encoded) if isinstance(encoded, bytes) else socket.send_text(encoded))
    await socket.close(1012)


def _error(code: int) -> Message:
    return {"T": "error", "code": code, "msg": _ERRORS.get(code, "internal error")}


def _with_timestamp(message: Message) -> Message:
    """A message with its time as msgpack has it."""
    if "t" not in message:
        return message
    return {**message, "t": msgpack.Timestamp.from_datetime(datetime.fromisoformat(message["t"]))}


def _decoded(message: str | bytes) -> Message:
    try:
        request = json.loads(message) if isinstance(message, str) else msgpack.unpackb(message)
    except (ValueError, msgpack.UnpackException):
        return {}
    return request if isinstance(request, dict) else {}
