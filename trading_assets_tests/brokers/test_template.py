"""A copy of the template is a broker: a book trades at it from its orders to parity, and no other file is touched."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from trading_assets import brokers
from trading_assets.brokers import _template
from trading_assets.brokers._template import adapter
from trading_assets.brokers._template.adapter import FileBroker
from trading_assets.brokers.accounts import broker_of
from trading_assets.brokers.errors import BrokerUnavailableError, DuplicateOrderError, OutcomeUnknownError
from trading_assets.brokers.records import Ticket
from trading_assets.desk.calendar import next_session, session_close, session_open
from trading_assets.desk.desk import Desk
from trading_assets.live.stage import CLOSE_JOB, TRADE_JOB, live_tags
from trading_assets.portfolio.books import load_books
from trading_assets_tests.live._live_bench import DAYS, EXCHANGE, Trader, write_books

CASH = 1_000_000.0
BOOK = "acme_book"
FREE = {"commission_per_share": 0, "commission_bps": 0, "min_commission": 0, "half_spread_bps": 0,
        "impact_coefficient": 0}  # fmt: skip


@dataclass
class Vendor:
    """The other side of an account's file: what a vendor does with it."""

    path: Path
    numbers: Iterator[int]

    def write(self, **changes: Any) -> None:
        found = json.loads(self.path.read_text()) if self.path.exists() else _new_account()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(found | changes))

    def read(self, name: str) -> Any:
        return json.loads(self.path.read_text())[name]

    def now_is(self, moment: datetime) -> None:
        following = next_session(EXCHANGE, moment.date())
        self.write(
            clock={
                "now": moment.isoformat(),
                "is_open": False,
                "next_open": session_open(EXCHANGE, following).isoformat(),
                "next_close": session_close(EXCHANGE, following).isoformat(),
            }
        )

    def now(self) -> datetime:
        return datetime.fromisoformat(self.read("clock")["now"])

    def open_market(self, day: date, prices: Mapping[str, float]) -> None:
        """Fill every open order at the open of a session."""
        cash, positions, orders = self.read("cash"), self.read("positions"), self.read("orders")
        activities = self.read("activities")
        for order in (item for item in orders if item["status"] == "accepted"):
            price, symbol = prices[order["symbol"]], order["symbol"]
            signed = order["quantity"] * (1 if order["side"] == "buy" else -1)
            held = positions.pop(symbol, {"quantity": 0.0, "average_price": price})
            quantity = held["quantity"] + signed
            if quantity:
                positions[symbol] = {"quantity": quantity, "average_price": price}
            cash -= signed * price
            order |= {"status": "filled", "filled": order["quantity"]}
            activities.append(
                {"id": f"{next(self.numbers):06d}", "type": "TRADE", "symbol": symbol, "side": order["side"],
                 "quantity": order["quantity"], "price": price, "order_id": order["id"],
                 "at": session_open(EXCHANGE, day).isoformat(), "day": str(day)}
            )  # fmt: skip
        self.write(cash=cash, positions=positions, orders=orders, activities=activities)


def _new_account() -> dict[str, Any]:
    return {"number": "ACME-1", "cash": CASH, "equity": CASH, "buying_power": 2 * CASH, "is_blocked": False,
            "positions": {}, "orders": [], "activities": [], "prices": {}, "untradable": {}}  # fmt: skip


