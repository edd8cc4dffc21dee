"""Numbers of a request that Alpaca refuses: fractions of a cent, small amounts, and too many decimals."""

from __future__ import annotations

import pytest
from alpaca.trading.requests import (
    ClosePositionRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
)

from trading_assets.brokers.embedded.increments import amount_of, nearest_price, price_of, quantity_of
from trading_assets.brokers.embedded.refusals import ApiError
from trading_assets_tests.brokers.embedded.markets import DAYS, at
from trading_assets_tests.brokers.embedded.test_orders import limit, market, outcome, refusal, stop

SUB_PENNY = "sub-penny increment does not fulfill minimum pricing criteria"


def sub_penny(name, price):
    return 422, 42210000, f"invalid {name} {price}. {SUB_PENNY}"


@pytest.mark.parametrize("price", [30.12345, 30.125, 1.001, 0.99999])
def test_prices_between_two_increments_are_refused(client, price):
    assert refusal(client.submit_order, limit(price)) == sub_penny("limit_price", price)
    assert refusal(client.submit_order, stop(price)) == sub_penny("stop_price", price)
    both = {"symbol": "AAA", "qty": 1, "side": "buy", "time_in_force": "gtc"}
    request = StopLimitOrderRequest(**both, stop_price=31.0, limit_price=price)
    assert refusal(client.submit_order, request) == sub_penny("limit_price", price)
    request = StopLimitOrderRequest(**both, stop_price=price, limit_price=31.0)
    assert refusal(client.submit_order, request) == sub_penny("stop_price", price)
    assert client.get_orders() == []


@pytest.mark.parametrize("price", [30.12, 30.1, 30, 1.01, 0.9999, 0.0001])
def test_prices_on_an_increment_are_taken(client, price):
    assert float(client.submit_order(limit(price)).limit_price) == price


def test_zeros_behind_the_increment_are_no_decimals_and_no_digit_is_lost(client):
    body = {"symbol": "AAA", "qty": "1", "side": "buy", "type": "limit", "time_in_force": "day"}
    assert client.post("/orders", {**body, "limit_price": "30.12000"})["limit_price"] == "30.12"
    price = "30.12000000000000000001"  # the double nearest to it is that of 30.12
    assert refusal(client.post, "/orders", {**body, "limit_price": price}) == sub_penny("limit_price", price)


@pytest.mark.parametrize(
    ("notional", "message"),
    [
        (0.5, "notional amount must be >= 1.00"),
        (0.999, "notional amount must be >= 1.00"),
        (100.123, "notional amount must be limited to 2 decimal places"),
    ],
)
def test_small_and_uneven_amounts_are_refused(make_client, notional, message):
    client = make_client(lot_size=0.0)
    request = MarketOrderRequest(symbol="AAA", notional=notional, side="buy", time_in_force="day")
    assert refusal(client.submit_order, request) == (422, 42210000, message)


def test_an_amount_buys_as_many_billionths_of_a_share_as_it_pays_for(broker, make_client):
    client = make_client(lot_size=0.0)
    order = client.submit_order(MarketOrderRequest(symbol="CCC", notional=100.07, side="buy", time_in_force="day"))
    broker.advance(at(DAYS[1], "09:30"))
    assert outcome(client, order) == ("filled", 5.0035, 20.0)
    broker.advance(at(DAYS[1], "10:35"))  # half of the way from 20 to 19.6
    order = client.submit_order(MarketOrderRequest(symbol="CCC", notional=1, side="buy", time_in_force="day"))
    assert client.get_order_by_id(order.id).filled_qty == "0.050505050"[:-1]
    assert client.get_open_position("CCC").qty == "5.05400505"


