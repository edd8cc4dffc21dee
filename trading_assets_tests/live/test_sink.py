"""The sink at a broker that refuses, answers late or not at all: single cases beside the generated histories."""

from __future__ import annotations

from itertools import count

import pytest

from trading_assets.brokers.alpaca import adapter
from trading_assets.brokers.alpaca.adapter import AlpacaBroker
from trading_assets.brokers.alpaca.connection import Connection
from trading_assets.brokers.embedded.clock import SteppedClock
from trading_assets.brokers.embedded.server import start_broker
from trading_assets.brokers.errors import BrokerError, UnauthorizedError
from trading_assets.live.errors import SubmissionIncompleteError, TradingBlockedError
from trading_assets.live.orders import client_order_id, legs
from trading_assets.live.sink import Intent, Sink
from trading_assets_tests.brokers.embedded.markets import DAYS, FREE, at, steady, write_market
from trading_assets_tests.live._histories import MemoryJournal

POST, LOOK_UP = {"method": "POST", "path": "/v2/orders$"}, {"method": "GET", "path": "/v2/orders:by_client_order_id"}
EVENING = at(DAYS[0], "18:00")


@pytest.fixture(scope="module")
def running(module_lake):
    write_market(module_lake, [*steady("AAA"), *steady("BBB", 50.0)])
    with start_broker(module_lake, "XNYS", clock=SteppedClock(EVENING), name="sink") as started:
        yield started


class Permission:
    """What an account's sink asks: may it send, and is it stopped."""

    def __init__(self):
        self.stopped: list[str] = []

    def require(self, pending):
        """Nothing stands against these."""

    def why_stopped(self):
        return self.stopped[0] if self.stopped else None


class Account:
    """An account at the broker, a sink for it, and what has been posted."""

    numbers = count()

    def __init__(self, running, **positions):
        self.name = f"account-{next(self.numbers)}"
        keys = running.create_account(self.name, cash=1e5, costs=FREE, max_participation=0.1, lot_size=1.0)
        self.running = running
        running.tamper(self.name, positions=positions)
        self.broker = AlpacaBroker(Connection("embedded", running.url, running.url, keys.key_id, keys.secret))
        self.journal = MemoryJournal()
        self.held = positions
        self.permission = Permission()

    def intents(self, **trades):
        return [
            Intent(
                "main", DAYS[0], symbol, intent, 1, client_order_id(self.name, DAYS[0], symbol, intent, 1),
                intent.partition("_")[0], shares, "opg", "embedded", "intended", None, None, EVENING, None,
            )
            for symbol, change in trades.items()
            for intent, shares in legs(self.held.get(symbol, 0.0), float(change))
        ]  # fmt: skip

    def send(self, intents, **options):
        values = {"gateway": self.broker, "pause": lambda _: None, **options}
        asked = {"permit": self.permission, "switch": self.permission}
        return Sink(journal=self.journal, now=lambda: EVENING, **asked, **values).submit(intents)

    def statuses(self):
        return {item.symbol if len(self.held) == 0 else item.intent: item.status for item in self.journal.load()}

    def orders(self):
        return sorted((order.symbol, order.side, order.quantity) for order in self.broker.open_orders())


@pytest.fixture
def make_account(running, monkeypatch):
    monkeypatch.setattr(adapter, "_PAUSE_SECONDS", 0.001)
    yield lambda **positions: Account(running, **positions)
    running.clear_faults()


def test_an_order_whose_answer_was_lost_is_looked_up_and_not_sent_again(make_account, running):
    account = make_account()
    running.inject(**POST, status=504, when="after")
    before = len(running.calls())
    account.send(account.intents(AAA=3))
    posts = [call for call in running.calls()[before:] if call["method"] == "POST" and call["path"] == "/v2/orders"]
    assert len(posts) == 1
    assert account.statuses() == {"AAA": "accepted"}
    assert account.orders() == [("AAA", "buy", 3.0)]


def test_an_order_that_nobody_can_tell_about_is_unknown_until_the_next_run(make_account, running):
    account = make_account()
    running.inject(queue=[{**POST, "status": 504, "when": "after"}, *[{**LOOK_UP, "status": 500}] * 3])
    with pytest.raises(SubmissionIncompleteError, match="has not answered for AAA"):
        account.send(account.intents(AAA=3))
    assert account.statuses() == {"AAA": "unknown"}
    account.send(account.intents(AAA=3))
    assert account.statuses() == {"AAA": "accepted"}
    assert account.orders() == [("AAA", "buy", 3.0)]