@pytest.fixture
def vendor(tmp_path, monkeypatch) -> Iterator[Vendor]:
    """A broker "acme": the template copied and given a name, in a folder of its own."""
    package = tmp_path / "packages" / "acme"
    shutil.copytree(Path(_template.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    copied = package / "adapter.py"
    copied.write_text(copied.read_text().replace('NAME = "template"', 'NAME = "acme"'))
    monkeypatch.setattr(brokers, "__path__", [*brokers.__path__, str(package.parent)])
    yield Vendor(tmp_path / "home" / "acme" / f"{BOOK}.json", count(1))
    for name in [name for name in sys.modules if name.startswith("trading_assets.brokers.acme")]:
        del sys.modules[name]


@pytest.fixture
def trader(bench, vendor, tmp_path) -> Trader:
    """A book at that broker, whose clock stands at the close of the first session."""
    path = write_books(tmp_path / "books.yaml", BOOK, broker="acme", costs=FREE)
    settings = bench.settings.with_values(books=path, home=tmp_path / "home", trading="send")
    vendor.now_is(session_close(EXCHANGE, DAYS[0]))
    desk = Desk(settings, clock=vendor.now)
    desk.__dict__["lake"] = bench.desk.lake
    return Trader(bench, load_books(path)[BOOK], broker=None, keys=None, desk=desk, store="")  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_book_trades_at_a_copy_of_the_template_from_its_orders_to_parity(trader, vendor):
    names, days = quiet_names(trader, 4), DAYS[:4]
    for number, day in enumerate(days):
        vendor.now_is(session_open(EXCHANGE, day))
        vendor.open_market(day, prices(trader, day, "open"))
        vendor.now_is(session_close(EXCHANGE, day))
        closes = prices(trader, day, "close")
        held = sum(position["quantity"] * closes[name] for name, position in vendor.read("positions").items())
        vendor.write(equity=vendor.read("cash") + held, prices=closes)
        trader.want(day, dict.fromkeys(names[number % 2 :: 2], 0.4))
        trader.run(CLOSE_JOB, live_tags(BOOK, day))
        trader.run(TRADE_JOB, live_tags(BOOK, day))

    sent = trader.rows("submissions")
    assert set(sent["status"]) == {"accepted"}
    assert set(sent["broker"]) == {"acme"}
    assert sorted(sent["client_order_id"]) == sorted(order["client_order_id"] for order in vendor.read("orders"))
    assert trader.rows("fills")["client_order_id"].null_count() == 0
    assert trader.rows("fills").height == len(vendor.read("activities")) > 6
    positions = trader.rows("positions", days[-1])
    assert positions["quantity"].to_list() == positions["broker_quantity"].to_list()
    pnl = trader.rows("pnl").drop_nulls("broker_cash")
    assert pnl["date"].to_list() == days
    assert pnl["cash"].to_list() == pytest.approx(pnl["broker_cash"].to_list())
    parity = trader.rows("parity")
    assert parity["date"].to_list() == days[1:]
    assert parity["is_within"].to_list() == [True] * 3
    assert parity["difference"].abs().max() == pytest.approx(0.0, abs=1e-12)


def quiet_names(trader: Trader, number: int) -> list[str]:
    """Names without a corporate action in the sessions that are traded."""
    actions = trader.bench.read("market_data.corporate_actions").filter(pl.col("ex_date").is_between(*DAYS[:5:4]))
    return [name for name in trader.symbols if name not in set(actions["symbol"])][:number]


def prices(trader: Trader, day: date, column: str) -> dict[str, float]:
    bars = trader.bench.read("market_data.bars_daily").filter(pl.col("date") == day)
    return dict(bars.select("symbol", column).iter_rows())


@pytest.fixture
def account(tmp_path, monkeypatch) -> FileBroker:
    """An account of the template as it stands."""
    monkeypatch.setattr(adapter, "_PAUSE_SECONDS", 0.001)
    made = Vendor(tmp_path / "account.json", count(1))
    made.now_is(session_close(EXCHANGE, DAYS[0]))
    return FileBroker(made.path)


def test_an_order_is_taken_once_and_found_by_its_client_order_id(account):
    ticket = Ticket("one", "AAA", "buy", 3.0, "opg")
    order = account.submit(ticket)
    with pytest.raises(DuplicateOrderError, match="must be unique"):
        account.submit(ticket)
    assert account.open_orders() == [order]
    assert account.order_of("one") == order
    assert account.client_order_id(order.id) == "one"
    assert account.order_of("another") is None
    assert account.cancel_all() == 1
    assert account.open_orders() == []


def test_a_file_that_cannot_be_read_is_an_unavailable_broker_and_an_unknown_order(account):
    account.path.write_text("{")
    for ask in (account.account, account.positions, account.clock, account.cancel_all):
        with pytest.raises(BrokerUnavailableError, match=r"template broker, .*cannot be read"):
            ask()
    with pytest.raises(OutcomeUnknownError, match="whether the order exists is not known yet"):
        account.submit(Ticket("one", "AAA", "buy", 3.0, "opg"))


def test_the_book_finds_its_account_by_the_name_of_its_broker(trader, vendor):
    found = broker_of(trader.desk, trader.book)
    assert type(found).__module__ == "trading_assets.brokers.acme.adapter"
    assert found.account().number == "ACME-1"
    assert vendor.path.name == f"{BOOK}.json"
