"""What can stand against a session's orders: nothing wrong is sent, the message says what to do, then all is sent once.

Each trouble meets the job that a schedule runs, with a real broker behind it.
"""

from __future__ import annotations

import threading
from collections import Counter

import polars as pl
import pytest

from trading_assets.brokers.accounts import Accounts, accounts, broker_of
from trading_assets.brokers.alpaca.connection import Connection
from trading_assets.brokers.embedded.clock import SteppedClock
from trading_assets.brokers.embedded.server import start_broker
from trading_assets.brokers.errors import BrokerUnavailableError, UnauthorizedError
from trading_assets.desk.calendar import session_close, session_open
from trading_assets.desk.clock import now
from trading_assets.desk.desk import Desk
from trading_assets.errors import TradingAssetsError
from trading_assets.figures import figure
from trading_assets.lake import Scope
from trading_assets.lake.store.writes import replace
from trading_assets.library_internals.dagster import DagsterAssetCheckFailedError
from trading_assets.live import switch
from trading_assets.live.commands import adopt, confirm
from trading_assets.live.errors import TradingBlockedError, TradingSettingsError
from trading_assets.live.orders import client_order_id
from trading_assets.live.permit import LIVE_VARIABLE
from trading_assets.market_data.contract import BARS_DAILY
from trading_assets.orchestration.replay import open_account
from trading_assets_tests.desks import own_environment
from trading_assets_tests.live._live_bench import DAYS, EXCHANGE, Trader

pytestmark = pytest.mark.slow

DAY, NEXT, THIRD = DAYS[:3]
NAMES = [f"SIM000{number}" for number in range(1, 5)]
WEIGHTS = dict.fromkeys(NAMES, 0.2)
OTHER = {**WEIGHTS, NAMES[0]: 0.3, NAMES[1]: 0.05}
ORDERS = "/v2/orders$"


@pytest.fixture
def trader(make_trader) -> Trader:
    """A book with nothing but cash, that wants four names after the first session."""
    made = make_trader()
    made.want(DAY, WEIGHTS)
    return made


@pytest.fixture
def holder(trader) -> Trader:
    """A book that holds four names after the second session, and wants them in other proportions."""
    trader.close(DAY)
    trader.trade(DAY)
    trader.want(NEXT, OTHER)
    trader.close(NEXT)
    return trader


def refused(trader: Trader, *words: str, session=DAY, error: type[TradingAssetsError] = TradingBlockedError) -> str:
    """Trade, and be refused before anything is sent, with a message that holds these words."""
    sent = trader.posted()
    with pytest.raises(error) as caught:
        trader.trade(session)
    message = str(caught.value)
    for word in words:
        assert word in message
    assert trader.posted() == sent
    assert not trader.rows("submissions", session).filter(pl.col("status") == "accepted").height
    return message


def blocked(trader: Trader, *words: str, session=DAY) -> None:
    """Be refused by the desk itself: the orders are kept as blocked, and the record of decisions says why."""
    message = refused(trader, trader.name, *words, session=session)
    rows = trader.rows("submissions", session)
    assert set(rows["status"]) == {"blocked"}
    assert set(rows["reason"]) == {message}
    assert trader.decisions(switch.REFUSE)["reason"].to_list()[-1] == message


def sends_once(trader: Trader, session=DAY, orders: int = 4) -> None:
    """Trade, and trade again: each order of the session is at the broker exactly once."""
    trader.trade(session)
    posted = trader.posted()
    trader.trade(session)
    assert trader.posted() == posted
    rows = trader.rows("submissions", session)
    assert rows.height == orders
    assert set(rows["status"]) == {"accepted"}
    assert not set(rows["reason"]) - {None}
    exists = Counter(order.client_order_id for order in trader.orders())
    assert [exists[name] for name in rows["client_order_id"]] == [1] * orders
    assert trader.decisions(switch.SEND).filter(pl.col("date") == session).height >= 1


