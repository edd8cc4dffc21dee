"""A process that sends a session's orders is killed at every step, and run again to its end."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from itertools import count

import pytest

from trading_assets.brokers.alpaca.adapter import AlpacaBroker
from trading_assets.brokers.alpaca.connection import Connection
from trading_assets.brokers.embedded.clock import SteppedClock
from trading_assets.brokers.embedded.server import start_broker
from trading_assets.lake import LakeFrame, Scope
from trading_assets.lake.store.writes import replace as write
from trading_assets.live import switch
from trading_assets.live.contract import ORDERS, SUBMISSIONS
from trading_assets.live.orders import plan
from trading_assets.portfolio.books import load_books
from trading_assets_tests.brokers.embedded.markets import DAYS, FREE, at, steady, write_market
from trading_assets_tests.live._submitter import Submitter

pytestmark = pytest.mark.slow

SESSION = DAYS[0]
WEIGHTS = {"AAA": 0.3, "BBB": 0.3}
# Every boundary between two steps of a run that sends two orders, as it is when nothing goes wrong.
BOUNDARIES = [
    "alone",
    "before load", "after load",
    "before why_stopped", "after why_stopped",
    "before clock", "after clock",
    "before account", "after account",
    "before positions", "after positions",
    "before open_orders", "after open_orders",
    "before latest_prices", "after latest_prices",
    "before untradable", "after untradable",
    "before save", "after save",  # the intents
    "before submit", "after submit",
    "before submit", "after submit",
    "before save", "after save",  # the answers
    "before record", "after record",
]  # fmt: skip


@pytest.fixture(scope="module")
def submitter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Submitter]:
    program = Submitter(tmp_path_factory.mktemp("submitter"))
    yield program
    program.close()


@pytest.fixture(scope="module")
def make_session(module_lake):
    """Factory of sessions to send: each of a book of its own, at one broker."""
    numbers = count()
    write_market(module_lake, [*steady("AAA"), *steady("BBB", 50.0)])
    with start_broker(module_lake, "XNYS", clock=SteppedClock(at(SESSION, "18:00")), name="kills") as broker:

        def make():
            book = load_books()["main"].with_values(name=f"book_{next(numbers)}")
            keys = broker.create_account(book.name, cash=1e5, costs=FREE, max_participation=0.1, lot_size=1.0)
            orders = plan(book, SESSION, WEIGHTS, {}, {"AAA": 101.0, "BBB": 50.5}, 1e5)
            write(module_lake, ORDERS, orders, Scope({"book": (book.name,)}))
            return {
                "book": book, "session": SESSION, "lake": module_lake, "orders": orders, "now": broker.now(),
                "connection": Connection("embedded", broker.url, broker.url, keys.key_id, keys.secret),
            }  # fmt: skip

        yield make


def require_sent_once(session):
    """Every order is at the broker once, and journal and audit say so."""
    wanted = set(session["orders"]["client_order_id"])
    orders = AlpacaBroker(session["connection"])._trading.get("/orders", {"status": "all", "limit": 500})
    assert Counter(order["client_order_id"] for order in orders) == dict.fromkeys(wanted, 1)
    rows = LakeFrame(session["lake"], SUBMISSIONS).read(book=session["book"].name)
    assert {row["client_order_id"]: (row["status"], row["broker_order_id"]) for row in rows.iter_rows(named=True)} == {
        order["client_order_id"]: ("accepted", order["id"]) for order in orders
    }
    assert rows.height == len(orders) == len(WEIGHTS)
    assert switch.decisions_of(session["lake"], switch.SEND, book=session["book"].name).height


def test_the_boundaries_are_those_of_a_run(submitter, make_session):
    session = make_session()
    steps, status = submitter.live(session)
    assert status == 0
    assert [step for step in steps if step not in _REPEATED] == [step for step in BOUNDARIES if step not in _REPEATED]
    require_sent_once(session)


# The kill switch is asked before each order, unless it was asked less than half a second before.
_REPEATED = ("before why_stopped", "after why_stopped")


@pytest.mark.parametrize("number", range(len(BOUNDARIES)))
def test_a_run_killed_at_any_step_is_completed_by_the_next_one(submitter, make_session, number):
    session = make_session()
    steps, status = submitter.live(session, killed_at=number)
    assert status == -signal.SIGKILL
    assert len(steps) == number + 1
    steps, status = submitter.live(session)
    assert status == 0
    require_sent_once(session)


def test_a_run_that_is_killed_at_each_of_its_steps_one_after_another_ends_at_last(submitter, make_session):
    session = make_session()
    for number in count():
        _, status = submitter.live(session, killed_at=number)
        if status == 0:
            break
    assert number > len(BOUNDARIES) / 2
    require_sent_once(session)
