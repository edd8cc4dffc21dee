"""What a trader does by hand: stop, go on, take an account over, confirm real money."""

from __future__ import annotations

import threading

import pytest

from trading_assets.brokers.accounts import broker_of
from trading_assets.brokers.alpaca.adapter import AlpacaBroker
from trading_assets.brokers.embedded.keys import KEYS_FILE
from trading_assets.desk.calendar import session_close, session_open
from trading_assets.desk.clock import now
from trading_assets.desk.desk import Desk
from trading_assets.live import switch
from trading_assets.live.commands import adopt, books_at_a_broker, confirm, kill
from trading_assets.live.errors import TradingBlockedError, TradingSettingsError
from trading_assets_tests.live._examples import a_book
from trading_assets_tests.live._live_bench import DAYS, EXCHANGE, Trader

DAY, NEXT = DAYS[:2]
NAMES = ["SIM0001", "SIM0002", "SIM0003"]


@pytest.fixture
def trader(make_trader) -> Trader:
    """A book with an account, and targets after the first session."""
    made = make_trader()
    made.want(DAY, dict.fromkeys(NAMES, 0.2))
    return made


def stop_at_the_first_order(trader: Trader, said: list[str]) -> None:
    """Kill the book as soon as an order is on its way to the broker."""
    for _ in range(3_000):
        if trader.posted():
            break
        threading.Event().wait(0.01)
    said += stop(trader, trader.name)


def stop(trader: Trader, name: str | None = None, broker: AlpacaBroker | None = None) -> list[str]:
    """Kill this book, or all."""

    def account_of(book):
        return broker or broker_of(trader.desk, book)

    return list(kill(trader.bench.desk.lake, now(), name, "the tests say so", [trader.book], account_of))


def test_kill_cancels_every_open_order_and_blocks_the_book(trader):
    trader.trade(DAY)
    assert stop(trader, trader.name) == [f"{trader.name}: stopped; requested to cancel 3 open orders"]
    assert {order.status.value for order in trader.orders()} == {"canceled"}
    assert "the tests say so" in switch.why_stopped(trader.bench.desk.lake, trader.name)
    trader.want(NEXT, dict.fromkeys(NAMES, 0.2))
    trader.now_is(session_close(EXCHANGE, NEXT))
    with pytest.raises(TradingBlockedError, match=f"the book '{trader.name}' is stopped"):
        trader.trade(NEXT)
    assert len(trader.posted()) == 3


def test_kill_cancels_all_orders_with_one_call_and_asks_again_when_nobody_sends_any_more(trader):
    trader.trade(DAY)
    stop(trader, trader.name)
    deleted = [call["path"] for call in trader.broker.calls() if call["method"] == "DELETE"]
    assert deleted == ["/v2/orders"] * 2


def test_an_order_that_is_on_its_way_when_the_switch_is_thrown_is_cancelled_too(trader):
    for _ in NAMES:
        trader.broker.inject(method="POST", path="/v2/orders$", delay=1.0)
    said: list[str] = []
    thread = threading.Thread(target=stop_at_the_first_order, args=(trader, said))
    thread.start()
    with pytest.raises(TradingBlockedError, match="orders of the session were not sent"):
        trader.trade(DAY)
    thread.join()
    assert said[0].startswith(f"{trader.name}: stopped; ")
    assert {order.status.value for order in trader.orders()} == {"canceled"}
    assert 1 <= len(trader.posted()) < len(NAMES)


def test_kill_throws_the_switch_before_it_asks_the_broker(trader):
    class Watched(AlpacaBroker):
        seen = None

        def cancel_all(self) -> int:
            self.seen = switch.why_stopped(trader.bench.desk.lake, trader.name)
            return super().cancel_all()

    broker = Watched(trader.connection())
    stop(trader, trader.name, broker)
    assert "the tests say so" in broker.seen


def test_a_book_is_stopped_although_its_broker_is_down(trader):
    trader.broker.inject(outage=True)
    [said] = stop(trader, trader.name)
    assert said.startswith(f"{trader.name}: stopped here, but its open orders could not be cancelled: ")
    assert "503" in said
    assert switch.why_stopped(trader.bench.desk.lake, trader.name) is not None


def test_one_broker_that_is_down_does_not_keep_the_others_from_being_asked(make_trader):
    down, up = make_trader(), make_trader()
    up.want(DAY, dict.fromkeys(NAMES, 0.2))
    up.trade(DAY)
    down.broker.inject(outage=True)
    desks = {one.name: one.desk for one in (down, up)}
    books = [down.book, up.book]
    said = list(
        kill(up.bench.desk.lake, now(), None, "all of them", books, lambda book: broker_of(desks[book.name], book))
    )
    switch.release(up.bench.desk.lake, now(), switch.ALL_BOOKS, "for the other tests")
    assert [text.partition(":")[0] for text in said] == [down.name, up.name]
    assert {order.status.value for order in up.orders()} == {"canceled"}


