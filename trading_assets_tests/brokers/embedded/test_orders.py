"""Every type of order with every time in force, and the rules of the account.

AAA opens at 100, is at 98 after a third of the session (11:40), at 104 after two thirds (13:50), and closes at 101.
"""

from __future__ import annotations

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import OrderStatus
from alpaca.trading.requests import (
    ClosePositionRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopOrderRequest,
)

from trading_assets_tests.brokers.embedded.markets import DAYS, FULL, at


def market(symbol="AAA", qty=10, side="buy", tif="day", **more):
    return MarketOrderRequest(symbol=symbol, qty=qty, side=side, time_in_force=tif, **more)


def limit(price, symbol="AAA", qty=10, side="buy", tif="day"):
    return LimitOrderRequest(symbol=symbol, qty=qty, side=side, time_in_force=tif, limit_price=price)


def stop(price, symbol="AAA", qty=10, side="sell", tif="day"):
    return StopOrderRequest(symbol=symbol, qty=qty, side=side, time_in_force=tif, stop_price=price)


def refusal(call, *args, **kwargs):
    with pytest.raises(APIError) as caught:
        call(*args, **kwargs)
    return caught.value.status_code, caught.value.code, caught.value.message


def outcome(client, order):
    found = client.get_order_by_id(order.id)
    price = None if found.filled_avg_price is None else float(found.filled_avg_price)
    return found.status.value, float(found.filled_qty), price


@pytest.mark.parametrize("tif", ["day", "gtc", "opg"])
def test_market_order_that_waits_fills_at_the_open(broker, client, tif):
    order = client.submit_order(market(tif=tif))
    assert order.status == OrderStatus.ACCEPTED
    broker.advance(at(DAYS[1], "09:29"))
    assert outcome(client, order)[0] == "accepted"
    broker.advance(at(DAYS[1], "09:30"))
    assert outcome(client, order) == ("filled", 10, 100.0)
    assert client.get_order_by_id(order.id).filled_at == at(DAYS[1], "09:30")


@pytest.mark.parametrize("tif", ["day", "gtc", "ioc", "fok"])
def test_market_order_during_the_session_fills_at_once_on_the_path(broker, client, tif):
    broker.advance(at(DAYS[1], "10:35"))  # half of the way from 100 to 98
    order = client.submit_order(market(tif=tif))
    assert order.status == OrderStatus.PENDING_NEW
    status, quantity, price = outcome(client, order)
    assert (status, quantity) == ("filled", 10)
    assert price == pytest.approx(99.0)


def test_market_order_for_the_close_fills_at_the_close(broker, client):
    order = client.submit_order(market(tif="cls"))
    broker.advance(at(DAYS[1], "15:59"))
    assert outcome(client, order)[0] == "new"
    broker.advance(at(DAYS[1], "16:00"))
    assert outcome(client, order) == ("filled", 10, 101.0)


@pytest.mark.parametrize(
    ("tif", "last"), [("day", "expired"), ("gtc", "new"), ("opg", "canceled"), ("cls", "canceled")]
)
def test_limit_that_is_not_reached_ends_as_its_time_in_force_says(broker, client, tif, last):
    order = client.submit_order(limit(97.0, tif=tif))
    broker.advance(at(DAYS[1], "16:00"))
    assert outcome(client, order) == (last, 0, None)


@pytest.mark.parametrize(("side", "price", "time"), [("buy", 99.0, "10:35"), ("sell", 101.0, "12:45")])
def test_limit_fills_when_the_path_reaches_it(broker, client, side, price, time):
    order = client.submit_order(limit(price, side=side))
    broker.advance(at(DAYS[1], time.replace("5", "4", 1) if side == "sell" else "10:34"))
    assert outcome(client, order)[0] == "new"
    broker.advance(at(DAYS[1], "15:00"))
    assert outcome(client, order) == ("filled", 10, price)
    assert client.get_order_by_id(order.id).filled_at == at(DAYS[1], time)


def test_limit_better_than_the_market_fills_at_the_price_of_the_market(broker, client):
    order = client.submit_order(limit(105.0))
    broker.advance(at(DAYS[1], "09:30"))
    assert outcome(client, order) == ("filled", 10, 100.0)


@pytest.mark.parametrize("tif", ["ioc", "fok"])
def test_limit_that_cannot_fill_at_once_is_canceled(broker, client, tif):
    broker.advance(at(DAYS[1], "10:00"))
    order = client.submit_order(limit(90.0, tif=tif))
    assert outcome(client, order) == ("canceled", 0, None)


