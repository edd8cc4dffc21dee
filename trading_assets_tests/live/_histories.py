"""Histories of sessions at a broker that fails and a desk that dies, and what must hold at their ends."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from types import TracebackType
from typing import Any, Self

from hypothesis import strategies as st

from trading_assets.brokers.alpaca.adapter import AlpacaBroker
from trading_assets.brokers.alpaca.connection import Connection
from trading_assets.brokers.embedded.clock import SteppedClock
from trading_assets.brokers.embedded.server import RunningBroker, start_broker
from trading_assets.brokers.errors import BrokerError
from trading_assets.brokers.records import Activity, ActivityKind
from trading_assets.desk.calendar import next_session
from trading_assets.lake import Lake
from trading_assets.live.account import BookState
from trading_assets.live.errors import LiveError, TradingBlockedError
from trading_assets.live.fills import entries_of
from trading_assets.live.orders import client_order_id, legs
from trading_assets.live.sink import Intent, Sink, next_attempt
from trading_assets_tests.brokers.embedded.in_process import InProcessBroker
from trading_assets_tests.brokers.embedded.markets import DAYS, FULL, at
from trading_assets_tests.live._crashes import Killed, Stepping, Steps

SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
CASH = 1_000_000.0
LATE, PATIENCE = 0.08, 0.04  # seconds: a late answer, and how long a desk that meets faults waits for one
_CLEAN_RUNS = 2
_SESSIONS_PER_STORE = 40
_stores = itertools.count()

# What a call may meet. "" is a call without a fault; "before" and "after" are meant of its effect.
_BOTH = ("504", "500", "502", "page", "drop", "late")
_FAULTS: dict[str, dict[str, Any]] = {
    "": {},
    "504": {"status": 504},
    "500": {"status": 500, "body": {"code": 50010000, "message": "internal server error occurred"}},
    "502": {"status": 502, "body": "bad gateway"},
    "page": {"non_json": True},
    "drop": {"drop": True},
    "late": {"delay": LATE},
    "busy": {"status": 429, "body": {"code": 42910000, "message": "rate limit exceeded"}},
    "duplicate": {"status": 422, "body": {"code": 40010001, "message": "client_order_id must be unique"}},
    "unseen": {"status": 404, "body": {"code": 40410000, "message": "order not found"}},
}
_POST = ["", "busy", "duplicate before", "duplicate after", *(f"{name} {when}" for name in _BOTH
                                                             for when in ("before", "after"))]  # fmt: skip
_GET = ["", "busy", "unseen", *(f"{name} before" for name in _BOTH)]
_EVENTS = ("killed", "killed", "killed", "restart", "outage", "works", "stopped")


@dataclass(frozen=True)
class Life:
    """One run of the desk: what its calls meet in their order, and what happens at which of its steps."""

    posts: tuple[str, ...]
    gets: tuple[str, ...]
    events: tuple[tuple[int, str], ...]
    is_permitted: bool


@dataclass(frozen=True)
class Day:
    """One session: changes of positions in shares, runs that fail, and what happens to its fills."""

    trades: tuple[tuple[str, int], ...]
    lives: tuple[Life, ...]
    time_in_force: str
    rejects: int
    partial: float | None
    restarts: tuple[bool, bool]
    collecting: tuple[str, ...]


_lives = st.builds(
    Life,
    posts=st.lists(st.sampled_from(_POST), max_size=6).map(tuple),
    gets=st.lists(st.sampled_from(_GET), max_size=4).map(tuple),
    events=st.lists(st.tuples(st.integers(0, 24), st.sampled_from(_EVENTS)), max_size=2).map(tuple),
    is_permitted=st.sampled_from([True, True, True, True, False]),
)
_trades = st.lists(
    st.tuples(st.sampled_from(SYMBOLS), st.integers(1, 300).flatmap(lambda n: st.sampled_from([n, -n]))),
    min_size=2, max_size=4, unique_by=lambda trade: trade[0],
).map(tuple)  # fmt: skip
_days = st.builds(
    Day,
    trades=_trades,
    lives=st.lists(_lives, min_size=1, max_size=3).map(tuple),
    time_in_force=st.sampled_from(["opg", "day"]),
    rejects=st.sampled_from([0, 0, 0, 1]),
    partial=st.sampled_from([None, None, 0.3, 0.8]),
    restarts=st.tuples(st.booleans(), st.booleans()),
    collecting=st.lists(st.sampled_from([*_GET, "504 after", "drop after"]), max_size=3).map(tuple),
)
histories = st.one_of(st.tuples(_days), st.tuples(_days), st.tuples(_days, _days))


class MemoryJournal:
    """A journal as durable as this process: it outlives the lives of a history."""

    def __init__(self) -> None:
        self._rows: list[Intent] = []

    def load(self) -> list[Intent]:
        return list(self._rows)

    def save(self, intents: Sequence[Intent], *, is_complete: bool = False) -> None:
        self._rows = list(intents)
        if is_complete:
            assert not {item.status for item in intents} & {"intended", "unknown"}


@dataclass
class Gate:
    """What stands between the desk and the broker in one life: the permit, and a switch that somebody may throw."""

    steps: Steps
    is_permitted: bool = True
    stopped: str | None = None

    def require(self, pending: Sequence[Intent]) -> None:
        self.steps.reach("permit")
        if not self.is_permitted:
            raise TradingBlockedError("not now")

    def why_stopped(self) -> str | None:
        return self.stopped


class Exchange:
    """A broker that runs; when its days are used up, it is replaced by a new one without accounts.

    Parameters
    ----------
    lake : Lake
        Its prices.
    is_served : bool
        Whether it is reached over HTTP, in real time, or runs in this process, in virtual time.
    """

    def __init__(self, lake: Lake, *, is_served: bool) -> None:
        self._lake, self._is_served = lake, is_served
        self._numbers = itertools.count()
        self._in_process: InProcessBroker | None = None
        self._running: RunningBroker | None = None
        self._left = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._running:
            self._running.stop()

    def running(self, sessions: int) -> RunningBroker:
        """The broker, with so many days before it."""
        if self._running is None or self._left < sessions:
            if self._running:
                self._running.stop()
            self._running = self._start(SteppedClock(at(DAYS[0], "18:00")), f"histories-{next(_stores)}")
            self._left = _SESSIONS_PER_STORE
        self._left -= sessions
        return self._running

    def _start(self, clock: SteppedClock, name: str) -> RunningBroker:
        if self._is_served:
            return start_broker(self._lake, "XNYS", clock=clock, name=name)
        self._in_process = InProcessBroker(self._lake, "XNYS", clock, name)
        return self._in_process.running

    def open_account(self, broker: RunningBroker) -> tuple[AlpacaBroker, AlpacaBroker]:
        """A new account, for a client that is patient and for one that is not."""
        keys = broker.create_account(
            f"account-{next(self._numbers)}", cash=CASH, costs=FULL, max_participation=0.05, lot_size=1.0
        )
        connection = Connection("embedded", broker.url, broker.url, keys.key_id, keys.secret)
        if self._in_process is None:
            return AlpacaBroker(connection), AlpacaBroker(connection, read_seconds=PATIENCE)
        calm, hasty = (
            AlpacaBroker(connection, transport=self._in_process.transport(seconds)) for seconds in (10.0, PATIENCE)
        )
        return calm, hasty


@dataclass
class Faults:
    """What is wrong at a broker; nothing is asked of it that changes nothing."""

    broker: RunningBroker
    is_clear: bool = False

    def inject(self, queue: Sequence[dict[str, Any]] = (), **lasting: Any) -> None:
        if queue or lasting:
            self.broker.inject(queue=list(queue), **lasting)
            self.is_clear = False

    def clear(self) -> None:
        if not self.is_clear:
            self.broker.clear_faults()
            self.is_clear = True


@dataclass
class Run:
    """One history as it happens."""

    broker: RunningBroker
    faults: Faults
    sink: type[Sink]
    seen: Counter[str]
    calm: AlpacaBroker
    hasty: AlpacaBroker
    moment: datetime
    own: BookState = field(default_factory=lambda: BookState(CASH))
    collected: dict[str, Activity] = field(default_factory=dict)
    sent: int = 0

    def day(self, day: Day) -> None:
        """Live through one session, from the close before to the evening after, and compare the accounts."""
        intents = self._intents(day)
        journal = MemoryJournal()
        for life in day.lives:
            self._live(life, day, intents, journal)
        self._finish(intents, journal)
        orders = self._orders()
        again = self._next_attempts(orders, journal)
        if again:
            self._live(day.lives[0], replace(day, rejects=0), intents + again, journal)
            self._finish(intents + again, journal)
            orders = self._orders()
        self._require_one_order_each(intents + again, orders, journal)
        self._trade(day)
        self._require_equal_accounts()

    def _intents(self, day: Day) -> list[Intent]:
        found, moment = [], self.moment
        for symbol, change in day.trades:
            for intent, shares in legs(self.own.quantity.get(symbol, 0.0), float(change)):
                identity = client_order_id("main", moment.date(), symbol, intent, 1)
                found.append(
                    Intent(
                        "main", moment.date(), symbol, intent, 1, identity, intent.partition("_")[0], shares,
                        day.time_in_force, "embedded", "intended", None, None, moment, None,
                    )
                )  # fmt: skip
        return found

    def _live(self, life: Life, day: Day, intents: list[Intent], journal: MemoryJournal) -> None:
        """One run of the desk among faults; it ends as it may."""
        self.faults.clear()
        queue = [*self._queue(life.posts, "POST", "/v2/orders$"),
                 *self._queue(life.gets, "GET", "/v2/orders:by_client_order_id")]  # fmt: skip
        # Of a position that is turned around, the second order depends on the first one, which must not be rejected.
        rejects = day.rejects and not any(item.intent.endswith("_to_close") for item in intents)
        self.faults.inject(queue=queue, **({"reject": day.rejects, "drop_event": 1} if rejects else {}))
        gate = Gate(Steps(), is_permitted=life.is_permitted)
        for number, name in life.events:
            gate.steps.events[number] = lambda name=name: self._happen(name, gate)
        try:
            self._sink(self.hasty, journal, gate).submit(intents)
            self.seen["run to its end"] += 1
        except (LiveError, BrokerError, Killed) as error:
            self.seen[type(error).__name__] += 1

    def _happen(self, name: str, gate: Gate) -> None:
        self.seen[name] += 1
        if name == "killed":
            raise Killed
        if name == "restart":
            self.broker.restart()
        elif name == "stopped":
            gate.stopped = "stopped by hand"
        elif name == "outage":
            self.faults.inject(outage=True)
        else:
            self.faults.inject(outage=False)

    def _queue(self, faults: Sequence[str], method: str, path: str) -> list[dict[str, Any]]:
        queue = []
        for fault in faults:
            name, _, when = fault.partition(" ")
            self.seen[f"{method} {fault}".strip()] += 1
            queue.append({"method": method, "path": path, **_FAULTS[name], **({"when": when} if when else {})})
        return queue

    def _sink(self, gateway: Any, journal: Any, gate: Gate) -> Sink:
        return self.sink(
            gateway=Stepping(gateway, gate.steps, ("submit", "order_of")),
            journal=Stepping(journal, gate.steps, ("load", "save")),
            permit=gate,
            switch=gate,
            now=lambda: self.moment,
            pause=lambda _: None,
        )

    def _finish(self, intents: list[Intent], journal: MemoryJournal) -> None:
        """Run again without faults, as an operator does, until nothing is open."""
        self.faults.clear()
        for _ in range(_CLEAN_RUNS):
            with suppress(LiveError, BrokerError):
                self._sink(self.calm, journal, Gate(Steps())).submit(intents)
                return

    def _next_attempts(self, orders: list[dict[str, Any]], journal: MemoryJournal) -> list[Intent]:
        """Intents to send again what the broker accepted and then rejected."""
        rejected = {order["client_order_id"] for order in orders if order["status"] == "rejected"}
        found = [next_attempt(item, self.moment) for item in journal.load() if item.client_order_id in rejected]
        self.seen["next attempts"] += len(found)
        return found

    def _orders(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.calm._trading.get("/orders", {"status": "all", "limit": 500})
        return found

    def _require_one_order_each(
        self, intents: list[Intent], orders: list[dict[str, Any]], journal: MemoryJournal
    ) -> None:
        wanted = {item.client_order_id: (item.symbol, item.side, item.quantity) for item in intents}
        new = orders[: len(orders) - self.sent]
        self.sent = len(orders)
        assert len(new) == len(intents), f"{len(new)} orders at the broker for {len(intents)} intents"
        assert {o["client_order_id"]: (o["symbol"], o["side"], float(o["qty"])) for o in new} == wanted
        rows = journal.load()
        assert {item.client_order_id for item in rows} == set(wanted)
        assert {item.status for item in rows} == {"accepted"}
        assert {item.client_order_id: item.broker_order_id for item in rows} == {
            order["client_order_id"]: order["id"] for order in new
        }

    def _trade(self, day: Day) -> None:
        """Let the session happen, and collect what the broker books, more than once and among faults."""
        decided = self.moment.date()
        session = next_session("XNYS", decided)
        if day.partial:
            self.faults.inject(partial_fill=day.partial)
        self._restart(day.restarts[0])
        if day.collecting:
            self.broker.advance(at(session, "09:30"))
            self._collect(day.collecting, decided, session)
        self._restart(day.restarts[1])
        self.moment = self.broker.advance(at(session, "18:00"))
        self.faults.clear()
        self._collect((), decided, session)

    def _restart(self, is_wanted: bool) -> None:
        if is_wanted:
            self.seen["restart"] += 1
            self.broker.restart()

    def _collect(self, faults: Sequence[str], after: date, until: date) -> None:
        self.faults.inject(queue=self._queue(faults, "GET", "/v2/account/activities"))
        try:
            fills, others = entries_of(self.hasty if faults else self.calm, "XNYS", after, until)
        except BrokerError:
            self.seen["not collected"] += 1
            return
        new = [entry for entry in [*fills, *others] if entry.id not in self.collected]
        self.collected |= {entry.id: entry for entry in new}
        self.seen["fills"] += sum(entry.kind is ActivityKind.FILL for entry in new)
        self.own.apply(sorted(new, key=lambda entry: entry.id), {}, 1.0)

    def _require_equal_accounts(self) -> None:
        held = self.calm.positions()
        assert self.own.quantity == {symbol: position.quantity for symbol, position in held.items()}
        for symbol, position in held.items():
            assert abs(self.own.average[symbol] / position.average_price - 1) <= 1e-4
        assert abs(self.own.cash - self.calm.account().cash) <= 0.01
        orders = self._orders()
        assert {order["status"] for order in orders} <= {"filled", "canceled", "expired", "rejected"}
        filled = sum(entry.quantity for entry in self.collected.values() if entry.kind is ActivityKind.FILL)
        assert filled == sum(float(order["filled_qty"]) for order in orders)


def live_through(exchange: Exchange, history: Sequence[Day], seen: Counter[str], sink: type[Sink] = Sink) -> None:
    """Live through a history; an AssertionError says what did not hold."""
    broker = exchange.running(len(history))
    faults = Faults(broker)
    faults.clear()
    calm, hasty = exchange.open_account(broker)
    run = Run(broker, faults, sink, seen, calm, hasty, broker.now())
    for day in history:
        run.day(day)
    seen["histories"] += 1
