"""Live trading at the embedded broker: orders a second through the sink, signal to order, replayed sessions."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import polars as pl

from benchmarks.measure import Comparison, Timing, scratch_settings
from trading_assets.brokers.accounts import broker_of
from trading_assets.brokers.embedded.clock import SteppedClock
from trading_assets.brokers.embedded.server import RunningBroker, start_broker
from trading_assets.brokers.records import Ticket
from trading_assets.definitions import build_defs
from trading_assets.desk.calendar import session_close, sessions
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import month_key
from trading_assets.desk.settings import Settings
from trading_assets.desk.symbols import register_symbols, registered_symbols
from trading_assets.lake import Scope
from trading_assets.lake.store.writes import replace
from trading_assets.live.orders import plan
from trading_assets.live.stage import CLOSE_JOB, TRADE_JOB, live_tags
from trading_assets.live.submissions import send_session
from trading_assets.market_data.contract import SYMBOLS
from trading_assets.orchestration.instance import open_instance
from trading_assets.orchestration.jobs import plan_stage
from trading_assets.orchestration.refresh import run_job
from trading_assets.orchestration.replay import replay, replay_desk
from trading_assets.portfolio.books import Book, load_books
from trading_assets.portfolio.contract import TARGET_WEIGHTS

_START, _END = date(2015, 1, 2), date(2015, 12, 31)
_FIRST = date(2015, 6, 1)
_N_ORDERS, _N_SESSIONS, _N_NAMES = 200, 10, 20


@dataclass
class _Market:
    """A lake with a simulated market, and the book that trades in it."""

    settings: Settings
    desk: Desk
    book: Book
    symbols: list[str]
    days: list[date]

    def want(self, day: date, weights: dict[str, float]) -> None:
        """Write target weights of a session, which is a rebalance."""
        rows = [
            {"book": self.book.name, "date": day, "symbol": name, "weight": weight, "is_rebalance": True}
            for name, weight in weights.items()
        ]
        key = month_key(day, "book", self.book.name)
        scope = Scope({"book": (self.book.name,)}, TARGET_WEIGHTS.time, day, day + timedelta(days=1), (key,))
        frame = pl.DataFrame(rows, schema=TARGET_WEIGHTS.schema)
        replace(self.desk.lake, TARGET_WEIGHTS, frame, scope, through={key: day})

    def weights(self, number: int) -> dict[str, float]:
        """Every second name, the others in the next session."""
        chosen = self.symbols[number % 2 :: 2]
        return dict.fromkeys(chosen, 0.9 / len(chosen))


@contextmanager
def _market(folder: Path, n_symbols: int) -> Iterator[_Market]:
    with scratch_settings(folder) as scratch:
        source = {"kind": "simulated", "n_symbols": n_symbols, "seed": 3, "start": str(_START), "end": str(_END),
                  "listing_rate": 0.0, "delisting_rate": 0.0}  # fmt: skip
        settings = scratch.with_values(source=source, start=_START.replace(day=1), end=_END + timedelta(days=1))
        desk, instance = Desk(settings), open_instance(settings)
        defs, books = build_defs(desk=desk), load_books()
        run_job(defs.resolve_job_def("refresh_symbols"), instance, {})
        symbols = register_symbols(instance, desk.lake.query(f"SELECT symbol FROM lake.{SYMBOLS.table}")["symbol"])
        planned = plan_stage("refresh_panel", desk, registered_symbols(instance), _START, _END)
        assert planned is not None
        run_job(defs.resolve_job_def("refresh_panel"), instance, planned.tags)
        yield _Market(settings, desk, books["main"], symbols, sessions(settings.exchange, _FIRST, _END))


@contextmanager
def _broker(market: _Market) -> Iterator[RunningBroker]:
    clock = SteppedClock(session_close(market.settings.exchange, market.days[0]))
    with start_broker(market.desk.lake, market.settings.exchange, clock=clock) as broker:
        yield broker


def sink(folder: Path) -> Timing:
    """Send the orders of a session through the sink: intents in the lake, checks, orders, answers in the lake."""
    with _market(folder, _N_ORDERS) as market, _broker(market) as broker:
        desk, day = replay_desk(market.settings, broker, [market.book]), market.days[0]
        rows = market.desk.lake.query("SELECT symbol, close FROM lake.market_data.bars_daily WHERE date = ?", [day])
        prices = dict(rows.iter_rows())
        weights = dict.fromkeys(prices, 0.9 / len(prices))
        orders = plan(market.book, day, weights, {}, prices, market.book.capital)
        started = time.perf_counter()
        sent = send_session(desk, market.book, day, orders, run_id="benchmark", retry_rejected=False)
        return _rate(time.perf_counter() - started, sent.rows.filter(status="accepted").height)


def bare_client(folder: Path) -> Timing:
    """Post as many orders with alpaca-py alone: nothing is written down, nothing is checked."""
    with _market(folder, _N_ORDERS) as market, _broker(market) as broker:
        gateway = broker_of(replay_desk(market.settings, broker, [market.book]), market.book)
        started = time.perf_counter()
        for name in market.symbols:
            gateway.submit(Ticket(uuid4().hex, name, "buy", 1.0, "opg"))
        return _rate(time.perf_counter() - started, len(market.symbols))


def _rate(seconds: float, orders: int) -> Timing:
    return Timing([seconds], orders, {"orders_per_second": orders / seconds})


def signal_to_order(folder: Path) -> Timing:
    """From target weights in the lake to every order accepted: the run that plans and sends, without its launch."""
    with _market(folder, _N_NAMES) as market, _broker(market) as broker:
        desk = replay_desk(market.settings, broker, [market.book])
        defs, instance = build_defs(desk=desk), open_instance(market.settings)
        seconds = []
        for number, day in enumerate(market.days[:4]):
            broker.advance(session_close(market.settings.exchange, day))
            market.want(day, market.weights(number))
            run_job(defs.resolve_job_def(CLOSE_JOB), instance, live_tags(market.book.name, day))
            started = time.perf_counter()
            run_job(defs.resolve_job_def(TRADE_JOB), instance, live_tags(market.book.name, day))
            seconds.append(time.perf_counter() - started)
        return Timing(seconds, _N_NAMES)


def replayed_sessions(folder: Path) -> Timing:
    """Seconds of a replayed session: fills, positions, P&L, parity, plan and orders of 20 names."""
    with _market(folder, _N_NAMES) as market:
        days = market.days[:_N_SESSIONS]
        for number, day in enumerate(days):
            market.want(day, market.weights(number))
        reports = list(replay(market.settings, [market.book.name], days[0], days[-1], build_defs))
    return Timing([report.seconds for report in reports], sum(report.orders for report in reports))


COMPARISONS = (
    Comparison("live.sink", sink, "alpaca-py alone, posting the same number of orders", bare_client),
    Comparison("live.signal_to_order", signal_to_order),
    Comparison("live.replayed_session", replayed_sessions),
)
