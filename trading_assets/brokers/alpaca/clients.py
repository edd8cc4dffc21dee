"""alpaca-py's clients with timeouts and without retries of their own, and the broker's errors as typed ones."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter, HTTPAdapter

from trading_assets.brokers.alpaca.connection import Connection
from trading_assets.brokers.errors import (
    BrokerBusyError,
    BrokerError,
    BrokerUnavailableError,
    DuplicateOrderError,
    NotFoundError,
    OrderRejectedError,
    UnauthorizedError,
)
from trading_assets.library_internals.alpaca import configure_client

CONNECT_SECONDS, READ_SECONDS = 3.05, 10.0
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_NOT_FOUND, _UNAUTHORIZED, _FORBIDDEN, _TOO_MANY, _SERVER_ERROR = 404, 401, 403, 429, 500
_NOT_UNIQUE, _NO_BUYING_POWER = 40010001, 40310000


def typed_error(asked: str, error: Any) -> BrokerError:
    """The broker's error as one of ours; its body may be anything."""
    status = int(error.status_code or 0)
    code, message = _body(error)
    text = f"{asked}: {message or 'no reason given'} (HTTP {status}{f', code {code}' if code else ''})"
    if status == _UNAUTHORIZED or (status == _FORBIDDEN and code is None):
        return UnauthorizedError(f"{text}; the keys are wrong, revoked or not allowed to do this")
    if status == _TOO_MANY:
        return BrokerBusyError(text)
    if status == _NOT_FOUND:
        return NotFoundError(text)
    if status >= _SERVER_ERROR or code is None:
        return BrokerUnavailableError(text)
    if code == _NOT_UNIQUE:
        return DuplicateOrderError(text, code)
    hint = "; sell something or lower gross_leverage" if code == _NO_BUYING_POWER and "buying power" in text else ""
    return OrderRejectedError(text + hint, code)


def _body(error: Any) -> tuple[int | None, str]:
    try:
        body = json.loads(str(error))
    except ValueError:
        return None, "the answer is not JSON"
    if not isinstance(body, dict):
        return None, "the answer is not an error of the protocol"
    code = body.get("code")
    return (int(code) if isinstance(code, int) else None), str(body.get("message") or "")


class TimedTransport(HTTPAdapter):
    """HTTP with a limit on how long connecting and an answer may take, in seconds; it repeats nothing."""

    def __init__(self, read_seconds: float) -> None:
        super().__init__(max_retries=0)
        self._timeouts = CONNECT_SECONDS, read_seconds

    def send(self, request: PreparedRequest, **options: Any) -> Response:  # type: ignore[override]
        """Send a request, with the limits where the caller names none."""
        return super().send(request, **{**options, "timeout": options.get("timeout") or self._timeouts})


def trading_client(connection: Connection, read_seconds: float, transport: BaseAdapter | None = None) -> Any:
    """alpaca-py's client of the trading API."""
    from alpaca.trading.client import TradingClient

    client = TradingClient(connection.key_id, connection.secret, url_override=connection.url)
    return configured(client, connection.url, read_seconds, transport)


def data_client(connection: Connection, read_seconds: float, transport: BaseAdapter | None = None) -> Any:
    """alpaca-py's client of the market data API."""
    from alpaca.data.historical.stock import StockHistoricalDataClient

    client = StockHistoricalDataClient(connection.key_id, connection.secret, url_override=connection.data_url)
    return configured(client, connection.data_url, read_seconds, transport)


def configured(client: Any, url: str, read_seconds: float, transport: BaseAdapter | None = None) -> Any:
    """A client of alpaca-py with timeouts, without retries and, for an address on this machine, without proxies.

    Parameters
    ----------
    client : alpaca.common.rest.RESTClient
        The client, changed in place.
    url : str
        Where it calls.
    read_seconds : float
        How long an answer may take.
    transport : requests.adapters.BaseAdapter, optional
        What sends its requests; HTTP by default.
    """
    is_remote = urlsplit(url).hostname not in _LOOPBACK
    configure_client(client, transport or TimedTransport(read_seconds), uses_proxies=is_remote)
    return client
