"""Sessions that are materialised again, in whatever order and company, send nothing and change nothing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import dagster as dg
import pytest

from trading_assets.desk.calendar import session_close
from trading_assets.lake.bridge.partition_keys import range_tags
from trading_assets.lake.store.hashing import content_hash
from trading_assets.live.contract import CONTRACTS
from trading_assets.live.stage import CLOSE_JOB, TRADE_JOB, live_tags
from trading_assets.live.submissions import send_session
from trading_assets_tests.live._live_bench import DAYS, EXCHANGE, Trader, traders

pytestmark = pytest.mark.slow

SESSIONS = DAYS[:5]
NAMES = [f"SIM000{number}" for number in range(1, 7)]


@pytest.fixture(scope="module")
def trader(bench, tmp_path_factory) -> Iterator[Trader]:
    """A book that has traded five sessions, with other weights after each; the orders of the last one are open."""
    with traders(bench, tmp_path_factory.mktemp("books")) as make:
        made = make()
        for number, day in enumerate(SESSIONS):
            shifted = NAMES[number:] + NAMES[:number]
            made.step(day, {name: 0.04 * rank for rank, name in enumerate(shifted)})
        yield made


def state(trader: Trader) -> tuple:
    """What the lake says, and what the broker was sent and has."""
    hashes = {
        contract.table: content_hash(
            trader.rows(contract.table.partition(".")[2]), key=contract.key, exclude=contract.provenance
        )
        for contract in CONTRACTS
    }
    orders = sorted((order.client_order_id, order.status.value, order.qty) for order in trader.orders())
    return hashes, trader.posted(), orders


def over(trader: Trader, first, last) -> dict[str, str]:
    """Tags of a run over a range of sessions."""
    return range_tags(*(str(dg.MultiPartitionKey({"book": trader.name, "date": str(day)})) for day in (first, last)))


def test_the_sessions_have_something_to_lose(trader):
    assert trader.rows("fills").height > 10
    assert trader.rows("parity")["is_within"].to_list() == [True] * 4
    assert trader.rows("submissions", SESSIONS[-1]).height > 3
    assert len(trader.posted()) == len(set(trader.posted())) == trader.rows("submissions").height


def test_every_session_three_times_in_any_order_sends_and_changes_nothing(trader):
    before = state(trader)
    again = [(job, day) for job in (CLOSE_JOB, TRADE_JOB) for day in SESSIONS] * 3
    random.Random(1).shuffle(again)
    for job, day in again:
        trader.run(job, live_tags(trader.name, day))
        assert trader.posted() == before[1], f"{job} of {day}"
    assert state(trader) == before


@pytest.mark.parametrize("job", [CLOSE_JOB, TRADE_JOB])
@pytest.mark.parametrize(("first", "last"), [(0, 4), (1, 3), (3, 4)])
def test_a_range_of_sessions_at_once_sends_and_changes_nothing(trader, job, first, last):
    before = state(trader)
    trader.run(job, over(trader, SESSIONS[first], SESSIONS[last]))
    assert state(trader) == before


def test_sessions_closed_late_and_at_once_are_those_closed_one_by_one(make_trader, trader):
    late = make_trader()
    for number, day in enumerate(SESSIONS):
        shifted = NAMES[number:] + NAMES[:number]
        late.want(day, {name: 0.04 * rank for rank, name in enumerate(shifted)})
    late.close(SESSIONS[0])
    late.trade(SESSIONS[0])
    late.now_is(session_close(EXCHANGE, SESSIONS[4]))
    late.run(CLOSE_JOB, over(late, SESSIONS[1], SESSIONS[4]), only=["live.fills", "live.activities", "live.positions",
                                                                   "live.pnl"])  # fmt: skip
    one = trader.rows("pnl", SESSIONS[1]).drop("book", "broker_cash")
    assert late.rows("pnl", SESSIONS[1]).drop("book", "broker_cash").equals(one)
    assert late.rows("pnl")["date"].to_list() == SESSIONS
    assert late.rows("pnl")["broker_cash"].is_null().to_list() == [False, True, True, True, False]


def test_submitted_by_several_at_the_same_time_every_intent_is_one_order(make_trader):
    trader = make_trader()
    day = SESSIONS[0]
    trader.want(day, dict.fromkeys(NAMES, 0.1))
    trader.run(TRADE_JOB, live_tags(trader.name, day), only=["live.orders"])
    orders = trader.rows("orders", day)

    def send(number: int) -> list[str]:
        sent = send_session(trader.desk, trader.book, day, orders, run_id=f"run {number}", retry_rejected=False)
        return sorted(sent.rows.filter(status="accepted")["client_order_id"])

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(4)))

    wanted = sorted(orders["client_order_id"])
    assert len(wanted) == len(NAMES)
    assert answers == [wanted] * 4
    assert sorted(trader.posted()) == wanted
    assert Counter(order.client_order_id for order in trader.orders()) == Counter(wanted)