def test_a_book_whose_keys_are_missing_does_not_keep_the_others_from_being_asked(make_trader):
    lost, up = make_trader(), make_trader()
    up.want(DAY, dict.fromkeys(NAMES, 0.2))
    up.trade(DAY)
    (lost.desk.settings.home / "broker" / KEYS_FILE).unlink()
    desks = {lost.name: Desk(lost.desk.settings), up.name: up.desk}
    said = list(
        kill(
            up.bench.desk.lake, now(), None, "all", [lost.book, up.book], lambda book: broker_of(desks[book.name], book)
        )
    )
    switch.release(up.bench.desk.lake, now(), switch.ALL_BOOKS, "for the other tests")
    assert "could not be cancelled" in said[0]
    assert "has never run on this lake" in said[0]
    assert {order.status.value for order in up.orders()} == {"canceled"}


def test_stopping_all_books_stops_each_of_them(trader):
    stop(trader)
    try:
        assert switch.why_stopped(trader.bench.desk.lake, trader.name).startswith("all books are stopped since")
        assert switch.why_stopped(trader.bench.desk.lake, "any_other") is not None
    finally:
        switch.release(trader.bench.desk.lake, now(), switch.ALL_BOOKS, "for the other tests")
    assert switch.why_stopped(trader.bench.desk.lake, trader.name) is None


def test_adopting_writes_the_account_as_an_opening_of_the_last_close(trader):
    trader.broker.tamper(trader.name, cash=5_000.0, positions={NAMES[0]: 10.0, NAMES[1]: -4.0})
    said = adopt(trader.desk, trader.book, "  from the old desk ")
    assert said == f"{trader.name}: taken over as of {DAY}: 5,000.00 in cash and 10 {NAMES[0]}, -4 {NAMES[1]}"
    opened = trader.rows("pnl").row(0, named=True)
    assert (opened["date"], opened["is_opening"], opened["cash"]) == (DAY, True, 5_000.0)
    held = trader.rows("positions")
    assert held.select("symbol", "quantity", "broker_quantity").rows() == [
        (NAMES[0], 10.0, 10.0),
        (NAMES[1], -4.0, -4.0),
    ]
    assert opened["equity"] == pytest.approx(5_000.0 + held["market_value"].sum())
    decided = trader.decisions(switch.ADOPT)
    assert decided.select("date", "reason").rows() == [(DAY, "from the old desk")]


def test_adopting_twice_changes_nothing_in_the_books(trader):
    trader.broker.tamper(trader.name, cash=5_000.0, positions={NAMES[0]: 10.0})
    adopt(trader.desk, trader.book, "once")
    before = trader.rows("pnl"), trader.rows("positions")
    adopt(trader.desk, trader.book, "twice")
    assert trader.rows("pnl").equals(before[0])
    assert trader.rows("positions").equals(before[1])
    assert trader.decisions(switch.ADOPT)["reason"].to_list() == ["once", "twice"]


@pytest.mark.parametrize("reason", ["", "   "])
def test_adopting_needs_a_reason(trader, reason):
    with pytest.raises(TradingSettingsError, match=f"say why: trading-assets adopt {trader.name} --reason"):
        adopt(trader.desk, trader.book, reason)
    assert trader.rows("pnl").is_empty()


def test_an_account_is_not_taken_over_while_the_market_is_open(trader):
    trader.now_is(session_open(EXCHANGE, NEXT))
    with pytest.raises(TradingSettingsError, match=f"{trader.name}.*while the market is closed"):
        adopt(trader.desk, trader.book, "now")
    assert trader.rows("pnl").is_empty()
    assert trader.decisions(switch.ADOPT).is_empty()


def test_only_a_book_of_real_money_is_confirmed(trader):
    broker = broker_of(trader.desk, trader.book)
    with pytest.raises(TradingSettingsError, match="trades at embedded: there is no real money to confirm"):
        confirm(trader.bench.desk.lake, now(), trader.book, broker, trader.keys.account_number)
    assert trader.decisions(switch.CONFIRM).is_empty()


def test_a_book_is_confirmed_by_typing_the_number_of_its_account(make_trader):
    trader = make_trader(broker="live")
    broker = broker_of(trader.desk, trader.book)
    for typed in ("", "42", trader.keys.account_number + "0"):
        with pytest.raises(TradingSettingsError, match="nothing is confirmed"):
            confirm(trader.bench.desk.lake, now(), trader.book, broker, typed)
    confirm(trader.bench.desk.lake, now(), trader.book, broker, f" {trader.keys.account_number}\n")
    assert trader.decisions(switch.CONFIRM)["reason"].to_list() == [trader.keys.account_number]


def test_books_at_a_broker_are_those_with_limits():
    books = {"real": a_book(name="real"), "paper": a_book(name="paper").with_values(broker="sim", live=None)}
    assert [book.name for book in books_at_a_broker(books, None)] == ["real"]
    assert [book.name for book in books_at_a_broker(books, "real")] == ["real"]
    for name in ("paper", "unknown"):
        with pytest.raises(TradingSettingsError, match=f"no book '{name}' with a broker; there are real"):
            books_at_a_broker(books, name)
