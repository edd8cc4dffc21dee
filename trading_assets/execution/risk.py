"""The risk gate: whether a session's orders may be sent at all.

All limits are checked before the first order is sent, and one violation holds back all orders: half a portfolio is a
position nobody decided on.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, NamedTuple

import polars as pl
from pydantic import Field

from trading_assets.desk.configuration import ConfigModel
from trading_assets.figures import figure

# An order that closes a position reduces risk, so its size never blocks it.
_OPENS = "_to_open"
_LOST = {"max_daily_loss": "the session lost {:.2%}", "max_drawdown": "the drawdown is {:.2%}"}


_Fraction = Annotated[float, Field(gt=0, le=1)]
_AtLeastOne = Annotated[float, Field(ge=1)]


class LiveRules(ConfigModel):
    """What a book may do at a broker."""

    time_in_force: Literal["opg", "day"] = "opg"
    """"opg" trades in the opening auction or not at all, as the backtest does; "day" goes on until the close. Alpaca
    takes fractions of a share as "day" only."""
    max_order_value: Annotated[float, Field(gt=0, le=10)] = 0.6
    """Largest value of one order that opens a position, as a fraction of equity."""
    max_session_value: Annotated[float, Field(gt=0, le=20)] = 2.5
    """Largest value of all orders of a session that open positions, as a fraction of equity."""
    max_orders: _AtLeastOne = 1_000.0
    """Most orders of a session."""
    max_orders_per_minute: _AtLeastOne = 6_000.0
    """Highest rate at which orders are sent."""
    price_collar: _Fraction = 0.2
    """Largest distance of the newest price from the one an order was planned at, as a fraction of it."""
    max_daily_loss: _Fraction = 0.1
    """Loss of a session, as a fraction of the equity before, beyond which nothing is sent."""
    max_drawdown: _Fraction = 0.7
    """Fall of equity below its running maximum, as a fraction of it, beyond which nothing is sent."""
    drift_threshold: _Fraction | None = None
    """Distance of a position's weight from its target at which the book trades outside its rebalance sessions, as a
    fraction of equity; null never does."""
    parity_tolerance: Annotated[float, Field(ge=0, le=1)] = 0.001
    """Largest difference of equity between the account and the backtest of a session, as a fraction of equity."""
    allow_live: bool = False
    """Whether the book may trade real money; one of three settings that must agree."""


class RiskState(NamedTuple):
    """What the gate knows about the account and the market.

    Attributes
    ----------
    equity : float
        Equity before the orders, in currency.
    daily_return : float
        Change of equity in the session of the decision, as a fraction of the equity before.
    drawdown : float
        Equity over its running maximum less 1.
    prices : mapping of str to float
        Newest known price of each symbol, in currency per share.
    untradable : mapping of str to str
        Symbols that the broker does not trade, with the reason.
    """

    equity: float
    daily_return: float
    drawdown: float
    prices: Mapping[str, float]
    untradable: Mapping[str, str]


class Violation(NamedTuple):
    """A limit that is violated: the symbol, or None for the session, and why in words."""

    symbol: str | None
    reason: str


def losses_beyond(daily_return: float, drawdown: float, rules: LiveRules) -> Iterator[tuple[str, float, float]]:
    """Loss limits that an account exceeds: name, loss and limit, both as fractions of equity."""
    limits = (("max_daily_loss", -daily_return, rules.max_daily_loss), ("max_drawdown", -drawdown, rules.max_drawdown))
    return (one for one in limits if one[1] > one[2])


def risk_gate(orders: pl.DataFrame, state: RiskState, rules: LiveRules) -> list[Violation]:
    """Check every limit of a book before its orders are sent.

    Parameters
    ----------
    orders : polars.DataFrame
        `symbol, intent, quantity, reference_price`.
    state : RiskState
        Account and market.
    rules : LiveRules
        The book's limits.

    Returns
    -------
    list[Violation]
        Empty when the orders may be sent.
    """
    return [*_session_violations(orders, state, rules), *_order_violations(orders, state, rules)]


def _session_violations(orders: pl.DataFrame, state: RiskState, rules: LiveRules) -> Iterator[Violation]:
    opening = orders.filter(pl.col("intent").str.ends_with(_OPENS))
    value = float((opening["quantity"] * opening["reference_price"]).sum())
    if state.equity <= 0:
        yield Violation(None, f"the equity is {state.equity:,.2f}: there is nothing to trade with")
        return
    for what, loss, limit in losses_beyond(state.daily_return, state.drawdown, rules):
        yield Violation(None, f"{_LOST[what].format(loss)}, more than {what} {limit:.2%}")
    if orders.height > rules.max_orders:
        yield Violation(None, f"{orders.height} orders are more than max_orders {figure(rules.max_orders)}")
    if value > rules.max_session_value * state.equity:
        yield Violation(
            None,
            f"the orders that open positions are worth {value:,.0f}, which is {value / state.equity:.0%} of equity and "
            f"more than max_session_value {rules.max_session_value:.0%}",
        )


def _order_violations(orders: pl.DataFrame, state: RiskState, rules: LiveRules) -> Iterator[Violation]:
    for symbol, intent, quantity, reference in orders.select(
        "symbol", "intent", "quantity", "reference_price"
    ).iter_rows():
        if symbol in state.untradable:
            yield Violation(symbol, state.untradable[symbol])
        value = quantity * reference
        if intent.endswith(_OPENS) and value > rules.max_order_value * state.equity > 0:
            yield Violation(
                symbol,
                f"the order is worth {value:,.0f}, which is {value / state.equity:.0%} of equity and more than "
                f"max_order_value {rules.max_order_value:.0%}",
            )
        newest = state.prices.get(symbol)
        if newest is not None and abs(newest / reference - 1) > rules.price_collar:
            yield Violation(
                symbol,
                f"its newest price {newest:,.4f} is {abs(newest / reference - 1):.1%} from {reference:,.4f}, at which "
                f"the order was planned: more than price_collar {rules.price_collar:.1%}",
            )
