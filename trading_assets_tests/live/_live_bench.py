"""A desk that trades at an embedded broker: one lake and market per module, a book and a broker of its own per test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import yaml

from trading_assets.brokers.accounts import Accounts, accounts
from trading_assets.brokers.alpaca.connection import Connection
from trading_assets.brokers.embedded.clock import SteppedClock
from trading_assets.brokers.embedded.server import AccountKeys, RunningBroker, start_broker
from trading_assets.definitions import build_defs
from trading_assets.desk.calendar import session_close, sessions
from trading_assets.desk.clock import now
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import month_key
from trading_assets.desk.settings import Settings
from trading_assets.lake import LakeFrame, Scope
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.lake.store.writes import replace
from trading_assets.live import switch
from trading_assets.live.contract import CONTRACTS
from trading_assets.live.stage import CLOSE_JOB, TRADE_JOB, live_tags
from trading_assets.market_data.sources import Source
from trading_assets.market_data.sources.simulated import SimulatedSource, SimulationParameters
from trading_assets.orchestration.replay import open_account, replay_desk
from trading_assets.portfolio.books import Book, load_books
from trading_assets.portfolio.contract import TARGET_WEIGHTS
from trading_assets_tests.desks import Bench, multi_range, open_bench

EXCHANGE = "XNYS"
FIRST, LAST = date(2021, 1, 4), date(2021, 6, 30)
DAYS = sessions(EXCHANGE, date(2021, 3, 1), LAST)
_numbers = itertools.count()
_TABLES = {contract.table.partition(".")[2]: contract for contract in CONTRACTS}

_BOOK: dict[str, Any] = {
    "strategy": "ml_alpha",
    "capital": 1_000_000,
    "start": None,
    "rebalance": "daily",
    "sizing": "equal_weight_long",
    "top_fraction": 0.5,
    "gross_leverage": 1.0,
    "max_weight": 1.0,
    "lot_size": 1,
    "max_participation": 0.1,
    "broker": "embedded",
}
_RULES: dict[str, Any] = {
    "time_in_force": "opg",
    "max_order_value": 1.0,
    "max_session_value": 3.0,
    "max_orders": 1000,
    "max_orders_per_minute": 1_000_000,
    "price_collar": 0.5,
    "max_daily_loss": 0.5,
    "max_drawdown": 0.9,
    "drift_threshold": None,
    "parity_tolerance": 0.001,
    "allow_live": False,
}
_COSTS: dict[str, Any] = {
    "commission_per_share": 0.005,
    "commission_bps": 1.0,
    "min_commission": 1.0,
    "half_spread_bps": 2.0,
    "impact_coefficient": 0.01,
}


def small_source() -> SimulatedSource:
    """Eight names that trade every session, with splits and dividends."""
    return SimulatedSource(
        SimulationParameters(
            n_symbols=8, start=FIRST, end=LAST, seed=3, gap_rate=0.0, listing_rate=0.0, delisting_rate=0.0,
            split_rate=0.5,
        )
    )  # fmt: skip


@contextmanager
def open_market(
    server: PostgresUrl, folder: Path, source: Source, start: date = FIRST, end: date = LAST
) -> Iterator[Bench]:
    """Open a desk whose lake holds the market of a source, and nothing of what follows from it."""
    books = write_books(folder / "books.yaml", "nobody")
    with open_bench(server, folder, source, start, end + timedelta(days=1), books=books) as bench:
        symbols = bench.list_symbols()
        tags = multi_range(
            {"date": str(start.year), "symbol": symbols[0]}, {"date": str(end.year), "symbol": symbols[-1]}
        )
        bench.run("refresh_panel", tags, only=["market_data.bars_daily", "market_data.corporate_actions"])
        yield bench


def write_books(path: Path, name: str, *, live: Mapping[str, Any] | None = None, **values: Any) -> Path:
    """A books.yaml with one book, of the defaults of these tests."""
    book = _BOOK | {"costs": dict(_COSTS), "live": _RULES | dict(live or {})} | values
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({name: book}))
    return path


@dataclass
class Trader:
    """A book, its account at a running broker, and the jobs of a session.

    Attributes
    ----------
    bench : Bench
        The module's desk.
    book : Book
        The book, of this test alone.
    broker : RunningBroker
        A broker of this test alone; its clock stands at the close of the first session.
    keys : AccountKeys
        Of the book's account.
    desk : Desk
        What the jobs run with.
    days : list of date
        Sessions to trade.
    """

    bench: Bench
    book: Book
    broker: RunningBroker
    keys: AccountKeys
    desk: Desk
    store: str
    days: Sequence[date] = field(default_factory=lambda: DAYS)
    _defs: dg.Definitions | None = None

    @property
    def name(self) -> str:
        return self.book.name

    @property
    def symbols(self) -> list[str]:
        return sorted(self.bench.read("market_data.symbols")["symbol"])

    def use(self, **values: Any) -> None:
        """Go on with other settings of the desk."""
        self._use(self.desk.settings.with_values(**values), Accounts({self.name: self.connection()}))

    def _use(self, settings: Settings, known: Accounts) -> None:
        desk = Desk(settings, clock=self.desk.clock, given={accounts: known})
        desk.__dict__["lake"] = self.bench.desk.lake
        self.use_desk(desk)

    def use_desk(self, desk: Desk) -> None:
        """Go on with another desk."""
        self.desk, self._defs = desk, None

    def set_rules(self, **rules: Any) -> None:
        """Change limits of the book in books.yaml, and go on in what would be the next process."""
        path = self.desk.settings.books
        assert path is not None
        content = yaml.safe_load(path.read_text())
        content[self.name]["live"] |= rules
        path.write_text(yaml.safe_dump(content))
        self.book = load_books(path)[self.name]
        self._use(self.desk.settings, self.desk.part(accounts))

    def connection(self, broker: str = "embedded") -> Connection:
        url = self.broker.url
        return Connection(broker, url, url, self.keys.key_id, self.keys.secret)

    def now_is(self, moment: datetime) -> None:
        """Step the broker's clock."""
        if self.broker.now() < moment:
            self.broker.advance(moment)

    def want(self, session: date, weights: Mapping[str, float], *, rebalances: bool = True) -> None:
        """Write the target weights of a session."""
        rows = [{"book": self.name, "date": session, "symbol": symbol, "weight": weight, "is_rebalance": rebalances}
                for symbol, weight in sorted(weights.items())]  # fmt: skip
        key = month_key(session, "book", self.name)
        scope = Scope({"book": (self.name,)}, "date", session, session + timedelta(days=1), (key,))
        frame = pl.DataFrame(rows, schema=TARGET_WEIGHTS.schema)
        replace(self.bench.desk.lake, TARGET_WEIGHTS, frame, scope, through={key: session})

    def run(
        self,
        job: str,
        tags: Mapping[str, str],
        *,
        again: bool = False,
        only: Sequence[str] = (),
        console: str = "CRITICAL",
    ) -> dg.ExecuteInProcessResult:
        """Run a job of live trading."""
        self._defs = self._defs or build_defs(desk=self.desk)
        config: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": console}}}}
        if again:
            config["ops"] = {"live__submissions": {"config": {"retry_rejected": True}}}
        with self.bench.active(), dg.partition_loading_context(now(), self.bench.instance):
            return self._defs.resolve_job_def(job).execute_in_process(
                instance=self.bench.instance,
                tags=dict(tags),
                run_config=config,
                asset_selection=[dg.AssetKey(table.split(".")) for table in only] or None,
            )

    def close(self, session: date) -> dg.ExecuteInProcessResult:
        """Step to the close of a session and collect, close and compare it."""
        self.now_is(session_close(EXCHANGE, session))
        return self.run(CLOSE_JOB, live_tags(self.name, session))

    def trade(self, session: date, *, again: bool = False) -> dg.ExecuteInProcessResult:
        """Plan and send the orders of a session."""
        return self.run(TRADE_JOB, live_tags(self.name, session), again=again)

    def step(self, session: date, weights: Mapping[str, float]) -> None:
        """A whole session: close it and trade."""
        self.want(session, weights)
        self.close(session)
        self.trade(session)

    def rows(self, table: str, session: date | None = None) -> pl.DataFrame:
        """Rows of a table of live trading, of this book."""
        return LakeFrame(self.bench.desk.lake, _TABLES[table]).read(start=session, end=session, book=self.name)

    def decisions(self, *kinds: str) -> pl.DataFrame:
        """What live.audit says of this book."""
        found = switch.decisions_of(self.bench.desk.lake, *kinds)
        return found.filter(pl.col("book") == self.name)

    def posted(self) -> list[str]:
        """Client order ids of all orders that were posted, in their order."""
        return [call["client_order_id"] for call in self.broker.calls()
                if call["method"] == "POST" and call["path"] == "/v2/orders"]  # fmt: skip

    def orders(self) -> list[Any]:
        """Orders that exist at the broker, in any state."""
        from alpaca.trading.requests import GetOrdersRequest

        return self.client().get_orders(GetOrdersRequest(status="all", limit=500))

    def client(self) -> Any:
        """Alpaca's own client of the account, as a trader's other tools use it."""
        from trading_assets.brokers.alpaca.clients import trading_client

        return trading_client(self.connection(), 10.0)


