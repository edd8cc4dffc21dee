"""A book that trades through the daemon: sensors close, rebalance, collect and stop, and the UI sends nothing twice."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
import pytest

from trading_assets.brokers.alpaca.adapter import AlpacaBroker
from trading_assets.brokers.embedded.clock import SteppedClock
from trading_assets.brokers.embedded.keys import embedded_connection, save_keys
from trading_assets.brokers.embedded.server import RunningBroker, start_broker
from trading_assets.desk.calendar import session_close, session_open
from trading_assets.desk.clock import now
from trading_assets.lake import LakeFrame
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.live import switch
from trading_assets.live.contract import FILLS, PARITY, PNL, SUBMISSIONS
from trading_assets.live.stage import TRADE_JOB, live_tags
from trading_assets.orchestration.replay import open_account
from trading_assets.portfolio.books import load_books
from trading_assets_tests.desks import Bench
from trading_assets_tests.end_to_end._processes import WebUi, environment_of, web_ui
from trading_assets_tests.live._live_bench import DAYS, EXCHANGE, Trader, open_market, small_source, write_books

pytestmark = pytest.mark.slow

NAME = "daily"
PATIENCE = 180.0


@dataclass
class LiveUi:
    """A lake with a market, a book with target weights, its account, and web UI and daemon on it."""

    bench: Bench
    broker: RunningBroker
    account: AlpacaBroker
    ui: WebUi

    def wait_for_rows(self, what: str, rows: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        return self.ui.wait_for(what, lambda: found if (found := rows()).height else None, PATIENCE)

    def pnl(self, day: date) -> pl.DataFrame:
        return LakeFrame(self.bench.desk.lake, PNL).read(start=day, end=day, book=NAME)

    def accepted(self, day: date) -> pl.DataFrame:
        rows = LakeFrame(self.bench.desk.lake, SUBMISSIONS).read(start=day, end=day, book=NAME)
        return rows.filter(status="accepted")

    def posted(self) -> list[str]:
        return [call["client_order_id"] for call in self.broker.calls() if call["method"] == "POST"]


@pytest.fixture(scope="module")
def live(postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveUi]:
    folder = tmp_path_factory.mktemp("live")
    with open_market(postgres, folder / "lake", small_source()) as bench:
        books = write_books(bench.settings.home / "books.yaml", NAME, live={"max_daily_loss": 0.2})
        book = load_books(books)[NAME]
        settings = bench.settings.with_values(books=books, trading="send", source={"kind": "simulated"})
        clock = SteppedClock(session_close(EXCHANGE, DAYS[0]))
        with start_broker(bench.desk.lake, EXCHANGE, clock=clock) as broker:
            keys = open_account(broker, book)
            save_keys(settings.home, broker.url, {NAME: {"key_id": keys.key_id, "secret": keys.secret}})
            account = AlpacaBroker(embedded_connection(NAME, settings.home))
            trader = Trader(bench, book, broker, keys, bench.desk, "default")
            for number, day in enumerate(DAYS[:4]):
                trader.want(day, {trader.symbols[number % 2]: 0.5, trader.symbols[2]: 0.3})
            with web_ui(settings, folder / "ui.log") as ui:
                yield LiveUi(bench, broker, account, ui)


def test_the_daemon_trades_sessions_and_stops_on_command_and_beyond_a_limit(live: LiveUi) -> None:
    first, second = DAYS[0], DAYS[1]
    lake = live.bench.desk.lake

    # The close of the first session: the book is opened, and its orders are sent.
    live.wait_for_rows("close of the first session", lambda: live.pnl(first))
    sent = live.wait_for_rows("orders of the first session", lambda: live.accepted(first))
    assert sent.height == 2
    assert sorted(live.posted()) == sorted(sent["client_order_id"])

    # In the next session they trade, and the poller collects the fills before it has closed.
    live.broker.advance(session_open(EXCHANGE, second) + timedelta(minutes=5))
    fills = live.wait_for_rows("fills", lambda: LakeFrame(lake, FILLS).read(start=second, end=second, book=NAME))
    assert set(fills["client_order_id"]) == set(sent["client_order_id"])

    # Its close is reconciled, compared with the backtest, and followed by the next orders.
    live.broker.advance(session_close(EXCHANGE, second))
    closed = live.wait_for_rows("close of the second session", lambda: live.pnl(second))
    assert closed["cash"][0] == pytest.approx(live.account.account().cash, abs=0.01)
    parity = live.wait_for_rows("parity", lambda: LakeFrame(lake, PARITY).read(start=second, end=second, book=NAME))
    assert parity["is_within"].to_list() == [True]
    live.wait_for_rows("orders of the second session", lambda: live.accepted(second))
    posted = live.posted()

    # Materialised again from the UI, one run and a backfill: nothing is sent twice.
    before = live.ui.launch_job(TRADE_JOB, live_tags(NAME, second))
    live.ui.wait_for("end of the run", lambda: _ended(live.ui, before), PATIENCE)
    backfill = live.ui.launch_backfill(["live/orders", "live/submissions"], [f"{NAME}|{first}", f"{NAME}|{second}"])
    ended = live.ui.end_of_backfill(backfill, PATIENCE)
    assert ended["status"] == "COMPLETED_SUCCESS", ended
    assert live.posted() == posted

    # The kill command cancels what is open and blocks what would come, at once.
    assert live.account.open_orders()
    command = [sys.executable, "-m", "trading_assets.cli", "kill", NAME, "--reason", "a test", "--home",
               str(live.bench.settings.home)]  # fmt: skip
    done = subprocess.run(command, env=environment_of(live.bench.settings), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "daily: stopped" in done.stdout
    assert live.account.open_orders() == []
    assert "a test" in str(switch.why_stopped(lake, NAME))

    # Released, it loses more than its limit: the circuit breaker stops it by itself.
    switch.release(lake, now(), NAME, "a test goes on")
    live.broker.tamper(NAME, cash=-400_000.0)
    reason = live.ui.wait_for("stop of the book", lambda: switch.why_stopped(lake, NAME), PATIENCE)
    assert "max_daily_loss" in reason


def _ended(ui: WebUi, run_id: str) -> bool | None:
    states = {run["runId"]: run["status"] for run in ui.runs()}
    assert states[run_id] not in ("FAILURE", "CANCELED"), ui.tail(100)
    return True if states[run_id] == "SUCCESS" else None