def test_limit_orders_for_open_and_close(broker, client):
    at_open, at_close = client.submit_order(limit(100.0, tif="opg")), client.submit_order(limit(101.0, tif="cls"))
    broker.advance(at(DAYS[1], "16:00"))
    assert outcome(client, at_open) == ("filled", 10, 100.0)
    assert outcome(client, at_close) == ("filled", 10, 101.0)


def test_stop_sells_when_the_path_falls_to_it(broker, client):
    client.submit_order(market())
    broker.advance(at(DAYS[1], "09:30"))
    order = client.submit_order(stop(99.0))
    broker.advance(at(DAYS[1], "10:34"))
    assert outcome(client, order)[0] == "new"
    broker.advance(at(DAYS[1], "10:36"))
    status, quantity, price = outcome(client, order)
    assert (status, quantity) == ("filled", 10)
    assert price == pytest.approx(99.0)


def test_stop_buys_when_the_path_rises_to_it(broker, client):
    order = client.submit_order(stop(103.0, side="buy", tif="gtc"))
    broker.advance(at(DAYS[1], "13:50"))
    assert outcome(client, order)[2] == pytest.approx(103.0)


def test_stop_limit_waits_for_its_limit_after_the_stop(broker, client):
    request = StopLimitOrderRequest(
        symbol="AAA", qty=10, side="buy", time_in_force="gtc", stop_price=103.0, limit_price=102.0
    )
    order = client.submit_order(request)
    broker.advance(at(DAYS[1], "14:00"))
    assert outcome(client, order)[0] == "new"
    broker.advance(at(DAYS[1], "16:00"))  # 104 at 13:50, 102 on the way to 101
    assert outcome(client, order) == ("filled", 10, 102.0)


def test_jump_over_many_sessions_equals_small_steps(broker, client, make_client):
    second = make_client("second")
    for one in (client, second):
        one.submit_order(limit(98.5, qty=5, tif="gtc"))
        one.submit_order(market(qty=3))
    broker.advance(at(DAYS[12], "12:00"))
    assert float(client.get_account().cash) == pytest.approx(100_000 - 5 * 98.5 - 3 * 100 + 8 * 1.5)
    assert client.get_account().cash == second.get_account().cash


def test_order_larger_than_the_participation_fills_partly(broker, client):
    opening = client.submit_order(market("CCC", 250, tif="opg"))
    waiting = client.submit_order(market("AAA", 10, tif="gtc"))
    broker.advance(at(DAYS[1], "09:31"))
    assert outcome(client, opening) == ("canceled", 100, 20.0)
    assert outcome(client, waiting)[0] == "filled"


def test_rest_of_a_good_till_cancelled_order_fills_on_the_next_days(broker, client):
    order = client.submit_order(market("CCC", 250, tif="gtc"))
    broker.advance(at(DAYS[1], "16:00"))
    assert outcome(client, order) == ("partially_filled", 100, 20.0)
    broker.advance(at(DAYS[3], "09:30"))
    assert outcome(client, order) == ("filled", 250, 20.0)


def test_volume_is_shared_by_all_orders_of_a_session(broker, client):
    broker.advance(at(DAYS[1], "10:00"))
    client.submit_order(market("CCC", 80))
    second = client.submit_order(market("CCC", 80))
    third = client.submit_order(market("CCC", 80, tif="fok"))
    assert outcome(client, second)[:2] == ("partially_filled", 20)
    assert outcome(client, third)[:2] == ("canceled", 0)
    broker.restart()
    fourth = client.submit_order(market("CCC", 80, tif="ioc"))
    assert outcome(client, fourth)[:2] == ("canceled", 0)
    broker.advance(at(DAYS[1], "16:00"))
    assert outcome(client, second)[0] == "expired"


def test_cash_bounds_what_is_bought(broker, client):
    order = client.submit_order(market("AAA", 1_500, tif="opg"))
    broker.advance(at(DAYS[1], "09:30"))
    assert outcome(client, order) == ("canceled", 1_000, 100.0)
    assert float(client.get_account().cash) == pytest.approx(0.0)


def test_notional_order_buys_a_fraction(broker, make_client):
    client = make_client(lot_size=0.0)
    order = client.submit_order(MarketOrderRequest(symbol="AAA", notional=1_234.5, side="buy", time_in_force="day"))
    broker.advance(at(DAYS[1], "09:30"))
    assert outcome(client, order) == ("filled", pytest.approx(12.345), 100.0)