@pytest.mark.parametrize("qty", [1e-10, 1.0000000001, 0.1 + 0.2])
def test_quantities_of_more_than_nine_decimals_are_refused(make_client, qty):
    client = make_client(lot_size=0.0)
    wanted = (422, 42210000, "qty must be limited to 9 decimal places")
    assert refusal(client.submit_order, market(qty=qty)) == wanted
    body = {"symbol": "AAA", "qty": qty, "side": "buy", "type": "market", "time_in_force": "day"}
    assert refusal(client.post, "/orders", body) == wanted


def test_the_smallest_fraction_of_a_share_is_bought_and_sold_again(broker, make_client):
    client = make_client(lot_size=0.0)
    client.submit_order(market(qty=1e-9))
    client.submit_order(market("BBB", qty=0.123456789))
    broker.advance(at(DAYS[1], "10:00"))
    assert [held.qty for held in client.get_all_positions()] == ["0.000000001", "0.123456789"]
    part = client.close_position("BBB", ClosePositionRequest(percentage="50"))
    assert part.qty == "0.061728394"
    assert refusal(client.close_position, "BBB", ClosePositionRequest(qty="0.0000000001"))[:2] == (422, 42210000)
    client.close_all_positions()
    assert client.get_all_positions() == []


def test_an_account_of_lots_below_a_share_trades_fractions(broker, make_client):
    client = make_client(lot_size=0.1)
    order = client.submit_order(market(qty=0.3))
    broker.advance(at(DAYS[1], "09:30"))
    assert outcome(client, order) == ("filled", 0.3, 100.0)


def test_a_replacement_is_held_to_the_same_increments(broker, client, make_client):
    order = client.submit_order(limit(90.0))
    refused = refusal(client.replace_order_by_id, order.id, ReplaceOrderRequest(limit_price=90.005))
    assert refused == sub_penny("limit_price", 90.005)
    waiting = client.submit_order(stop(110.0, side="buy"))
    refused = refusal(client.replace_order_by_id, waiting.id, ReplaceOrderRequest(stop_price=110.001))
    assert refused == sub_penny("stop_price", 110.001)
    assert refusal(client.patch, f"/orders/{order.id}", {"qty": "10.0000000001"})[:2] == (422, 42210000)
    assert {o.status.value for o in client.get_orders()} == {"accepted"}
    fractional = make_client(lot_size=0.0)
    order = fractional.submit_order(LimitOrderRequest(symbol="AAA", qty=0.3, side="buy", time_in_force="day",
                                                      limit_price=90.0))  # fmt: skip
    new = fractional.replace_order_by_id(order.id, ReplaceOrderRequest(limit_price=90.01))
    assert (new.qty, new.limit_price) == ("0.3", "90.01")


def test_a_split_leaves_prices_on_increments_away_from_the_market(broker, client):
    buy = client.submit_order(
        LimitOrderRequest(symbol="DDD", qty=3, side="buy", time_in_force="gtc", limit_price=10.01)
    )
    sell = client.submit_order(
        LimitOrderRequest(symbol="DDD", qty=3, side="sell", time_in_force="gtc", limit_price=200.01)
    )
    broker.advance(at(DAYS[5], "09:30"))
    assert client.get_order_by_id(buy.id).limit_price == "5"
    assert client.get_order_by_id(sell.id).limit_price == "100.01"


@pytest.mark.parametrize(
    ("price", "lower", "higher"),
    [(5.005, 5.0, 5.01), (0.50005, 0.5, 0.5001), (0.99999, 0.9999, 1.0), (7.0, 7.0, 7.0), (1e-7, 1e-4, 1e-4)],
)
def test_the_increments_around_a_price(price, lower, higher):
    assert (nearest_price(price, is_lower=True), nearest_price(price, is_lower=False)) == (lower, higher)


@pytest.mark.parametrize("read", [quantity_of, amount_of, price_of])
@pytest.mark.parametrize("value", ["many", "nan", "inf", "-1", "0", True, [1]])
def test_what_is_no_number_above_zero_is_refused(read, value):
    with pytest.raises(ApiError) as caught:
        read("it", value)
    assert (caught.value.status, caught.value.body["code"]) == (422, 40010001)