def test_an_order_that_is_not_valid_is_rejected_though_its_code_is_that_of_a_duplicate(make_account):
    account = make_account()
    account.send(account.intents(NOPE=1, AAA=2))
    assert account.statuses() == {"NOPE": "rejected", "AAA": "accepted"}
    assert 'asset "NOPE" not found' in next(item.reason for item in account.journal.load() if item.symbol == "NOPE")


def test_a_position_is_not_opened_before_the_opposite_one_is_known_to_be_closed(make_account, running):
    account = make_account(AAA=10)
    intents = account.intents(AAA=-13)
    assert [item.intent for item in intents] == ["sell_to_close", "sell_to_open"]
    running.inject(queue=[{**POST, "status": 504}, *[{**LOOK_UP, "status": 500}] * 3])
    with pytest.raises(SubmissionIncompleteError):
        account.send(intents)
    assert account.orders() == []
    account.send(intents)
    assert account.orders() == [("AAA", "sell", 3.0), ("AAA", "sell", 10.0)]


def test_a_position_is_not_opened_where_closing_the_opposite_one_was_rejected(make_account, running):
    account = make_account(AAA=10)
    refusal = {"code": 40310000, "message": "no"}
    running.inject(**POST, status=403, body=refusal)
    account.send(account.intents(AAA=-13))
    assert account.statuses() == {"sell_to_close": "rejected", "sell_to_open": "blocked"}
    assert account.orders() == []
    account.send(account.intents(AAA=-13))
    assert account.orders() == [("AAA", "sell", 3.0), ("AAA", "sell", 10.0)]


def test_what_closes_a_position_is_sent_before_what_opens_one(make_account, running):
    account = make_account(BBB=10)
    before = len(running.calls())
    intents = account.intents(AAA=1, BBB=-10)
    account.send(intents)
    sent = [call["client_order_id"] for call in running.calls()[before:] if call["client_order_id"]]
    assert sent == [intents[1].client_order_id, intents[0].client_order_id]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 401}, UnauthorizedError),
        ({"status": 422, "body": {"code": 42210000, "message": "no"}}, BrokerError),
    ],
)
def test_a_look_up_that_is_refused_ends_the_run_and_the_next_one_asks_again(make_account, running, fault, error):
    account = make_account()
    running.inject(queue=[{**POST, "status": 504, "when": "after"}, {**LOOK_UP, **fault}])
    with pytest.raises(error, match="2 orders of the session were not sent") as caught:
        account.send(account.intents(AAA=1, BBB=1))
    assert type(caught.value) is error
    account.send(account.intents(AAA=1, BBB=1))
    assert account.orders() == [("AAA", "buy", 1.0), ("BBB", "buy", 1.0)]


def test_another_order_under_the_same_id_stops_everything(make_account):
    account = make_account()
    account.send(account.intents(AAA=3))
    account.journal.save([])
    with pytest.raises(TradingBlockedError, match="to buy 3 AAA, but the plan of 2024-01-02 says buy 4 AAA"):
        account.send(account.intents(AAA=4))
    assert account.orders() == [("AAA", "buy", 3.0)]


def test_a_stopped_sink_asks_for_no_permit_and_marks_what_it_holds_back(make_account):
    account = make_account()
    account.permission.stopped.append("stopped by hand")
    with pytest.raises(TradingBlockedError, match="stopped by hand"):
        account.send(account.intents(AAA=3))
    assert account.statuses() == {"AAA": "blocked"}
    account.permission.stopped.clear()
    account.send(account.intents(AAA=3))
    assert account.statuses() == {"AAA": "accepted"}


class Slow:
    """A gateway whose submissions take given seconds of a timer that only pauses and submissions move."""

    def __init__(self, inner, seconds):
        self._inner, self._seconds = inner, iter(seconds)
        self.time, self.starts, self.pauses = 0.0, [], []

    def order_of(self, client_order_id):
        return self._inner.order_of(client_order_id)

    def submit(self, ticket):
        self.starts.append(self.time)
        self.time += next(self._seconds)
        return self._inner.submit(ticket)

    def pause(self, seconds):
        self.pauses.append(seconds)
        self.time += seconds


def test_submissions_start_an_interval_apart_and_only_what_is_left_of_it_is_waited(make_account):
    account = make_account()
    gateway = Slow(account.broker, [0.25, 1.5, 0.0])
    account.send(
        account.intents(AAA=10, BBB=5, CCC=7)[:2] + account.intents(AAA=-3)[:1],
        gateway=gateway, pause=gateway.pause, timer=lambda: gateway.time, seconds_between=1.0,
    )  # fmt: skip
    assert gateway.starts == [0.0, 1.0, 2.5]
    assert gateway.pauses == [0.75]