def test_without_trouble_each_order_is_sent_once(trader):
    sends_once(trader)
    assert len(trader.posted()) == 4
    assert trader.decisions()["decision"].to_list() == [switch.SEND]
    assert trader.decisions()["reason"].to_list() == ["4 orders accepted, 0 rejected"]


# What the account holds.


def test_another_position_at_the_broker_blocks_until_it_is_right(holder):
    shares = int(holder.rows("positions", NEXT).filter(pl.col("symbol") == NAMES[0])["quantity"][0])
    holder.broker.tamper(holder.name, positions={NAMES[0]: 7.0})
    words = (f"{NAMES[0]}: the book should hold {shares:,}, the broker holds 7", str(NEXT))
    blocked(holder, *words, f"trading-assets adopt {holder.name}", session=NEXT)
    holder.broker.tamper(holder.name, positions={NAMES[0]: float(shares)})
    sends_once(holder, NEXT)


def test_other_cash_at_the_broker_blocks_until_it_is_right(holder):
    cash = holder.rows("pnl", NEXT)["cash"][0]
    holder.broker.tamper(holder.name, cash=cash + 0.5)
    words = (f"should have {cash:,.2f} in cash, the broker says {cash + 0.5:,.2f}",)
    blocked(holder, *words, f"trading-assets adopt {holder.name}", session=NEXT)
    holder.broker.tamper(holder.name, cash=cash)
    sends_once(holder, NEXT)


def test_positions_of_an_account_that_the_book_never_had_are_not_traded_over(trader):
    trader.broker.tamper(trader.name, positions={NAMES[0]: 10.0})
    blocked(trader, f"the account holds {NAMES[0]}", f"trading-assets adopt {trader.name}")
    trader.broker.tamper(trader.name, positions={NAMES[0]: 0.0})
    sends_once(trader)


def test_an_account_that_is_taken_over_as_it_stands_trades_on(holder):
    holder.broker.tamper(holder.name, positions={NAMES[0]: 7.0}, cash=900_000.0)
    blocked(holder, "adopt", session=NEXT)
    said = adopt(holder.desk, holder.book, "the transfer from the old account")
    assert said.startswith(f"{holder.name}: taken over as of {NEXT}: 900,000.00 in cash and 7 {NAMES[0]}")
    opened = holder.rows("pnl", NEXT).row(0, named=True)
    assert (opened["is_opening"], opened["cash"], opened["daily_return"]) == (True, 900_000.0, 0.0)
    assert holder.decisions(switch.ADOPT)["reason"].to_list() == ["the transfer from the old account"]
    sends_once(holder, NEXT)
    holder.want(THIRD, OTHER)
    holder.close(THIRD)
    assert holder.rows("parity", THIRD)["is_within"].to_list() == [True]


def test_a_foreign_open_order_blocks_until_it_is_gone(trader):
    foreign = by_hand(trader, NAMES[0], 3)
    blocked(trader, f"buy 3 {NAMES[0]}", "this desk did not send", "cancel it there")
    trader.client().cancel_order_by_id(foreign.id)
    sends_once(trader)


def test_a_foreign_fill_fails_its_check_and_blocks_until_the_account_is_taken_over(trader):
    trader.close(DAY)
    trader.trade(DAY)
    by_hand(trader, NAMES[0], 3)
    trader.want(NEXT, OTHER)
    with pytest.raises(DagsterAssetCheckFailedError, match="ours"):
        trader.close(NEXT)
    foreign = trader.rows("fills", NEXT).filter(pl.col("client_order_id").is_null())
    assert foreign.select("symbol", "side", "quantity").rows() == [(NAMES[0], "buy", 3.0)]
    blocked(trader, f"buy 3 {NAMES[0]}", "this desk did not send", f"trading-assets adopt {trader.name}", session=NEXT)
    adopt(trader.desk, trader.book, "three shares bought by hand")
    sends_once(trader, NEXT)


# What the broker says to an order.


