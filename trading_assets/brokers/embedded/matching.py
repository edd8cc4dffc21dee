"""Fills: how orders meet the price, the session's volume and the cash of the account.

Every quantity, price and commission comes from `execution`, the functions that the backtest's ledger is made of.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trading_assets.brokers.embedded.accounts import MarginAccount
from trading_assets.brokers.embedded.faults import Faults
from trading_assets.brokers.embedded.identities import execution_identity
from trading_assets.brokers.embedded.market import Bar
from trading_assets.brokers.embedded.orders import Order
from trading_assets.brokers.embedded.payloads import moment, number, order_payload
from trading_assets.brokers.embedded.state import BrokerState, OrderEvent
from trading_assets.execution.accounting import trade
from trading_assets.execution.costs import commission, fill_price
from trading_assets.execution.fills import OpeningAuction, fill_orders
from trading_assets.execution.orders import in_fractions, whole_lots
from trading_assets.execution.roles import Trade, TradingRules

_LEAST_PART = 1e-6  # of an order; less cash than that is the rounding of what other orders left
_ROUNDING = 1e-12  # of an order; the shares of several orders are added and parted again


def compile_rules(rules: TradingRules) -> None:
    """Compile what an account's execution models need, which takes seconds, before a client waits for it."""
    one, any_trade = np.ones(1), Trade(1.0, 1.0, 1.0)
    fill_orders(one, np.zeros(1), OpeningAuction(one, one), 1.0, rules)
    fill_price(any_trade, rules.slippage)
    commission(any_trade, rules.commission)


def fill_at_open(
    state: BrokerState, account: MarginAccount, waiting: Sequence[Order], bars: dict[str, Bar], faults: Faults
) -> None:
    """Fill market orders of an account together in the opening auction.

    Orders of one symbol, which are all of one side, trade as one: at one price and with one commission, in the order of
    their submission.

    Parameters
    ----------
    state : BrokerState
        Changed in place; its time is that of the open.
    account : MarginAccount
        Whose orders they are.
    waiting : sequence of Order
        Market orders, none of a halted symbol.
    bars : dict
        Bars of the session by symbol.
    faults : Faults
        May make a fill partial.
    """
    tradable = [order for order in waiting if order.symbol in bars and bars[order.symbol].volume > 0]
    symbols = sorted({order.symbol for order in tradable})
    if not symbols:
        return
    by_symbol: dict[str, list[Order]] = {symbol: [] for symbol in symbols}
    for order in sorted(tradable, key=lambda order: order.sequence):
        by_symbol[order.symbol].append(order)
    price, volume = (np.array([getattr(bars[s], name) for s in symbols]) for name in ("open", "volume"))
    sums = [sum(o.sign * o.remaining(bars[s].open) for o in orders) for s, orders in by_symbol.items()]
    wanted = np.array([in_fractions(one) for one in sums], dtype=np.float64)
    rules, ledger = account.rules(), account.ledger(symbols)
    auction = OpeningAuction(price, volume)
    filled = fill_orders(wanted, ledger.quantity.copy(), auction, float(account.available), rules)
    traded = []
    for j, symbol in enumerate(symbols):
        shares = faults.part_of(float(filled[j]), account.lot_size)
        if shares != 0.0:
            at = float(fill_price(Trade(shares, price[j], volume[j]), rules.slippage))
            fee = float(commission(Trade(shares, at, volume[j]), rules.commission))
            trade(ledger, j, shares, at, fee)
            traded.append((symbol, (abs(shares), at, fee)))
    state.settle(account, symbols, ledger)
    for symbol, fill in traded:
        state.used[account.id, symbol] += fill[0]
        _share_out(state, account, by_symbol[symbol], bars[symbol].open, fill)


def _share_out(
    state: BrokerState,
    account: MarginAccount,
    orders: Sequence[Order],
    opening: float,
    traded: tuple[float, float, float],
) -> None:
    """Give a fill (shares, price, commission) to its orders, first come first served, commission by shares."""
    shares, price, fee = traded
    left = shares
    for order in orders:
        wanted = order.remaining(opening)
        part = left if order is orders[-1] else min(wanted, left)
        if part <= 0.0:
            return
        left = in_fractions(left - part)
        is_complete = part >= wanted * (1 - _ROUNDING)
        report_fill(state, account, order, part, price, fee * (part / shares), is_complete=is_complete)


