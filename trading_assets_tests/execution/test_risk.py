"""The risk gate: each limit holds at its value and breaks above it, and what closes a position is never too large."""

from __future__ import annotations

import polars as pl
import pytest
from pydantic import ValidationError

from trading_assets.execution.risk import LiveRules, RiskState, Violation, risk_gate

RULES = LiveRules(
    time_in_force="opg",
    max_order_value=0.25,
    max_session_value=0.5,
    max_orders=3,
    max_orders_per_minute=200,
    price_collar=0.1,
    max_daily_loss=0.05,
    max_drawdown=0.2,
    drift_threshold=None,
    parity_tolerance=0.001,
    allow_live=False,
)
CALM = RiskState(equity=10_000.0, daily_return=0.0, drawdown=0.0, prices={}, untradable={})


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"time_in_force": "gtc"}, "'opg' or 'day'"),
        ({"max_order_value": 0.0}, "greater than 0"),
        ({"max_session_value": 20.5}, "less than or equal to 20"),
        ({"max_orders": 0.5}, "greater than or equal to 1"),
        ({"price_collar": 1.5}, "less than or equal to 1"),
        ({"max_drawdown": float("nan")}, "finite number"),
        ({"parity_tolerance": -0.1}, "greater than or equal to 0"),
        ({"drift_threshold": 0.0}, "greater than 0"),
        ({"max_daily_loss": "0.1"}, "valid number"),
        ({"allow_live": 1}, "valid boolean"),
        ({"max_loss": 0.1}, "Extra inputs"),
    ],
)
def test_a_limit_outside_its_range_is_refused(change, fault):
    with pytest.raises(ValidationError, match=rf"(?s){next(iter(change))}.*{fault}"):
        LiveRules.model_validate(RULES.model_dump() | change)


def orders(*rows: tuple[str, str, float, float]) -> pl.DataFrame:
    """Symbol, intent, shares, price."""
    schema = {"symbol": pl.String, "intent": pl.String, "quantity": pl.Float64, "reference_price": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


ONE = orders(("AAA", "buy_to_open", 10.0, 100.0))


def gate(wanted: pl.DataFrame = ONE, state: RiskState = CALM, **rules: float) -> list[Violation]:
    return risk_gate(wanted, state, RULES.model_copy(update=rules))


def test_orders_within_every_limit_pass():
    assert gate() == []
    assert gate(orders()) == []


@pytest.mark.parametrize(
    ("shares", "holds"), [(24.99, True), (25.0, True), (25.01, False)], ids=["below", "at", "above"]
)
@pytest.mark.parametrize("intent", ["buy_to_open", "sell_to_open"])
def test_an_order_may_be_worth_as_much_as_its_limit(intent, shares, holds):
    found = gate(orders(("AAA", intent, shares, 100.0)))
    assert [one.symbol for one in found] == ([] if holds else ["AAA"])
    assert all("max_order_value 25%" in one.reason for one in found)


@pytest.mark.parametrize("intent", ["buy_to_close", "sell_to_close"])
def test_an_order_that_closes_a_position_is_never_too_large(intent):
    assert gate(orders(("AAA", intent, 49.0, 100.0))) == []


@pytest.mark.parametrize(("shares", "holds"), [(24.99, True), (25.0, True), (25.01, False)])
def test_a_session_may_be_worth_as_much_as_its_limit(shares, holds):
    found = gate(orders(("AAA", "buy_to_open", 25.0, 100.0), ("BBB", "buy_to_open", shares, 100.0)), max_order_value=9)
    assert [one.symbol for one in found] == ([] if holds else [None])
    assert all("max_session_value 50%" in one.reason for one in found)


@pytest.mark.parametrize("intent", ["buy_to_close", "sell_to_close"])
def test_what_closes_positions_does_not_count_towards_the_value_of_a_session(intent):
    closing = [(name, intent, 40.0, 100.0) for name in ("AAA", "BBB")]
    assert gate(orders(*closing, ("CCC", "buy_to_open", 25.0, 100.0))) == []


@pytest.mark.parametrize(("number", "holds"), [(2, True), (3, True), (4, False)])
def test_a_session_may_have_as_many_orders_as_its_limit(number, holds):
    found = gate(orders(*[(f"A{n}", "buy_to_open", 1.0, 100.0) for n in range(number)]))
    assert found == ([] if holds else [Violation(None, "4 orders are more than max_orders 3")])


@pytest.mark.parametrize(("daily_return", "holds"), [(0.3, True), (-0.0499, True), (-0.05, True), (-0.0501, False)])
def test_a_session_may_lose_as_much_as_its_limit(daily_return, holds):
    found = gate(state=CALM._replace(daily_return=daily_return))
    assert [one.symbol for one in found] == ([] if holds else [None])
    assert all("max_daily_loss 5.00%" in one.reason for one in found)


@pytest.mark.parametrize(("drawdown", "holds"), [(0.0, True), (-0.199, True), (-0.2, True), (-0.201, False)])
def test_equity_may_fall_as_far_as_its_limit(drawdown, holds):
    found = gate(state=CALM._replace(drawdown=drawdown))
    assert [one.symbol for one in found] == ([] if holds else [None])
    assert all("max_drawdown 20.00%" in one.reason for one in found)


@pytest.mark.parametrize(
    ("newest", "holds"),
    [(90.01, True), (109.99, True), (89.99, False), (110.01, False), (None, True)],
)
@pytest.mark.parametrize("intent", ["buy_to_open", "sell_to_close"])
def test_a_price_may_move_as_far_as_the_collar(intent, newest, holds):
    prices = {} if newest is None else {"AAA": newest}
    found = gate(orders(("AAA", intent, 10.0, 100.0)), CALM._replace(prices=prices))
    assert [one.symbol for one in found] == ([] if holds else ["AAA"])
    assert all("price_collar 10.0%" in one.reason for one in found)


def test_a_price_at_the_collar_is_within():
    assert gate(state=CALM._replace(prices={"AAA": 125.0}), price_collar=0.25) == []
    assert gate(state=CALM._replace(prices={"AAA": 75.0}), price_collar=0.25) == []


@pytest.mark.parametrize("intent", ["buy_to_open", "sell_to_close"])
def test_a_symbol_that_the_broker_does_not_trade_is_named_with_its_reason(intent):
    found = gate(orders(("AAA", intent, 1.0, 100.0)), CALM._replace(untradable={"AAA": "is halted", "BBB": "is gone"}))
    assert found == [Violation("AAA", "is halted")]


@pytest.mark.parametrize("equity", [0.0, -5.0])
def test_an_account_without_equity_trades_nothing(equity):
    [found] = [one for one in gate(state=CALM._replace(equity=equity)) if one.symbol is None]
    assert "there is nothing to trade with" in found.reason


def test_every_limit_that_breaks_is_told():
    wanted = orders(*[(f"A{n}", "buy_to_open", 30.0, 100.0) for n in range(4)])
    found = gate(wanted, CALM._replace(daily_return=-0.5, drawdown=-0.5))
    told = " ".join(one.reason for one in found)
    for limit in ("max_daily_loss", "max_drawdown", "max_orders", "max_session_value", "max_order_value"):
        assert limit in told
    assert {one.symbol for one in found} == {None, "A0", "A1", "A2", "A3"}
