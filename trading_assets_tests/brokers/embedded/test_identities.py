"""The same trading has the same identities in every store, and none is given twice."""

from __future__ import annotations

import re
from uuid import UUID

from alpaca.trading.requests import GetOrdersRequest, ReplaceOrderRequest

from trading_assets.brokers.embedded.clock import SteppedClock
from trading_assets.brokers.embedded.server import start_broker
from trading_assets_tests.brokers.embedded.conftest import open_account
from trading_assets_tests.brokers.embedded.markets import DAYS, FULL, at, trading
from trading_assets_tests.brokers.embedded.test_orders import limit, market, refusal, stop

ACTIVITY = re.compile(r"\d{17}::[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def traded(lake, name, *, restarts):
    """Two accounts that trade for some days at a broker of their own: what their clients see of it."""
    with start_broker(lake, "XNYS", clock=SteppedClock(at(DAYS[0], "18:00")), name=name) as broker:
        clients = [trading(broker, open_account(broker, book, costs=FULL)) for book in ("main", "other")]
        for day in DAYS[1:8]:
            for client in clients:
                client.submit_order(market("DDD"))
                client.submit_order(limit(98.5, qty=7, tif="gtc"))
                kept = client.submit_order(stop(50.5, "BBB", side="buy"))
                client.replace_order_by_id(kept.id, ReplaceOrderRequest(qty=12))
                refusal(client.submit_order, market("ZZZ"))
                if restarts:
                    broker.restart()
            broker.advance(at(day, "15:00"))
            clients[0].close_position("DDD")
        wanted = GetOrdersRequest(status="all", limit=500)
        return [
            (client.get_account().id, client.get_account().account_number, client.get_orders(wanted),
             pages(client))
            for client in clients
        ]  # fmt: skip


def pages(client):
    found, token = [], ""
    while page := client.get("/account/activities", {"direction": "asc", "page_size": 100, "page_token": token}):
        found, token = found + page, page[-1]["id"]
    return found


def test_two_stores_give_the_same_identities_whether_restarted_or_not(market):
    first, second = traded(market, "first ids", restarts=False), traded(market, "second ids", restarts=True)
    assert first == second
    orders = [order.id for account in first for order in account[2]]
    client_ids = [order.client_order_id for account in first for order in account[2]]
    entries = [entry["id"] for account in first for entry in account[3]]
    assert len(orders) == len(client_ids) > 50
    for identities in (orders, client_ids, entries, [account[0] for account in first]):
        assert len(set(identities)) == len(identities)
    assert all(UUID(str(identity)) for identity in orders + client_ids)
    assert all(ACTIVITY.fullmatch(identity) for identity in entries)
    for _, _, _, entries_of_account in first:
        moments = [entry["id"] for entry in entries_of_account]
        assert moments == sorted(moments)


def test_an_account_that_a_store_has_keeps_its_identity(market):
    with start_broker(market, "XNYS", clock=SteppedClock(at(DAYS[0], "18:00")), name="kept") as broker:
        broker_id = trading(broker, open_account(broker)).get_account().id
        assert trading(broker, open_account(broker)).get_account().id == broker_id
