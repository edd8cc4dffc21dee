"""The adapter at a broker that answers as it should, and at one that does not."""

from __future__ import annotations

import socket
import traceback
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from trading_assets.brokers.alpaca.adapter import AlpacaBroker
from trading_assets.brokers.errors import (
    BrokerBusyError,
    BrokerError,
    BrokerUnavailableError,
    DuplicateOrderError,
    NotFoundError,
    OrderRejectedError,
    OutcomeUnknownError,
    UnauthorizedError,
)
from trading_assets.brokers.records import Ticket
from trading_assets_tests.brokers.embedded.markets import DAYS

POST, ACCOUNT = {"method": "POST", "path": "/v2/orders$"}, {"method": "GET", "path": "/v2/account$"}


def coded(status, code, message="no"):
    return {"status": status, "body": {"code": code, "message": message}}


def patience(fault):
    """Seconds to wait for an answer: few only where it is late."""
    return 0.2 if "delay" in fault else 10.0


def ticket(symbol="AAA", side="buy", quantity=1.0, **values):
    return Ticket(values.pop("client_order_id", uuid4().hex), symbol, side, quantity, "day")


@pytest.fixture
def broker(connection):
    return AlpacaBroker(connection)


@pytest.fixture
def sent(small_broker):
    """How often calls of a method and path have arrived since."""
    before = len(small_broker.calls())
    return lambda method, path: sum(
        (call["method"], call["path"]) == (method, path) for call in small_broker.calls()[before:]
    )


def test_an_order_is_posted_and_found_by_its_client_order_id(broker):
    wanted = ticket(quantity=7.0)
    order = broker.submit(wanted)
    assert (order.client_order_id, order.symbol, order.side, order.quantity) == (
        wanted.client_order_id, "AAA", "buy", 7.0
    )  # fmt: skip
    found = broker.order_of(wanted.client_order_id)
    assert (found.id, found.filled, found.status) == (order.id, 7.0, "filled")
    assert broker.client_order_id(order.id) == wanted.client_order_id
    assert broker.order_of("nobody's") is None
    assert {symbol: position.quantity for symbol, position in broker.positions().items()} == {"AAA": 7.0}


def test_a_short_position_has_a_sign(broker):
    broker.submit(ticket(side="sell", quantity=3.0))
    assert broker.positions()["AAA"].quantity == -3.0


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 401}, UnauthorizedError),
        ({"status": 403}, UnauthorizedError),
        (coded(403, 40310000), OrderRejectedError),
        (coded(422, 42210000), OrderRejectedError),
        (coded(422, 40010001, "client_order_id must be unique"), DuplicateOrderError),
        (coded(429, 42910000), BrokerBusyError),
        (coded(404, 40410000), OutcomeUnknownError),
        (coded(500, 50010000), OutcomeUnknownError),
        ({"status": 502, "body": "bad gateway"}, OutcomeUnknownError),
        ({"status": 503}, OutcomeUnknownError),
        ({"status": 504}, OutcomeUnknownError),
        ({"status": 400, "body": "[]"}, OutcomeUnknownError),
        ({"status": 200, "body": "{}"}, OutcomeUnknownError),
        ({"non_json": True}, OutcomeUnknownError),
        ({"non_json": True, "status": 200}, OutcomeUnknownError),
        ({"drop": True}, OutcomeUnknownError),
        ({"drop": True, "when": "after"}, OutcomeUnknownError),
        ({"delay": 0.4, "when": "after"}, OutcomeUnknownError),
    ],
)
def test_an_order_is_posted_once_whatever_the_answer_is(small_broker, connection, sent, fault, error):
    small_broker.inject(**POST, **fault)
    with pytest.raises(error) as caught:
        AlpacaBroker(connection, read_seconds=patience(fault)).submit(ticket())
    assert type(caught.value) is error
    assert sent("POST", "/v2/orders") == 1