def attempt(state: BrokerState, account: MarginAccount, order: Order, bar: Bar, price: float, faults: Faults) -> None:
    """Trade an order at the market's price of the moment, as far as volume and cash allow.

    A limit order trades at its limit or better. A fill-or-kill order trades all of its shares or none. What remains of
    an order trades only if at least a millionth of it does.

    Parameters
    ----------
    state : BrokerState
        Changed in place.
    account : MarginAccount
        Whose order it is.
    order : Order
        A market order, or a limit order that the price has reached.
    bar : Bar
        Bar of the session.
    price : float
        The price of the moment, in currency per share.
    faults : Faults
        May make the fill partial.
    """
    left = account.max_participation * bar.volume - state.used[account.id, order.symbol]
    if not (bar.volume > 0 and left > 0):
        return
    at_limit = _bounded(order, price)
    wanted = order.sign * order.remaining(at_limit)
    ledger, rules = account.ledger([order.symbol]), account.rules(left / bar.volume)
    opening = OpeningAuction(np.array([at_limit]), np.array([bar.volume]))
    filled = fill_orders(np.array([wanted]), ledger.quantity.copy(), opening, float(account.available), rules)
    shares = float(filled[0])
    if abs(shares) < _LEAST_PART * abs(wanted) or (order.time_in_force == "fok" and shares != wanted):
        return
    shares = faults.part_of(shares, account.lot_size)
    if shares == 0.0:
        return
    at = _bounded(order, float(fill_price(Trade(shares, at_limit, bar.volume), rules.slippage)))
    fee = float(commission(Trade(shares, at, bar.volume), rules.commission))
    trade(ledger, 0, shares, at, fee)
    state.settle(account, [order.symbol], ledger)
    state.used[account.id, order.symbol] += abs(shares)
    report_fill(state, account, order, abs(shares), at, fee, is_complete=shares == wanted)


def _bounded(order: Order, price: float) -> float:
    """A price, or the limit of the order where that is better for it."""
    if order.works_as != "limit" or order.limit_price is None:
        return price
    return min(price, order.limit_price) if order.side == "buy" else max(price, order.limit_price)


def report_fill(
    state: BrokerState,
    account: MarginAccount,
    order: Order,
    shares: float,
    price: float,
    fee: float,
    *,
    is_complete: bool,
) -> None:
    """Write a fill, not signed, into its order, the activities and the stream."""
    order.fill(shares, price, state.time, is_complete=is_complete)
    state.keep(order)
    kind = "fill" if is_complete else "partial_fill"
    left = 0.0 if is_complete else order.remaining(price)
    state.record(
        account.id,
        "FILL",
        {
            "transaction_time": moment(state.time),
            "type": kind,
            "price": number(price),
            "qty": number(shares),
            "side": order.side,
            "symbol": order.symbol,
            "leaves_qty": number(left),
            "cum_qty": number(order.filled_qty),
            "order_id": order.id,
            "order_status": order.status,
        },
    )
    if fee:
        book_entry(state, account, "FEE", order.symbol, -fee, f"commission of order {order.id}")
    tell(
        state, order, kind, price=number(price), qty=number(shares), position_qty=number(account.quantity(order.symbol))
    )


def book_entry(
    state: BrokerState, account: MarginAccount, kind: str, symbol: str, amount: float, description: str, **more: str
) -> None:
    """Record an activity that is not a fill; `amount` is what it did to the cash, in currency."""
    body = {
        "date": state.time.date().isoformat(),
        "net_amount": number(amount),
        "symbol": symbol,
        "status": "executed",
        "description": description,
        **more,
    }
    state.record(account.id, kind, body)


def tell(state: BrokerState, order: Order, event: str, **more: str) -> None:
    """Send an event of an order to the streams."""
    data = {
        "event": event,
        "execution_id": execution_identity(order.id, event, order.filled_qty, state.time),
        "order": order_payload(order),
        "timestamp": moment(state.time),
        **more,
    }
    state.changes.events.append(OrderEvent(order.account, data))


def end_order(state: BrokerState, order: Order, status: str) -> None:
    """Close an order: canceled, expired or rejected."""
    order.end(status, state.time)
    state.keep(order)
    tell(state, order, status)


def lots(shares: float, lot_size: float) -> float:
    """Shares in whole lots, rounded toward zero."""
    return float(whole_lots(float(shares), float(lot_size)))