def test_a_rejected_order_is_recorded_with_its_reason_and_sent_again_by_the_next_run(trader):
    trader.broker.inject(method="POST", path=ORDERS, status=422, body={"code": 42210000, "message": "no such luck"})
    with pytest.raises(DagsterAssetCheckFailedError, match="answered"):
        trader.trade(DAY)
    rejected = trader.rows("submissions", DAY).filter(pl.col("status") == "rejected")
    assert rejected.height == 1
    assert "no such luck" in rejected["reason"][0]
    assert rejected["symbol"][0] in rejected["reason"][0]
    assert "3 orders accepted, 1 rejected" in trader.decisions(switch.SEND)["reason"][0]
    sends_once(trader)
    assert len(trader.posted()) == 5


def test_an_order_rejected_after_it_was_accepted_is_sent_again_only_when_asked_to_as_attempt_2(trader):
    trader.close(DAY)
    trader.broker.inject(reject=1)
    trader.trade(DAY)
    trader.trade(DAY)
    assert len(trader.posted()) == 4
    [lost] = [order for order in trader.orders() if order.status.value == "rejected"]
    trader.trade(DAY, again=True)
    trader.trade(DAY, again=True)
    trader.trade(DAY)
    second = client_order_id(trader.name, DAY, lost.symbol, "buy_to_open", 2)
    assert trader.posted()[4:] == [second]
    rows = trader.rows("submissions", DAY).filter(pl.col("symbol") == lost.symbol)
    assert rows.select("attempt", "status").rows() == [(1, "accepted"), (2, "accepted")]
    assert rows["client_order_id"].to_list() == [lost.client_order_id, second]
    trader.want(NEXT, {**WEIGHTS})
    trader.close(NEXT)
    assert trader.rows("fills", NEXT)["symbol"].n_unique() == 4
    assert trader.rows("parity", NEXT)["is_within"].to_list() == [True]


def test_orders_beyond_the_buying_power_are_rejected_and_sent_once_there_is_some(trader):
    rules = {"cash": 1.0, "costs": trader.book.costs, "max_participation": 0.1, "lot_size": 1.0}
    use_keys(trader, trader.broker.create_account(trader.name, multiplier=0.5, **rules))
    with pytest.raises(DagsterAssetCheckFailedError, match="answered"):
        trader.trade(DAY)
    rows = trader.rows("submissions", DAY)
    assert Counter(rows["status"]) == {"accepted": 2, "rejected": 2}
    for reason in rows["reason"].drop_nulls():
        assert "insufficient buying power" in reason
        assert "sell something or lower gross_leverage" in reason
    use_keys(trader, trader.broker.create_account(trader.name, multiplier=2.0, **rules))
    sends_once(trader)


def test_a_halted_symbol_holds_the_whole_session_back(trader):
    trader.broker.halt(NAMES[1])
    blocked(
        trader, f"{NAMES[1]}: is halted or not tradable at the broker", str(DAY), "materialise live/submissions again"
    )
    trader.broker.resume(NAMES[1])
    sends_once(trader)


def test_a_symbol_without_prices_cannot_be_planned(trader):
    trader.want(DAY, {**WEIGHTS, "GHOST": 0.1})
    refused(trader, trader.name, str(DAY), "GHOST has a weight or a position but no close", "bars_daily")
    trader.want(DAY, WEIGHTS)
    sends_once(trader)


def test_a_symbol_that_the_broker_does_not_list_holds_the_session_back(trader):
    lake = trader.bench.desk.lake
    bars = trader.bench.read("market_data.bars_daily").filter(pl.col("symbol") == NAMES[0])
    unlisted = bars.with_columns(symbol=pl.lit("UNLISTED"))
    replace(lake, BARS_DAILY, unlisted, Scope({"symbol": ("UNLISTED",)}))
    trader.want(DAY, {**WEIGHTS, "UNLISTED": 0.1})
    blocked(trader, "UNLISTED: is not an active asset at the broker")
    trader.want(DAY, WEIGHTS)
    sends_once(trader)


# What becomes of the way to the broker.


def test_a_clock_an_hour_off_blocks_until_it_is_set(trader):
    trader.broker.inject(clock_skew=3600.0)
    blocked(trader, "the broker's clock says 2021-03-01 22:00:00 UTC", "21:00:00", "set this machine's clock")
    trader.broker.clear_faults()
    sends_once(trader)


