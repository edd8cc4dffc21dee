"""What is reached inside alpaca-py is still there, and still needed."""

from __future__ import annotations

import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.trading.client import TradingClient
from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter

from trading_assets.library_internals.alpaca import configure_client

URL = "http://alpaca.invalid"


class GatewayTimeouts(BaseAdapter):
    """A transport that answers every request with HTTP 504."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str | None] = []

    def send(self, request: PreparedRequest, **options: object) -> Response:
        self.sent.append(request.method)
        answer = Response()
        answer.status_code, answer.url, answer.request = 504, str(request.url), request
        answer._content = b"{}"
        return answer

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(params=[TradingClient, StockHistoricalDataClient])
def client(request):
    return request.param("key", "secret", url_override=URL)


def test_a_configured_client_sends_through_the_transport_and_repeats_nothing(client):
    transport = GatewayTimeouts()
    configure_client(client, transport, uses_proxies=False)
    with pytest.raises(APIError):
        client.post("/orders", {})
    assert transport.sent == ["POST"]


def test_whether_proxies_are_used_is_the_choice_of_the_caller(client):
    for choice in (True, False):
        configure_client(client, GatewayTimeouts(), uses_proxies=choice)
        assert client._session.trust_env is choice


def test_alpaca_py_repeats_a_post_after_a_504_by_itself(client):
    transport = GatewayTimeouts()
    assert isinstance(client._session, Session)
    client._session.mount("http://", transport)
    client._retry_wait = 0
    with pytest.raises(APIError):
        client.post("/orders", {})
    assert transport.sent == ["POST"] * (client._retry + 1)
    assert client._retry > 0