OpenTrader = Callable[..., Trader]


@contextmanager
def traders(bench: Bench, folder: Path) -> Iterator[OpenTrader]:
    """Factory of traders on a bench; its keyword arguments are settings of the book, ``live`` its limits."""
    with ExitStack() as stack:

        def make(*, live: Mapping[str, Any] | None = None, first: date = DAYS[0], days: Sequence[date] = DAYS,
                 **values: Any) -> Trader:  # fmt: skip
            number = next(_numbers)
            name, store = f"book_{number}", f"store-{number}"
            path = write_books(folder / f"{name}.yaml", name, live=live, **values)
            settings = bench.settings.with_values(books=path, home=folder / name)
            book = load_books(path)[name]
            clock = SteppedClock(session_close(EXCHANGE, first))
            broker = stack.enter_context(start_broker(bench.desk.lake, EXCHANGE, clock=clock, name=store))
            keys = open_account(broker, book)
            if book.broker == "embedded":
                desk = replay_desk(settings, broker, [book])
                connection = desk.part(accounts).connections[name]
                keys = AccountKeys(connection.key_id, connection.secret, keys.account_number)
            else:
                url = broker.url
                connection = Connection(book.broker, url, url, keys.key_id, keys.secret)
                given = {accounts: Accounts({name: connection})}
                desk = Desk(settings.with_values(trading="send"), clock=broker.now, given=given)
            desk.__dict__["lake"] = bench.desk.lake
            return Trader(bench, book, broker, keys, desk, store, days)

        yield make