def test_a_revoked_key_is_named_as_such_and_a_new_one_goes_on(trader):
    trader.broker.revoke(trader.name)
    message = refused(trader, trader.name, "the keys are wrong, revoked or not allowed", error=UnauthorizedError)
    assert trader.keys.key_id not in message
    assert trader.keys.secret not in message
    use_keys(trader, open_account(trader.broker, trader.book))
    sends_once(trader)


def test_a_broker_that_is_out_of_service_is_asked_again_later(trader):
    trader.broker.inject(outage=True)
    refused(trader, trader.name, "503", error=BrokerUnavailableError)
    trader.broker.inject(outage=False)
    sends_once(trader)


def test_a_broker_that_is_down_is_named_with_its_address_and_found_again(trader):
    port = int(trader.broker.url.rpartition(":")[2])
    connections = {trader.name: trader.connection()}
    trader.use_desk(with_lake_of(trader, Desk(trader.desk.settings, given={accounts: Accounts(connections)})))
    trader.broker.stop()
    with pytest.raises(BrokerUnavailableError, match=f"cannot be reached at {trader.broker.url}"):
        trader.trade(DAY)
    assert trader.rows("submissions", DAY).is_empty()
    clock = SteppedClock(session_close(EXCHANGE, DAY))
    with start_broker(trader.bench.desk.lake, EXCHANGE, port=port, clock=clock, name=trader.store) as again:
        trader.broker = again
        sends_once(trader)


def test_answers_that_are_not_json_are_asked_for_again(trader):
    for path in ("/v2/positions", "/v2/account$", "/v2/clock"):
        trader.broker.inject(method="GET", path=path, non_json=True)
    sends_once(trader)


def test_an_order_answered_with_a_web_page_is_looked_up_and_not_sent_again(trader):
    trader.broker.inject(method="POST", path=ORDERS, non_json=True, when="after")
    sends_once(trader)
    assert len(trader.posted()) == 4


def test_an_order_that_never_was_answered_is_known_by_its_fill(trader):
    trader.close(DAY)
    trader.broker.inject(method="POST", path=ORDERS, drop=True, when="after")
    for _ in range(40):
        trader.broker.inject(method="GET", path="/v2/orders:by_client_order_id", status=500)
    with pytest.raises(BrokerUnavailableError, match=f"book '{trader.name}', session {DAY}"):
        trader.trade(DAY)
    assert Counter(trader.rows("submissions", DAY)["status"]) == {"accepted": 3, "unknown": 1}
    trader.broker.clear_faults()
    trader.want(NEXT, OTHER)
    trader.close(NEXT)
    assert set(trader.rows("fills", NEXT)["client_order_id"]) == set(trader.posted())
    sends_once(trader, NEXT)
    trader.trade(DAY)
    assert set(trader.rows("submissions", DAY)["status"]) == {"accepted"}
    assert len(trader.posted()) == 8


def test_an_account_without_permission_to_trade_blocks_until_it_has_it(trader):
    trader.client().patch("/account/configurations", {"suspend_trade": True})
    blocked(trader, "the broker has blocked the account", trader.keys.account_number)
    trader.client().patch("/account/configurations", {"suspend_trade": False})
    sends_once(trader)


# The limits of the book.


@pytest.mark.parametrize(
    ("rule", "tight", "loose", "words"),
    [
        ("max_order_value", 0.1, 1.0, ("20% of equity", "max_order_value 10%", NAMES[0])),
        ("max_session_value", 0.5, 3.0, ("80% of equity", "max_session_value 50%")),
        ("max_orders", 3, 1000, ("4 orders are more than max_orders 3",)),
    ],
)
def test_orders_beyond_a_limit_are_all_held_back_until_it_is_raised(make_trader, rule, tight, loose, words):
    trader = make_trader(live={rule: tight})
    trader.want(DAY, WEIGHTS)
    blocked(trader, *words, str(DAY), "books.yaml")
    trader.set_rules(**{rule: loose})
    sends_once(trader)


