"""One broker per module over a market that moves the same way every day."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from alpaca.trading.client import TradingClient

from trading_assets.brokers.embedded.clock import SteppedClock
from trading_assets.brokers.embedded.server import AccountKeys, RunningBroker, start_broker
from trading_assets.lake import Lake
from trading_assets_tests.brokers.embedded.markets import DAYS, FREE, at, steady, trading, write_market

_numbers = itertools.count()


@pytest.fixture(scope="module")
def market(module_lake: Lake) -> Lake:
    """AAA opens at 100, BBB at 50, DDD splits 2 for 1 on the sixth day, GONE is delisted on the tenth, NEW is new."""
    day = DAYS
    bars = [
        *steady("AAA"),
        *steady("BBB", 50.0),
        *steady("CCC", 20.0, volume=1_000),
        *steady("DDD", 80.0, days=day[:5]),
        *steady("DDD", 40.0, days=day[5:]),
        *steady("GONE", 10.0, days=day[:9]),
        *steady("NEW", 30.0, days=day[20:]),
    ]
    actions = [("DDD", day[5], "split", 2.0), ("AAA", day[7], "dividend", 1.5)]
    write_market(module_lake, bars, actions, {"GONE": day[9]})
    return module_lake


@pytest.fixture
def broker(market: Lake) -> Iterator[RunningBroker]:
    """A broker of its own for each test, the evening before the second day."""
    clock = SteppedClock(at(DAYS[0], "18:00"))
    with start_broker(market, "XNYS", clock=clock, name=f"test-{next(_numbers)}") as started:
        yield started


@pytest.fixture
def keys(broker: RunningBroker) -> AccountKeys:
    """Keys of an account with 100,000 that trades whole shares at no cost."""
    return open_account(broker)


@pytest.fixture
def client(broker: RunningBroker, keys: AccountKeys) -> TradingClient:
    """Alpaca's own client of that account."""
    return trading(broker, keys)


@pytest.fixture
def make_client(broker: RunningBroker) -> Callable[..., TradingClient]:
    """Alpaca's own client of a new account with other rules."""
    return lambda name="other", **rules: trading(broker, open_account(broker, name, **rules))


def open_account(broker: RunningBroker, name: str = "main", **rules) -> AccountKeys:
    wanted = {"cash": 100_000.0, "costs": FREE, "max_participation": 0.1, "lot_size": 1.0, **rules}
    return broker.create_account(name, **wanted)
