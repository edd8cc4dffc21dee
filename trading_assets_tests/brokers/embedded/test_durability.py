"""What is stored survives: restarts, kills, clocks, several brokers on one Postgres."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta

import pytest

from trading_assets.brokers.embedded.clock import AcceleratedClock, ClockError, RealClock, SteppedClock
from trading_assets.brokers.embedded.server import BrokerServerError, RunningBroker, start_broker
from trading_assets.brokers.embedded.store import Store
from trading_assets.desk.clock import now
from trading_assets.lake import Lake
from trading_assets.lake.errors import LakeError
from trading_assets_tests.brokers.embedded.conftest import open_account
from trading_assets_tests.brokers.embedded.markets import DAYS, FULL, at, steady, trading, write_market
from trading_assets_tests.brokers.embedded.test_orders import limit, outcome
from trading_assets_tests.brokers.embedded.test_orders import market as market_order
from trading_assets_tests.execution.examples import PER_TRADE

SERVER = """
import json, sys
from trading_assets.lake import Lake
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.brokers.embedded.clock import SteppedClock
from trading_assets.brokers.embedded.server import start_broker
from datetime import datetime
host, port, database, path, start, name = sys.argv[1:]
lake = Lake(PostgresUrl(host, int(port), "postgres", database), path, threads=1)
broker = start_broker(lake, "XNYS", clock=SteppedClock(datetime.fromisoformat(start)), name=name)
print(json.dumps([broker.url, broker.control_token]), flush=True)
broker.wait()
"""


def state_of(client):
    """All that a client can see of an account."""
    account = client.get_account()
    return (
        account.cash,
        account.equity,
        [(p.symbol, p.qty, p.avg_entry_price) for p in client.get_all_positions()],
        client.get("/orders", {"status": "all", "limit": 500}),
        client.get("/account/activities"),
    )


def test_restart_changes_nothing(broker, make_client):
    client = make_client(costs=FULL)
    client.submit_order(market_order(qty=10))
    client.submit_order(limit(98.5, qty=7, tif="gtc"))
    client.submit_order(limit(50.5, "BBB", tif="gtc"))
    broker.advance(at(DAYS[1], "09:45"))
    before = state_of(client)
    broker.restart()
    assert state_of(client) == before
    broker.advance(at(DAYS[1], "11:40"))
    assert client.get_open_position("AAA").qty == "17"


def test_stopped_broker_comes_back_where_it_was(market):
    start = SteppedClock(at(DAYS[0], "18:00"))
    with start_broker(market, "XNYS", clock=start, name="comes back") as first:
        client = trading(first, open_account(first))
        client.submit_order(limit(98.5, qty=7, tif="gtc"))
        first.advance(at(DAYS[2], "12:00"))
        before = state_of(client)
        begun = time.monotonic()
    assert time.monotonic() - begun < 1
    with start_broker(market, "XNYS", clock=SteppedClock(at(DAYS[0], "18:00")), name="comes back") as second:
        assert second.now() == at(DAYS[2], "12:00")
        assert state_of(trading(second, open_account(second))) == before


def test_a_broker_that_comes_back_trades_with_the_models_of_its_accounts(market):
    with start_broker(market, "XNYS", clock=SteppedClock(at(DAYS[0], "18:00")), name="models") as first:
        keys = open_account(first, costs=PER_TRADE)
    with start_broker(market, "XNYS", clock=SteppedClock(at(DAYS[0], "18:00")), name="models") as second:
        assert commissions(second, trading(second, keys)) == [7.0, 7.0]


def test_five_stored_numbers_are_a_commission_per_share_and_square_root_slippage(market):
    with start_broker(market, "XNYS", clock=SteppedClock(at(DAYS[0], "18:00")), name="numbers") as first:
        keys = open_account(first, costs=PER_TRADE)
    store_costs(market, "numbers", [0.5, 0.0, 1.0, 4.0, 0.05])
    with start_broker(market, "XNYS", clock=SteppedClock(at(DAYS[0], "18:00")), name="numbers") as second:
        assert commissions(second, trading(second, keys)) == [5.0, 1.0]


def test_a_stored_model_that_is_gone_is_refused_with_account_and_remedy(market):
    with start_broker(market, "XNYS", clock=SteppedClock(at(DAYS[0], "18:00")), name="gone") as first:
        open_account(first, "trend", costs=PER_TRADE)
    for gone in ({"commission": {"kind": "gone"}}, {"commission": {"kind": "per_trade", "fee": 1.0}}):
        store_costs(market, "gone", PER_TRADE.model_dump(mode="json") | gone)
        with pytest.raises(LakeError, match=r"account 'trend'.*put their files back"):
            start_broker(market, "XNYS", clock=SteppedClock(at(DAYS[0], "18:00")), name="gone")
    store_costs(market, "gone", PER_TRADE.model_dump(mode="json"))
    start_broker(market, "XNYS", clock=SteppedClock(at(DAYS[0], "18:00")), name="gone").stop()


def commissions(broker: RunningBroker, client) -> list[float]:
    """What ten shares and one share cost, bought at the same open."""
    for symbol, shares in (("AAA", 10), ("BBB", 1)):
        client.submit_order(market_order(symbol, shares, tif="opg"))
    broker.advance(at(DAYS[1], "09:30"))
    booked = client.get("/account/activities", {"activity_types": "FEE"})
    return [-float(entry["net_amount"]) for entry in sorted(booked, key=lambda entry: entry["symbol"])]


def store_costs(lake: Lake, store: str, costs: object) -> None:
    """Write the models of the accounts of a store as JSON."""
    with closing(lake.postgres.connect()) as connection, connection.cursor() as cursor:
        change = "UPDATE broker.accounts SET body = jsonb_set(body, '{costs}', %s::jsonb) WHERE store = %s"
        cursor.execute(change, (json.dumps(costs), store))
        assert cursor.rowcount == 1


def test_killed_broker_has_every_order_that_it_accepted(market):
    def serve() -> tuple[subprocess.Popen, RunningBroker]:
        url = market.postgres
        arguments = [
            url.host,
            str(url.port),
            url.database,
            market.data_path,
            at(DAYS[0], "18:00").isoformat(),
            "killed",
        ]
        process = subprocess.Popen([sys.executable, "-c", SERVER, *arguments], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        return process, RunningBroker(*json.loads(process.stdout.readline()))

    process, broker = serve()
    keys = open_account(broker)
    client = trading(broker, keys)
    sent = [client.submit_order(limit(98.5, qty=n, tif="gtc")).id for n in range(1, 9)]
    broker.advance(at(DAYS[1], "12:00"))
    before = state_of(client)
    broker.inject(path="/v2/orders", method="POST", when="after", delay=30)
    with pytest.raises(Exception, match="time"):
        client._session.request(
            "POST", f"{broker.url}/v2/orders", timeout=0.3, headers=dict(client._get_auth_headers()),
            json={"symbol": "BBB", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day",
                  "client_order_id": "last"},
        )  # fmt: skip
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process, broker = serve()
    try:
        client = trading(broker, keys)
        assert broker.now() == at(DAYS[1], "12:00")
        last = client.get_order_by_client_id("last")
        assert last.status.value == "filled"
        after = state_of(client)
        assert after[3][1:] == before[3]
        assert after[4][1:] == before[4]
        assert {order["id"] for order in after[3]} == {str(identity) for identity in [*sent, last.id]}
    finally:
        process.kill()
        process.wait()


def test_failed_write_leaves_the_state_of_before(broker, client, monkeypatch):
    client.submit_order(market_order(qty=1))
    before = state_of(client)

    def fail(*_):
        raise RuntimeError("disk full")

    monkeypatch.setattr(Store, "write", fail)
    reply = client._session.post(
        f"{broker.url}/v2/orders", headers=dict(client._get_auth_headers()), timeout=9,
        json={"symbol": "BBB", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"},
    )  # fmt: skip
    assert reply.status_code == 500
    monkeypatch.undo()
    assert state_of(client) == before


def test_brokers_of_different_names_do_not_see_each_other(broker, client, market):
    client.submit_order(limit(98.5))
    with start_broker(market, "XNYS", clock=SteppedClock(at(DAYS[3])), name="another") as other:
        assert trading(other, open_account(other)).get_orders() == []
        assert other.now() == at(DAYS[3])
    assert len(client.get_orders()) == 1


def test_one_store_has_one_server_and_one_port(market):
    with start_broker(market, "XNYS", clock=SteppedClock(at(DAYS[0])), name="single") as first:
        with pytest.raises(LakeError, match="another process is serving the broker 'single'"):
            start_broker(market, "XNYS", clock=SteppedClock(at(DAYS[0])), name="single")
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(BrokerServerError, match="choose another port"):
            start_broker(market, "XNYS", clock=SteppedClock(at(DAYS[0])), name="second", port=port)


def test_accelerated_clock_trades_by_itself_and_never_goes_back(market):
    clock = AcceleratedClock(at(DAYS[1], "09:29"), 3000.0)
    with start_broker(market, "XNYS", clock=clock, name="fast") as broker:
        client = trading(broker, open_account(broker))
        order = client.submit_order(limit(99.0, tif="day"))
        with pytest.raises(BrokerServerError, match="by itself"):
            broker.advance(at(DAYS[2]))
        end = time.monotonic() + 30
        while outcome(client, order)[0] != "filled":
            assert time.monotonic() < end
            time.sleep(0.05)
        assert client.get_order_by_id(order.id).filled_at == at(DAYS[1], "10:35")
        stopped = broker.now()
    with start_broker(market, "XNYS", clock=AcceleratedClock(at(DAYS[1], "09:29"), 1.0), name="fast") as broker:
        assert broker.now() > at(DAYS[1], "10:35")
        assert broker.now() <= stopped + timedelta(minutes=5)


def test_clocks():
    with pytest.raises(ClockError, match="factor"):
        AcceleratedClock(at(DAYS[0]), 0.0)
    real = RealClock()
    real.resume(at(DAYS[0]))
    assert real.now() > at(DAYS[-1])
    with pytest.raises(ClockError, match="real"):
        real.move(at(DAYS[0]))


def test_a_clock_that_must_start_where_it_is_told_refuses_a_time_that_has_passed(market):
    with start_broker(market, "XNYS", clock=SteppedClock(at(DAYS[0], "18:00")), name="exact") as broker:
        client = trading(broker, open_account(broker))
        order = client.submit_order(limit(98.5, qty=7, tif="gtc"))
        broker.advance(at(DAYS[2], "12:00"))
    told = r"at 2024-01-03T.* UTC: the broker's accounts have traded until 2024-01-04T17:00:00 UTC.*leave --start out"
    for clock in (
        SteppedClock(at(DAYS[1], "18:00"), is_exact=True),
        AcceleratedClock(at(DAYS[1], "18:00"), 60.0, is_exact=True),
    ):
        with pytest.raises(ClockError, match=told):
            start_broker(market, "XNYS", clock=clock, name="exact")
    with start_broker(market, "XNYS", clock=SteppedClock(None, is_exact=True), name="exact") as broker:
        assert broker.now() == at(DAYS[2], "12:00")
        client = trading(broker, open_account(broker))
        assert client.get_order_by_id(order.id).status.value == "filled"
    for first in (at(DAYS[2], "12:00"), at(DAYS[3], "08:00")):
        with start_broker(market, "XNYS", clock=SteppedClock(first, is_exact=True), name="exact") as broker:
            assert broker.now() == first


@pytest.mark.parametrize("clock", [SteppedClock(None), AcceleratedClock(None, 60.0)])
def test_a_clock_without_a_start_has_nothing_to_go_on_from_in_a_new_store(market, clock):
    with pytest.raises(ClockError, match=r"has never run on this lake.*--start 2013"):
        start_broker(market, "XNYS", clock=clock, name="never run")


def test_the_real_clock_refuses_accounts_that_have_traded_past_the_present():
    with pytest.raises(ClockError, match="use a stepped or an accelerated clock"):
        RealClock().resume(now() + timedelta(days=1))


def test_bars_written_later_are_noticed(lake: Lake):
    write_market(lake, steady("AAA", days=DAYS[:2]))
    with start_broker(lake, "XNYS", clock=SteppedClock(at(DAYS[0], "18:00"))) as broker:
        client = trading(broker, open_account(broker))
        broker.advance(at(DAYS[2], "08:00"))
        order = client.submit_order(market_order())
        write_market(lake, steady("AAA", price=110.0, days=DAYS[:3]))
        broker.advance(at(DAYS[2], "09:30"))
        assert outcome(client, order) == ("filled", 10, pytest.approx(110.0))


def test_real_clock_tells_the_time_of_day(market):
    with start_broker(market, "XNYS", clock=RealClock(), name="real") as broker:
        client = trading(broker, open_account(broker))
        assert abs(client.get_clock().timestamp - now()) < timedelta(seconds=5)
        with pytest.raises(BrokerServerError, match="real one"):
            broker.advance(now())
        assert client.get_account().cash == "100000"