def test_a_price_far_from_the_one_planned_at_holds_the_session_back(trader):
    trades = {name: {"t": "2021-03-01T21:00:00Z", "p": 1.0, "s": 1, "x": "N", "c": [], "i": 1, "z": "A"}
              for name in NAMES}  # fmt: skip
    trader.broker.inject(method="GET", path="/v2/stocks/trades/latest", status=200, body={"trades": trades})
    blocked(trader, f"{NAMES[0]}: its newest price 1.0000 is", "price_collar 50.0%")
    sends_once(trader)


@pytest.mark.parametrize(
    ("rule", "words"),
    [("max_daily_loss", "more than max_daily_loss 0.10%"), ("max_drawdown", "more than max_drawdown 0.10%")],
)
def test_a_loss_beyond_the_limit_stops_the_book_until_somebody_raises_it(holder, rule, words):
    assert holder.rows("pnl", NEXT)["daily_return"][0] < -0.001  # of this market
    holder.set_rules(**{rule: 0.001})
    blocked(holder, words, session=NEXT)
    holder.set_rules(**{rule: 0.9})
    sends_once(holder, NEXT)


# The kill switch, parity, time.


def test_a_stopped_book_sends_nothing_until_it_is_released(trader):
    switch.stop(trader.bench.desk.lake, now(), trader.name, "the model looks wrong")
    blocked(trader, "stopped", "the model looks wrong", f"trading-assets resume {trader.name} --reason")
    switch.release(trader.bench.desk.lake, now(), trader.name, "it is right")
    sends_once(trader)


def test_the_kill_switch_takes_hold_between_two_orders_and_the_rest_is_sent_after_it_is_released(trader):
    for _ in NAMES:
        trader.broker.inject(method="POST", path=ORDERS, delay=1.0)
    thread = threading.Thread(target=stop_at_the_first_order, args=(trader,))
    thread.start()
    with pytest.raises(TradingBlockedError, match=r"stopped since.*orders of the session were not sent"):
        trader.trade(DAY)
    thread.join()
    sent = trader.posted()
    assert 1 <= len(sent) < 4
    rows = trader.rows("submissions", DAY)
    assert set(rows.filter(pl.col("status") == "accepted")["client_order_id"]) == set(sent)
    assert trader.decisions(switch.REFUSE).height == 1
    trader.broker.clear_faults()
    switch.release(trader.bench.desk.lake, now(), trader.name, "go on")
    sends_once(trader)
    assert len(trader.posted()) == 4


def test_lost_parity_blocks_the_next_session_until_that_session_is_accepted(trader):
    trader.close(DAY)
    trader.trade(DAY)
    trader.client().cancel_orders()
    trader.want(NEXT, OTHER)
    trader.set_rules(parity_tolerance=0.0)
    with pytest.raises(DagsterAssetCheckFailedError, match="within_tolerance"):
        trader.close(NEXT)
    lost = trader.rows("parity", NEXT).row(0, named=True)
    assert (lost["is_within"], lost["fills_differing"]) == (False, 4)
    blocked(trader, f"parity with the backtest was lost on {NEXT}", f"--session {NEXT}", session=NEXT)
    switch.release(trader.bench.desk.lake, now(), trader.name, "cancelled by hand", session=DAY)
    blocked(trader, f"parity with the backtest was lost on {NEXT}", session=NEXT)
    switch.release(trader.bench.desk.lake, now(), trader.name, "cancelled by hand", session=NEXT)
    sends_once(trader, NEXT)


def test_orders_held_back_until_after_the_open_are_not_sent_any_more(trader):
    switch.stop(trader.bench.desk.lake, now(), trader.name, "a night to think")
    blocked(trader, "a night to think")
    trader.now_is(session_open(EXCHANGE, NEXT))
    switch.release(trader.bench.desk.lake, now(), trader.name, "too late")
    blocked(trader, f"from the close of {DAY} to the open of {NEXT}", "the next rebalance decides again")
    assert not trader.orders()


