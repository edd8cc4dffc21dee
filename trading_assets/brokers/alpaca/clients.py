"""alpaca-py's clients with timeouts and without repetition, and the errors of a broker as ours."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from trading_assets.brokers.alpaca.connection import Connection
from trading_assets.brokers.errors import (
    BrokerError,
    BrokerUnavailableError,
    DuplicateOrderError,
    NotFoundError,
    OrderRejectedError,
    RateLimitedError,
    UnauthorizedError,
)

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
        return RateLimitedError(text)
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


def trading_client(connection: Connection, read_seconds: float) -> Any:
    """alpaca-py's client of the trading API."""
    from alpaca.trading.client import TradingClient

    client = TradingClient(
        connection.key_id, connection.secret, paper=connection.broker != "live", url_override=connection.url
    )
    return tamed(client, connection.url, read_seconds)


def data_client(connection: Connection, read_seconds: float) -> Any:
    """alpaca-py's client of the market data API."""
    from alpaca.data.historical.stock import StockHistoricalDataClient

    client = StockHistoricalDataClient(connection.key_id, connection.secret, url_override=connection.data_url)
    return tamed(client, connection.data_url, read_seconds)


def tamed(client: Any, url: str, read_seconds: float) -> Any:
    """Give a client of alpaca-py timeouts, and take from it the repetition of calls and, on loopback, any proxy."""
    from requests.adapters import HTTPAdapter

    class TimedAdapter(HTTPAdapter):
        def send(self, request: Any, **options: Any) -> Any:  # type: ignore[override]
            options["timeout"] = options.get("timeout") or (CONNECT_SECONDS, read_seconds)
            return super().send(request, **options)

    session = client._session  # noqa: SLF001 - alpaca-py offers no other way to set a timeout
    for scheme in ("http://", "https://"):
        session.mount(scheme, TimedAdapter(max_retries=0))
    client._retry = 0  # noqa: SLF001 - its repetition of POST after a 504 makes a second order
    client._retry_codes = []  # noqa: SLF001
    if urlsplit(url).hostname in _LOOPBACK:
        session.trust_env = False
    return client