def test_commission_and_slippage_are_those_of_the_cost_model(broker, make_client):
    client = make_client(costs=FULL)
    order = client.submit_order(market("AAA", 100, tif="opg"))
    broker.advance(at(DAYS[1], "09:30"))
    price = 100 * (1 + 4e-4 + 0.05 * (100 / 1_000_000) ** 0.5)
    fee = 100 * (0.005 + price * 1.5e-4)
    assert outcome(client, order)[2] == pytest.approx(price, rel=1e-12)
    booked = client.get("/account/activities", {"activity_types": "FEE"})
    assert float(booked[0]["net_amount"]) == pytest.approx(-fee)
    assert str(order.id) in booked[0]["description"]
    assert float(client.get_account().cash) == pytest.approx(100_000 - 100 * price - fee)


def test_split_scales_position_and_orders(broker, client):
    client.submit_order(market("DDD", 11, tif="opg"))
    broker.advance(at(DAYS[4], "17:00"))
    order = client.submit_order(limit(100.0, "DDD", 11, "sell", "gtc"))
    broker.advance(at(DAYS[5], "10:00"))
    assert float(client.get_open_position("DDD").qty) == 22
    scaled = client.get_order_by_id(order.id)
    assert (scaled.qty, scaled.limit_price) == ("22", "50")
    split = client.get("/account/activities/SPLIT")
    assert [(a["symbol"], a["qty"]) for a in split] == [("DDD", "11")]


def test_dividend_is_paid_on_the_ex_date(broker, client):
    client.submit_order(market("AAA", 10, tif="opg"))
    broker.advance(at(DAYS[7], "09:30"))
    assert float(client.get_account().cash) == pytest.approx(100_000 - 1_000 + 15)
    assert client.get("/account/activities/DIV")[0]["per_share_amount"] == "1.5"


def test_delisted_position_is_closed_at_the_last_close(broker, client):
    client.submit_order(market("GONE", 10, tif="opg"))
    broker.advance(at(DAYS[9], "15:59"))
    assert client.get_open_position("GONE").qty == "10"
    assert refusal(client.submit_order, market("GONE"))[:2] == (422, 42210000)
    broker.advance(at(DAYS[9], "16:00"))
    assert client.get_all_positions() == []
    assert client.get("/account/activities/MA")[0]["net_amount"] == "101"


def test_one_order_may_not_turn_a_position(broker, client):
    client.submit_order(market(qty=10))
    broker.advance(at(DAYS[1], "17:00"))
    assert refusal(client.submit_order, market(qty=15, side="sell")) == (
        403,
        40310000,
        "insufficient qty available for order (requested: 15, available: 10)",
    )
    client.submit_order(market(qty=10, side="sell", tif="opg"))
    client.submit_order(market(qty=5, side="sell", tif="opg"))
    broker.advance(at(DAYS[2], "09:30"))
    assert client.get_open_position("AAA").qty == "-5"


def test_rules_of_shorting_and_fractions(broker, client, make_client):
    cash_account, fractional = make_client("cash", multiplier=1.0), make_client("fractional", lot_size=0.0)
    assert refusal(cash_account.submit_order, market(side="sell"))[2] == "account is not allowed to short"
    assert refusal(fractional.submit_order, market(qty=1.5, side="sell"))[0] == 403
    assert refusal(client.submit_order, market(qty=1.5))[0] == 403
    assert refusal(fractional.submit_order, market(qty=1.5, tif="gtc"))[2] == "fractional orders must be DAY orders"
    order = client.submit_order(market(side="sell", qty=7))
    broker.advance(at(DAYS[1], "09:30"))
    position = client.get_open_position("AAA")
    assert (position.qty, position.side.value) == ("-7", "short")
    assert outcome(client, order)[0] == "filled"


def test_buying_power_is_refused_beyond_the_multiplier(broker, client):
    client.submit_order(market(qty=1_900))
    status, code, message = refusal(client.submit_order, market("BBB", qty=1_000))
    assert (status, code, message) == (403, 40310000, "insufficient buying power")
    assert client.get_account().buying_power == "200000"


def test_opposite_orders_are_a_wash_trade(client):
    client.submit_order(limit(99.0))
    client.submit_order(limit(105.0, side="sell"))
    assert refusal(client.submit_order, market(side="sell"))[2].startswith("potential wash trade")


def test_orders_outside_of_their_time_are_refused(broker, client):
    assert refusal(client.submit_order, market(tif="ioc"))[:2] == (422, 42210000)
    broker.advance(at(DAYS[1], "10:00"))
    assert refusal(client.submit_order, market(tif="opg"))[:2] == (422, 42210000)


