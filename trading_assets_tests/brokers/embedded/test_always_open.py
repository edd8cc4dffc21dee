"""An exchange that never closes: each day opens when the one before closes, and loses nothing of what an open does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from trading_assets.brokers.embedded.clock import SteppedClock
from trading_assets.brokers.embedded.server import start_broker
from trading_assets.lake import Lake
from trading_assets_tests.brokers.embedded.conftest import open_account
from trading_assets_tests.brokers.embedded.markets import steady, trading, write_market
from trading_assets_tests.brokers.embedded.test_orders import limit, market, outcome

DAYS = [date(2024, 3, 1) + timedelta(days=number) for number in range(8)]  # from a Friday to a Friday


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def crypto(module_lake: Lake) -> Lake:
    """AAA at 100 every day; DDD splits 2 for 1 on Sunday and pays 0.5 on Monday."""
    bars = [*steady("AAA", days=DAYS), *steady("DDD", 80.0, days=DAYS[:2]), *steady("DDD", 40.0, days=DAYS[2:])]
    write_market(module_lake, bars, [("DDD", DAYS[2], "split", 2.0), ("DDD", DAYS[3], "dividend", 0.5)])
    return module_lake


@pytest.mark.parametrize("restarts", [False, True])
def test_days_without_a_pause_expire_orders_and_apply_corporate_actions(crypto, restarts):
    with start_broker(crypto, "24/7", clock=SteppedClock(noon(DAYS[0])), name=f"always {restarts}") as broker:
        client = trading(broker, open_account(broker))
        client.submit_order(market("DDD"))
        kept, ended = client.submit_order(limit(78.0, "DDD", tif="gtc")), client.submit_order(limit(50.0))
        for moment in (noon(DAYS[1]), datetime(2024, 3, 3, tzinfo=UTC), noon(DAYS[2]), noon(DAYS[3])):
            broker.advance(moment)
            if restarts:
                broker.restart()
        assert outcome(client, ended)[0] == "expired"
        scaled = client.get_order_by_id(kept.id)
        assert (scaled.qty, scaled.limit_price, scaled.status.value) == ("20", "39", "new")
        assert client.get_open_position("DDD").qty == "20"
        booked = client.get("/account/activities", {"activity_types": "SPLIT,DIV", "direction": "asc"})
        assert [(entry["activity_type"], entry["date"]) for entry in booked] == [
            ("SPLIT", str(DAYS[2])),
            ("DIV", str(DAYS[3])),
        ]
        assert booked[1]["net_amount"] == "10"


def test_an_order_for_the_next_day_fills_at_its_open(crypto):
    with start_broker(crypto, "24/7", clock=SteppedClock(noon(DAYS[0])), name="next day") as broker:
        client = trading(broker, open_account(broker))
        order = client.submit_order(limit(100.5, tif="gtc", side="sell", qty=5))
        assert client.get_clock().is_open
        broker.advance(noon(DAYS[1]))
        assert outcome(client, order)[:2] == ("filled", 5)
