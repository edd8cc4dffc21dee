"""What can go wrong between a client and its broker, on demand."""

from __future__ import annotations

import threading
import time

import pytest
import requests
from alpaca.common.exceptions import APIError

from trading_assets.brokers.embedded.server import BrokerServerError
from trading_assets_tests.brokers.embedded.markets import DAYS, FREE, at
from trading_assets_tests.brokers.embedded.test_orders import market, outcome, refusal


@pytest.mark.parametrize(("when", "is_there"), [("before", False), ("after", True)])
def test_error_before_or_after_the_effect(broker, client, when, is_there):
    broker.inject(method="POST", path="/v2/orders", status=504, body={"message": "timeout"}, when=when)
    with pytest.raises(APIError) as caught:
        client.submit_order(market(client_order_id="once"))
    assert caught.value.status_code == 504
    if is_there:
        assert client.get_order_by_client_id("once").qty == "10"
    else:
        assert refusal(client.get_order_by_client_id, "once")[0] == 404
    assert client.get_account().status.value == "ACTIVE"


@pytest.mark.parametrize(("when", "is_there"), [("before", False), ("after", True)])
def test_connection_dropped_before_or_after_the_effect(broker, client, when, is_there):
    broker.inject(method="POST", path="/v2/orders", drop=True, when=when)
    with pytest.raises(requests.ConnectionError):
        client.submit_order(market(client_order_id="once"))
    orders = [call for call in broker.calls() if call["client_order_id"] == "once"]
    assert [(call["method"], call["path"]) for call in orders] == [("POST", "/v2/orders")]
    assert bool(client.get_orders()) == is_there


def test_faults_happen_in_their_order_to_the_calls_that_they_fit(broker, client):
    broker.inject(method="GET", path="/v2/positions", status=500)
    broker.inject(method="GET", path="/v2/account$", status=429, headers={"X-RateLimit-Remaining": "0"})
    broker.inject(path="/v2/account$", status=503)
    for status in (429, 503):
        with pytest.raises(APIError) as caught:
            client.get_account()
        assert caught.value.status_code == status
    assert client.get_account().cash == "100000"
    assert refusal_status(client.get_all_positions) == 500


def test_answer_that_is_no_json(broker, client):
    broker.inject(path="/v2/account", non_json=True)
    with pytest.raises(APIError) as caught:
        client.get_account()
    assert caught.value.status_code == 502
    assert "<html>" in str(caught.value)


@pytest.mark.parametrize(("when", "seen"), [("before", []), ("after", ["once"])])
def test_slow_answer_before_or_after_the_effect(broker, client, when, seen):
    broker.inject(method="POST", path="/v2/orders", delay=0.5, when=when)
    sender = threading.Thread(target=client.submit_order, args=(market(client_order_id="once"),))
    sender.start()
    while not any(call["client_order_id"] == "once" for call in broker.calls()):
        time.sleep(0.01)
    headers = dict(client._get_auth_headers())
    during = requests.get(f"{broker.url}/v2/orders", headers=headers, timeout=9).json()
    assert [order["client_order_id"] for order in during] == seen
    sender.join()
    assert client.get_order_by_client_id("once").qty == "10"


def test_partial_fill(broker, client):
    broker.inject(partial_fill=0.4)
    order = client.submit_order(market(qty=10))
    broker.advance(at(DAYS[1], "09:30"))
    assert outcome(client, order) == ("partially_filled", 4, 100.0)
    broker.advance(at(DAYS[1], "11:40"))
    status, quantity, price = outcome(client, order)
    assert (status, quantity, price) == ("filled", 10, pytest.approx(0.4 * 100 + 0.6 * 98))
    kinds = [(a["type"], a["qty"], a["leaves_qty"]) for a in client.get("/account/activities/FILL")]
    assert kinds == [("fill", "6", "0"), ("partial_fill", "4", "6")]


def test_order_accepted_and_then_rejected(broker, client):
    broker.inject(reject=1)
    order = client.submit_order(market())
    assert order.status.value == "accepted"
    assert outcome(client, order)[0] == "rejected"
    assert outcome(client, client.submit_order(market()))[0] == "accepted"


def test_outage_until_cleared(broker, client):
    broker.inject(outage=True)
    for _ in range(2):
        assert refusal_status(client.get_account) == 503
    broker.clear_faults()
    assert client.get_account().cash == "100000"


def test_clock_skew(broker, client):
    broker.inject(clock_skew=-90)
    assert client.get_clock().timestamp == at(DAYS[0], "17:58:30")
    assert broker.now() == at(DAYS[0], "18:00")


def test_tampered_account(broker, client):
    broker.tamper("main", cash=7.0, positions={"AAA": 3})
    broker.restart()
    assert client.get_account().cash == "7"
    assert client.get_open_position("AAA").qty == "3"
    broker.tamper("main", positions={"AAA": 0})
    assert client.get_all_positions() == []
    with pytest.raises(BrokerServerError, match="no account 'nobody'; it has main"):
        broker.tamper("nobody", cash=1.0)


def test_control_needs_its_token_and_valid_requests(broker):
    answer = requests.get(f"{broker.url}/_broker/clock", headers={"X-Broker-Token": "wrong"}, timeout=9)
    assert answer.status_code == 401
    with pytest.raises(BrokerServerError, match="a fault has no colour"):
        broker.inject(colour="red")
    with pytest.raises(BrokerServerError, match="before or after"):
        broker.inject(status=500, when="never")
    with pytest.raises(BrokerServerError, match="cannot move the broker's clock back"):
        broker.advance(at(DAYS[0], "09:00"))
    with pytest.raises(BrokerServerError, match="time zone"):
        broker.advance(at(DAYS[1]).replace(tzinfo=None))
    with pytest.raises(BrokerServerError, match="the request lacks 'cash'"):
        broker._call("POST", "accounts", {"name": "x"})


def test_stopped_broker_says_so(broker):
    broker.stop()
    with pytest.raises(BrokerServerError, match="no broker answers"):
        broker.create_account("late", cash=1.0, costs=FREE, max_participation=0.1, lot_size=1.0)


def refusal_status(call) -> int:
    with pytest.raises(APIError) as caught:
        call()
    return caught.value.status_code
