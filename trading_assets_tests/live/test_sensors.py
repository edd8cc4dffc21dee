"""Sensors of live trading, evaluated as Dagster evaluates them, against a running broker."""

from __future__ import annotations

import time
from datetime import timedelta

import dagster as dg
import pytest
from alpaca.trading.requests import LimitOrderRequest

from trading_assets.brokers.accounts import broker_of
from trading_assets.definitions import build_defs
from trading_assets.desk.calendar import session_close, session_open
from trading_assets.desk.clock import now
from trading_assets.live import switch
from trading_assets.live.stage import POLL_JOB, live_tags
from trading_assets_tests.live._live_bench import DAYS, EXCHANGE, OpenTrader, Trader

pytestmark = pytest.mark.slow


def evaluate(trader: Trader, name: str, cursor: str | None = None) -> dg.SensorEvaluationContext:
    """Evaluate a sensor as the daemon does; the result is on the context as `found`."""
    defs = build_defs(desk=trader.desk)
    with trader.bench.active():
        context = dg.build_sensor_context(
            trader.bench.instance, cursor=cursor, definitions=defs, sensor_name=name, repository_name="__repository__"
        )
        return defs.get_repository_def().get_sensor_def(name).evaluate_tick(context)


def half(trader: Trader) -> dict[str, float]:
    return dict.fromkeys(trader.symbols[:2], 0.4)


# --- close_session_sensor


def test_a_session_is_closed_once_its_target_weights_are_there(make_trader: OpenTrader) -> None:
    trader, day = make_trader(), DAYS[0]
    found = evaluate(trader, "close_session_sensor")
    assert not found.run_requests
    assert f"the target weights of {day} are not there yet" in found.skip_message

    trader.want(day, half(trader))
    (request,) = evaluate(trader, "close_session_sensor").run_requests
    assert request.tags.items() >= live_tags(trader.name, day).items()

    trader.close(day)
    assert f"{day} is closed" in evaluate(trader, "close_session_sensor").skip_message


def test_sessions_that_were_missed_are_closed_in_one_run(make_trader: OpenTrader) -> None:
    trader = make_trader()
    trader.step(DAYS[0], half(trader))
    for day in DAYS[1:4]:
        trader.want(day, half(trader))
    trader.now_is(session_close(EXCHANGE, DAYS[3]))

    (request,) = evaluate(trader, "close_session_sensor").run_requests

    assert request.tags.items() >= live_tags(trader.name, DAYS[1], DAYS[3]).items()


# --- rebalance_sensor


def test_orders_are_requested_for_a_closed_rebalance_session_under_its_signals(make_trader: OpenTrader) -> None:
    trader, day = make_trader(), DAYS[0]
    trader.want(day, half(trader))
    assert "is not closed in the books yet" in evaluate(trader, "rebalance_sensor").skip_message
    trader.close(day)

    (request,) = evaluate(trader, "rebalance_sensor").run_requests
    book, session, signals = request.run_key.split("|")
    assert (book, session) == (trader.name, str(day))
    (again,) = evaluate(trader, "rebalance_sensor").run_requests
    assert again.run_key == request.run_key

    trader.want(day, {trader.symbols[3]: 0.5})
    (other,) = evaluate(trader, "rebalance_sensor").run_requests
    assert other.run_key.split("|")[2] != signals


def test_no_orders_are_requested_while_the_market_is_open(make_trader: OpenTrader) -> None:
    trader, day = make_trader(), DAYS[0]
    trader.want(day, half(trader))
    trader.close(day)
    trader.now_is(session_open(EXCHANGE, DAYS[1]) + timedelta(hours=1))
    assert "the market is open" in evaluate(trader, "rebalance_sensor").skip_message


def test_outside_its_rebalance_sessions_a_book_trades_only_past_its_drift_threshold(make_trader: OpenTrader) -> None:
    trader = make_trader(live={"drift_threshold": 0.3})
    trader.step(DAYS[0], half(trader))
    trader.want(DAYS[1], half(trader), rebalances=False)
    trader.close(DAYS[1])
    assert "nothing has drifted past the threshold" in evaluate(trader, "rebalance_sensor").skip_message

    trader.want(DAYS[1], {trader.symbols[0]: 0.9}, rebalances=False)
    (request,) = evaluate(trader, "rebalance_sensor").run_requests
    assert trader.trade(DAYS[1]).success
    assert request.run_key.startswith(f"{trader.name}|{DAYS[1]}")
    assert trader.rows("submissions", DAYS[1]).height > 0


