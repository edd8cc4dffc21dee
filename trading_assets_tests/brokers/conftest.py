"""A broker over a small market for the tests of its adapter."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from trading_assets.brokers.alpaca import adapter
from trading_assets.brokers.alpaca.connection import Connection
from trading_assets.brokers.embedded.clock import SteppedClock
from trading_assets.brokers.embedded.server import RunningBroker, start_broker
from trading_assets.lake import Lake
from trading_assets_tests.brokers.embedded.markets import DAYS, FREE, at, steady, write_market

_numbers = itertools.count()


@pytest.fixture(scope="module")
def small_broker(module_lake: Lake) -> Iterator[RunningBroker]:
    """A broker in the middle of a session: AAA opened at 100 and BBB at 50."""
    write_market(module_lake, [*steady("AAA"), *steady("BBB", 50.0)])
    with start_broker(module_lake, "XNYS", clock=SteppedClock(at(DAYS[1], "12:00")), name="adapter") as started:
        yield started


@pytest.fixture
def make_connection(small_broker: RunningBroker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Connection]]:
    """Factory of connections, each to a new account; the adapter pauses shortly and nothing is wrong at first."""
    monkeypatch.setattr(adapter, "_PAUSE_SECONDS", 0.001)

    def make() -> Connection:
        keys = small_broker.create_account(
            f"account-{next(_numbers)}", cash=1e5, costs=FREE, max_participation=0.1, lot_size=1.0
        )
        return Connection("embedded", small_broker.url, small_broker.url, keys.key_id, keys.secret)

    yield make
    small_broker.clear_faults()


@pytest.fixture
def connection(make_connection: Callable[[], Connection]) -> Connection:
    """A connection to an account of this test alone."""
    return make_connection()