@pytest.mark.parametrize(
    ("fault", "error", "asked"),
    [
        ({"status": 401}, UnauthorizedError, 1),
        ({"status": 403}, UnauthorizedError, 1),
        (coded(404, 40410000), NotFoundError, 1),
        (coded(422, 42210000), BrokerError, 1),
        (coded(429, 42910000), BrokerBusyError, 3),
        (coded(500, 50010000), BrokerUnavailableError, 3),
        ({"status": 504}, BrokerUnavailableError, 3),
        ({"non_json": True}, BrokerUnavailableError, 3),
        ({"non_json": True, "status": 200}, BrokerUnavailableError, 3),
        ({"status": 200, "body": "[]"}, BrokerUnavailableError, 3),
        ({"drop": True}, BrokerUnavailableError, 3),
        ({"delay": 0.4}, BrokerUnavailableError, 3),
    ],
)
def test_a_question_is_repeated_where_the_broker_is_busy_and_only_there(
    small_broker, connection, sent, fault, error, asked
):
    small_broker.inject(queue=[{**ACCOUNT, **fault}] * asked)
    broker = AlpacaBroker(connection, read_seconds=patience(fault))
    with pytest.raises(error) as caught:
        broker.account()
    assert type(caught.value) is error
    assert sent("GET", "/v2/account") == asked
    small_broker.clear_faults()
    small_broker.inject(queue=[{**ACCOUNT, "status": 503}] * 2)
    assert AlpacaBroker(connection).account().cash == 1e5


def test_refusals_of_the_broker_itself_are_told_with_its_words(broker):
    first = ticket()
    broker.submit(first)
    with pytest.raises(DuplicateOrderError, match="must be unique") as duplicate:
        broker.submit(first)
    assert duplicate.value.code == 40010001
    with pytest.raises(OrderRejectedError, match=r"insufficient buying power.*lower gross_leverage") as poor:
        broker.submit(ticket(quantity=1e6))
    assert poor.value.code == 40310000


def test_an_outage_is_an_unavailable_broker_and_an_unknown_order(small_broker, broker):
    small_broker.inject(outage=True)
    with pytest.raises(BrokerUnavailableError, match="embedded broker, asked for its account"):
        broker.account()
    with pytest.raises(OutcomeUnknownError, match="whether the order exists is not known yet"):
        broker.submit(ticket())


def test_a_broker_that_is_not_there_is_named_with_its_address(connection):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        broker = AlpacaBroker(replace(connection, url=url, data_url=url))
        with pytest.raises(BrokerUnavailableError, match=f"cannot be reached at {url}"):
            broker.clock()
        with pytest.raises(OutcomeUnknownError):
            broker.submit(ticket())


def test_a_proxy_is_not_asked_for_what_is_on_this_machine(connection, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    broker = AlpacaBroker(connection)
    assert broker.account().cash == 1e5
    assert broker.latest_prices(["AAA"])["AAA"] > 0


def test_every_page_of_a_long_history_is_read_and_no_entry_twice(small_broker, broker, sent):
    orders = [broker.submit(ticket(client_order_id=f"{number}-{uuid4().hex}")).id for number in range(205)]
    small_broker.inject(method="GET", path="/v2/account/activities", status=500)
    entries = list(broker.activities())
    assert [entry.order_id for entry in entries] == orders
    assert [entry.id for entry in entries] == sorted({entry.id for entry in entries})
    assert sent("GET", "/v2/account/activities") == 4
    assert list(broker.activities(after=DAYS[1] + timedelta(days=1))) == []
    assert len(list(broker.activities(after=DAYS[1]))) == 205


def test_a_history_that_is_no_list_is_no_history(small_broker, broker):
    small_broker.inject(method="GET", path="/v2/account/activities", status=200, body={"message": "moved"})
    with pytest.raises(BrokerUnavailableError, match="not a list"):
        list(broker.activities())


def test_symbols_that_the_broker_does_not_trade_are_named_with_the_reason(small_broker, broker):
    small_broker.halt("BBB")
    found = broker.untradable(["AAA", "BBB", "NOPE"])
    small_broker.resume("BBB")
    assert set(found) == {"BBB", "NOPE"}
    assert "halted" in found["BBB"]
    assert "not an active asset" in found["NOPE"]


def test_prices_of_no_symbols_are_not_asked_for(small_broker, broker):
    small_broker.inject(outage=True)
    assert broker.latest_prices([]) == {}


@pytest.mark.parametrize("fault", [{"status": 401}, {"status": 500}, {"drop": True}, {"non_json": True}])
def test_no_key_is_in_any_text(small_broker, connection, fault):
    broker = AlpacaBroker(connection)
    texts = [repr(connection), str(connection), repr(broker), repr(vars(broker))]
    for ask, where in ((broker.account, ACCOUNT), (lambda: broker.submit(ticket()), POST)):
        small_broker.inject(queue=[{**where, **fault}] * 3)
        with pytest.raises(BrokerError) as caught:
            ask()
        texts += [str(caught.value), "".join(traceback.format_exception(caught.value))]
        small_broker.clear_faults()
    for text in texts:
        assert connection.key_id not in text
        assert connection.secret not in text