def test_halted_symbol_does_not_trade(broker, client):
    order = client.submit_order(market())
    broker.halt("AAA")
    assert refusal(client.submit_order, market())[2] == "asset AAA is not tradable"
    broker.restart()
    broker.advance(at(DAYS[1], "16:00"))
    assert outcome(client, order)[0] == "expired"
    broker.resume("AAA")
    assert client.submit_order(market()).status == OrderStatus.ACCEPTED


def test_replace_and_cancel(broker, client):
    order = client.submit_order(limit(90.0))
    new = client.replace_order_by_id(order.id, ReplaceOrderRequest(qty=20, limit_price=99.0, client_order_id="second"))
    assert (str(new.replaces), new.qty) == (str(order.id), "20")
    old = client.get_order_by_id(order.id)
    assert (old.status.value, old.replaced_by) == ("replaced", new.id)
    client.cancel_order_by_id(new.id)
    assert refusal(client.cancel_order_by_id, new.id) == (422, 42210000, 'order is already in "canceled" state')
    assert refusal(client.replace_order_by_id, order.id, ReplaceOrderRequest(qty=5))[0] == 422
    broker.advance(at(DAYS[1], "16:00"))
    assert client.get_all_positions() == []


def test_refused_replacement_leaves_the_order(broker, client):
    order = client.submit_order(limit(90.0))
    assert refusal(client.replace_order_by_id, order.id, ReplaceOrderRequest(qty=1_000_000))[0] == 403
    assert outcome(client, order)[0] == "accepted"
    broker.restart()
    assert outcome(client, order)[0] == "accepted"


def test_positions_are_closed(broker, client):
    client.submit_order(market(qty=10))
    client.submit_order(market("BBB", qty=10, side="sell"))
    broker.advance(at(DAYS[1], "10:00"))
    part = client.close_position("AAA", ClosePositionRequest(percentage="50"))
    assert part.qty == "5"
    assert client.get_open_position("AAA").qty == "5"
    assert refusal(client.close_position, "CCC") == (404, 40410000, "position does not exist")
    closed = client.close_all_positions(cancel_orders=True)
    assert [(reply.symbol, reply.status) for reply in closed] == [("AAA", 200), ("BBB", 200)]
    assert client.get_all_positions() == []


def test_parts_of_positions_are_closed_by_quantity(broker, client, make_client):
    client.submit_order(market(qty=11))
    broker.advance(at(DAYS[1], "10:00"))
    assert client.close_position("AAA", ClosePositionRequest(qty="4")).qty == "4"
    assert client.close_position("AAA", ClosePositionRequest(percentage="50")).qty == "3"
    assert refusal(client.close_position, "AAA", ClosePositionRequest(qty="9"))[:2] == (422, 42210000)
    assert refusal(client.delete, "/positions/AAA", {"qty": "none"})[:2] == (422, 40010001)
    client.submit_order(market("BBB", qty=5))
    client.submit_order(limit(1.0, "BBB", qty=5))
    refused = client.close_all_positions(cancel_orders=False)
    assert [(reply.symbol, reply.status) for reply in refused] == [("AAA", 200), ("BBB", 403)]


def test_replacement_changes_the_time_in_force(broker, client):
    order = client.submit_order(limit(90.0))
    new = client.replace_order_by_id(order.id, ReplaceOrderRequest(time_in_force="gtc"))
    assert (new.time_in_force.value, new.limit_price) == ("gtc", "90")
    assert refusal(client.patch, f"/orders/{new.id}", {"time_in_force": "ever"})[0] == 422
    assert refusal(client.patch, f"/orders/{new.id}", {"qty": "-1"})[0] == 422
    broker.inject(partial_fill=0.5)
    market_order = client.submit_order(market("BBB", qty=10, tif="gtc"))
    broker.advance(at(DAYS[1], "09:30"))
    assert (
        refusal(client.replace_order_by_id, market_order.id, ReplaceOrderRequest(qty=5))[2]
        == "qty must be > filled qty"
    )
    rest = client.replace_order_by_id(market_order.id, ReplaceOrderRequest(qty=8))
    assert rest.qty == "3"
    assert outcome(client, rest)[:2] == ("filled", 3)


def test_suspended_account_and_split_of_a_buy(broker, client):
    client.patch("/account/configurations", {"suspend_trade": True})
    assert refusal(client.submit_order, market())[0] == 403
    client.patch("/account/configurations", {"suspend_trade": False})
    request = LimitOrderRequest(symbol="DDD", qty=3, side="buy", time_in_force="gtc", limit_price=10.0)
    order = client.submit_order(request)
    broker.advance(at(DAYS[5], "09:30"))
    assert (client.get_order_by_id(order.id).qty, client.get_order_by_id(order.id).limit_price) == ("6", "5")
