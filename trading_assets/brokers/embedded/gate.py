"""The gate: every call passes through it, is recorded and authenticated, and may be affected by a fault."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from fastapi import Request, Response

from trading_assets.brokers.embedded.accounts import MarginAccount
from trading_assets.brokers.embedded.broker import EmbeddedBroker
from trading_assets.brokers.embedded.faults import InjectedFault
from trading_assets.brokers.embedded.refusals import ApiError, invalid

_logger = logging.getLogger(__name__)
_NO_ANSWER = "the connection was dropped"
Answer = dict[str, Any] | list[Any] | None


class Call(NamedTuple):
    """An authenticated call: its account, query parameters, path parameters and decoded body."""

    broker: EmbeddedBroker
    account: MarginAccount
    query: dict[str, str]
    path: dict[str, str]
    body: dict[str, Any]


class Reply(NamedTuple):
    """An answer with an HTTP status other than 200."""

    status: int
    body: Answer


Handler = Callable[[Call], Answer | Reply]
Drop = Callable[[Request], Awaitable[None]]


class RequestGate:
    """Makes endpoints of handlers.

    Parameters
    ----------
    broker : EmbeddedBroker
        What they act on.
    drop : callable
        Closes the connection of a request.
    """

    def __init__(self, broker: EmbeddedBroker, drop: Drop) -> None:
        self.broker = broker
        self._drop = drop

    def endpoint(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint of a handler."""

        async def respond(request: Request) -> Response:
            body = _decoded(await request.body())
            self.broker.note_call(
                {
                    "method": request.method,
                    "path": request.url.path,
                    "query": dict(request.query_params),
                    "client_order_id": body.get("client_order_id") if body else None,
                }
            )
            fault = self.broker.faults.take(request.method, request.url.path)
            if fault is None:
                return self._answer(handler, request, body)
            return await self._faulty(fault, handler, request, body)

        return respond

    async def _faulty(
        self, fault: InjectedFault, handler: Handler, request: Request, body: dict[str, Any] | None
    ) -> Response:
        replaces = fault.status is not None or fault.non_json or fault.drop
        answer = self._answer(handler, request, body) if fault.when == "after" else None
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.drop:
            await self._drop(request)
        if not replaces:
            return answer or self._answer(handler, request, body)
        if fault.non_json:
            page = "<html><body>502 Bad Gateway</body></html>"
            return Response(page, fault.status or 502, media_type="text/html", headers=fault.headers)
        content = fault.body if isinstance(fault.body, str) else json.dumps(fault.body or {"message": _NO_ANSWER})
        return Response(content, fault.status or 500, media_type="application/json", headers=fault.headers)

    def _answer(self, handler: Handler, request: Request, body: dict[str, Any] | None) -> Response:
        broker = self.broker
        if broker.faults.outage:
            return as_response(Reply(503, {"message": "service unavailable"}))
        try:
            broker.catch_up()
            account = broker.authenticate(*_keys(request))
            call = _call(broker, account, request, body)
            with broker.transaction():
                return as_response(handler(call))
        except ApiError as error:
            return as_response(Reply(error.status, error.body))
        except Exception:
            _logger.exception("the broker failed at %s %s", request.method, request.url.path)
            return as_response(Reply(500, {"code": 50010000, "message": "internal server error occurred"}))


def _call(broker: EmbeddedBroker, account: MarginAccount, request: Request, body: dict[str, Any] | None) -> Call:
    if body is None:
        raise invalid("the body is not a JSON object")
    return Call(broker, account, dict(request.query_params), dict(request.path_params), body)


def as_response(answer: Answer | Reply) -> Response:
    """An answer as HTTP."""
    status, body = answer if isinstance(answer, Reply) else (200, answer)
    if body is None:
        return Response(status_code=204)
    return Response(json.dumps(body), status, media_type="application/json")


def _decoded(body: bytes) -> dict[str, Any] | None:
    if not body:
        return {}
    try:
        content = json.loads(body)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _keys(request: Request) -> tuple[str | None, str | None]:
    """Key id and secret from Alpaca's headers, or from HTTP basic authentication."""
    key_id, secret = request.headers.get("apca-api-key-id"), request.headers.get("apca-api-secret-key")
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if key_id is None and scheme.lower() == "basic":
        try:
            key_id, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
        except ValueError:
            return None, None
    return key_id, secret