# --- fill_poller


def test_new_fills_are_collected_while_the_session_goes_on_and_once(make_trader: OpenTrader) -> None:
    trader = make_trader()
    trader.step(DAYS[0], half(trader))
    before = evaluate(trader, "fill_poller")
    assert not before.run_requests
    trader.now_is(session_open(EXCHANGE, DAYS[1]) + timedelta(minutes=5))

    found = evaluate(trader, "fill_poller", before.cursor)

    (request,) = found.run_requests
    assert request.tags.items() >= live_tags(trader.name, DAYS[1]).items()
    assert trader.run(POLL_JOB, live_tags(trader.name, DAYS[1])).success
    assert trader.rows("fills", DAYS[1]).height == 2
    trader.now_is(session_open(EXCHANGE, DAYS[1]) + timedelta(minutes=10))
    assert "no new fill" in evaluate(trader, "fill_poller", found.cursor).skip_message


def test_between_polls_a_minute_passes_unless_the_stream_hints_at_a_fill(make_trader: OpenTrader) -> None:
    trader = make_trader()
    trader.step(DAYS[0], half(trader))
    first = evaluate(trader, "fill_poller")
    assert "polled less than a minute ago" in evaluate(trader, "fill_poller", first.cursor).skip_message


def test_a_hint_of_the_stream_makes_the_poller_ask_at_once(make_trader: OpenTrader) -> None:
    trader = make_trader()
    trader.step(DAYS[0], half(trader))
    first = evaluate(trader, "fill_poller")
    hints = broker_of(trader.desk, trader.book).hints
    deadline = time.monotonic() + 30
    while not hints._hinted.is_set() and time.monotonic() < deadline:
        # An order that changes is what the stream tells; until it is connected it tells nothing.
        trader.client().submit_order(
            LimitOrderRequest(symbol=trader.symbols[5], qty=1, side="buy", time_in_force="day", limit_price=0.01)
        )
        time.sleep(0.2)

    asked = evaluate(trader, "fill_poller", first.cursor)

    assert "no new fill" in asked.skip_message
    hints.stop()


# --- kill_switch


def test_a_book_within_its_limits_goes_on(make_trader: OpenTrader) -> None:
    trader = make_trader()
    trader.step(DAYS[0], half(trader))
    assert "within its limits" in evaluate(trader, "kill_switch").skip_message
    assert switch.why_stopped(trader.bench.desk.lake, trader.name) is None


def test_a_loss_past_the_limit_stops_the_book_and_cancels_its_orders(make_trader: OpenTrader) -> None:
    trader = make_trader(live={"max_daily_loss": 0.05})
    trader.step(DAYS[0], half(trader))
    assert len(broker_of(trader.desk, trader.book).open_orders()) == 2
    trader.broker.tamper(trader.name, cash=900_000.0)

    said = evaluate(trader, "kill_switch").skip_message

    assert "lost 10.00% since the last close, more than max_daily_loss 5.00%" in said
    assert "max_daily_loss" in str(switch.why_stopped(trader.bench.desk.lake, trader.name))
    assert broker_of(trader.desk, trader.book).open_orders() == []


def test_what_a_stopped_book_has_open_is_cancelled(make_trader: OpenTrader) -> None:
    trader = make_trader()
    trader.step(DAYS[0], half(trader))
    switch.stop(trader.bench.desk.lake, now(), trader.name, "by hand")
    evaluate(trader, "kill_switch")
    assert broker_of(trader.desk, trader.book).open_orders() == []


def test_a_broker_that_does_not_run_is_a_reason_to_skip_and_no_error(make_trader: OpenTrader) -> None:
    trader = make_trader()
    trader.desk.clock = None
    trader.broker.stop()
    for name in ("close_session_sensor", "rebalance_sensor", "fill_poller", "kill_switch"):
        assert "cannot be reached" in evaluate(trader, name).skip_message
