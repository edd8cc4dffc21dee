"""The application: every path of the protocol and of the control API, and the streams, over one broker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse

from trading_assets.brokers.embedded import (
    control,
    data_stream,
    routes_data,
    routes_news,
    routes_reference,
    routes_trading,
)
from trading_assets.brokers.embedded.broker import EmbeddedBroker
from trading_assets.brokers.embedded.gate import Drop, RequestGate


def build_application(broker: EmbeddedBroker, token: str, drop: Drop) -> FastAPI:
    """The ASGI application of a broker.

    Parameters
    ----------
    broker : EmbeddedBroker
        What its calls act on.
    token : str
        What the control API asks for.
    drop : callable
        Closes the connection of a request.
    """
    application = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    gate = RequestGate(broker, drop)
    routes = (*routes_trading.ROUTES, *routes_reference.ROUTES, *routes_data.ROUTES, *routes_news.ROUTES)
    for method, path, handler in routes:
        application.add_route(path, gate.endpoint(handler), methods=[method])
    for method, path, action in control.ACTIONS:
        application.add_route(f"/_broker/{path}", control.endpoint(broker, token, action), methods=[method])

    @application.exception_handler(404)
    async def unknown(_: Request, __: Exception) -> JSONResponse:
        return JSONResponse({"code": 40410000, "message": "endpoint not found"}, 404)

    @application.websocket("/stream")
    async def stream(websocket: WebSocket) -> None:
        await broker.streams.serve(websocket, broker.authenticate)

    for feed in data_stream.FEEDS:
        application.add_api_websocket_route(f"/v2/{feed}", _data_endpoint(broker, feed))
    return application


def _data_endpoint(broker: EmbeddedBroker, feed: str) -> Callable[[WebSocket], Awaitable[None]]:
    async def serve(websocket: WebSocket) -> None:
        await broker.streams.data.serve(websocket, feed, broker.authenticate, broker.faults)

    return serve