def test_a_session_that_is_first_run_after_the_next_open_plans_and_sends_nothing(trader):
    trader.now_is(session_open(EXCHANGE, NEXT))
    trader.trade(DAY)
    assert trader.rows("orders", DAY).is_empty()
    assert trader.rows("submissions", DAY).is_empty()
    assert not trader.posted()


def test_a_dry_run_sends_nothing_and_says_what_it_would_send(trader):
    trader.use(trading="dry_run")
    result = trader.trade(DAY)
    assert not trader.posted()
    planned = trader.rows("orders", DAY)
    rows = trader.rows("submissions", DAY)
    assert set(rows["status"]) == {"dry_run"}
    columns = ["symbol", "side", "quantity", "client_order_id"]
    assert rows.select(columns).equals(planned.select(columns))
    said = [record.user_message for record in trader.bench.instance.all_logs(result.run_id)]
    for side, quantity, symbol in planned.select("side", "quantity", "symbol").iter_rows():
        assert f"dry run, not sent: {side} {figure(quantity)} {symbol} {DAY}" in said
    trader.use(trading="send")
    sends_once(trader)


# Real money.


@pytest.fixture
def rich(make_trader) -> Trader:
    """A book of the broker "live", whose account is one at an embedded broker."""
    made = make_trader(broker="live", live={"allow_live": True})
    made.want(DAY, WEIGHTS)
    return made


def agree(trader: Trader) -> None:
    typed = trader.keys.account_number
    confirm(trader.bench.desk.lake, now(), trader.book, broker_of(trader.desk, trader.book), typed)


def test_real_money_is_traded_where_book_environment_and_confirmation_name_the_account(rich):
    agree(rich)
    with own_environment({LIVE_VARIABLE: rich.keys.account_number}):
        sends_once(rich)
    assert set(rich.rows("submissions", DAY)["broker"]) == {"live"}


@pytest.mark.parametrize("missing", ["book", "environment", "confirmation"])
def test_real_money_is_not_traded_while_one_of_the_three_settings_is_missing(rich, missing):
    if missing != "confirmation":
        agree(rich)
    if missing == "book":
        rich.set_rules(allow_live=False)
    words = {"book": "live.allow_live", "environment": LIVE_VARIABLE, "confirmation": "trading-assets confirm"}
    environment = {LIVE_VARIABLE: rich.keys.account_number} if missing != "environment" else {LIVE_VARIABLE: "123"}
    with own_environment(environment):
        message = refused(rich, rich.name, words.pop(missing), error=TradingSettingsError)
    assert not [word for word in words.values() if word in message]


def test_another_account_than_the_one_typed_is_not_confirmed(rich):
    with pytest.raises(TradingSettingsError, match="has no account '42'"):
        confirm(rich.bench.desk.lake, now(), rich.book, broker_of(rich.desk, rich.book), "42")
    assert rich.decisions(switch.CONFIRM).is_empty()


def by_hand(trader: Trader, symbol: str, shares: float):
    """An order that somebody else sends for the account."""
    from alpaca.trading.requests import MarketOrderRequest

    wanted = MarketOrderRequest(symbol=symbol, qty=shares, side="buy", time_in_force="opg")
    return trader.client().submit_order(wanted)


def use_keys(trader: Trader, keys) -> None:
    """Let the desk use other keys of the account."""
    trader.keys = keys
    url = trader.broker.url
    connections = {trader.name: Connection("embedded", url, url, keys.key_id, keys.secret)}
    trader.use_desk(
        with_lake_of(
            trader, Desk(trader.desk.settings, given={accounts: Accounts(connections)}, clock=trader.broker.now)
        )
    )


def with_lake_of(trader: Trader, desk: Desk) -> Desk:
    desk.__dict__["lake"] = trader.bench.desk.lake
    return desk


def stop_at_the_first_order(trader: Trader) -> None:
    """Throw the kill switch as soon as an order has reached the broker."""
    for _ in range(3_000):
        if trader.posted():
            break
        threading.Event().wait(0.01)
    switch.stop(trader.bench.desk.lake, now(), trader.name, "enough")
