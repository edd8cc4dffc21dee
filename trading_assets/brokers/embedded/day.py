"""Effects of the start and the end of a session on an account: corporate actions, expiries, marks and delistings."""

from __future__ import annotations

import numpy as np

from trading_assets.brokers.embedded.accounts import MarginAccount
from trading_assets.brokers.embedded.increments import nearest_price
from trading_assets.brokers.embedded.market import Actions, Bar, LakeMarket
from trading_assets.brokers.embedded.matching import book_entry, end_order, lots, tell
from trading_assets.brokers.embedded.orders import Order
from trading_assets.brokers.embedded.payloads import number
from trading_assets.brokers.embedded.sessions import TradingSession
from trading_assets.brokers.embedded.state import BrokerState, EquityPoint
from trading_assets.execution.accounting import begin_session, fraction_of_share, trade
from trading_assets.execution.orders import in_fractions


def apply_actions(state: BrokerState, account: MarginAccount, actions: Actions, bars: dict[str, Bar]) -> None:
    """Apply splits and dividends to an account before the open, as the ledger does.

    A split scales positions and open orders, pays out fractions of a share in cash at the open (at the last close
    where the symbol does not open), and a dividend is paid on the new shares; a short position pays it.

    Parameters
    ----------
    state : BrokerState
        Changed in place; its time is that of the open.
    account : MarginAccount
        Whose positions and orders they are.
    actions : Actions
        What takes effect at this open.
    bars : dict
        Bars of the session by symbol.
    """
    before = {symbol: account.quantity(symbol) for symbol in actions.split}
    concerned = sorted(symbol for symbol in account.positions if symbol in actions.split or symbol in actions.dividend)
    if concerned:
        split = np.array([actions.split.get(symbol, 1.0) for symbol in concerned])
        dividend = np.array([actions.dividend.get(symbol, 0.0) for symbol in concerned])
        ledger = account.ledger(concerned)
        begin_session(ledger, split, dividend, float(account.lot_size))
        entitled = ledger.quantity.copy()
        paid_out = {}
        for j, symbol in enumerate(concerned):
            fraction = float(fraction_of_share(ledger.quantity[j], float(account.lot_size))) if split[j] != 1.0 else 0.0
            if fraction:
                price = bars[symbol].open if symbol in bars else float(ledger.mark[j])
                trade(ledger, j, -fraction, price, 0.0)
                paid_out[symbol] = (fraction, price)
        state.settle(account, concerned, ledger)
        for j, symbol in enumerate(concerned):
            _report(state, account, symbol, (before.get(symbol, 0.0), float(entitled[j])), float(split[j]),
                    float(dividend[j]), paid_out.get(symbol))  # fmt: skip
    for symbol, ratio in actions.split.items():
        _scale_orders(state, account, symbol, ratio, before[symbol])


def _report(
    state: BrokerState,
    account: MarginAccount,
    symbol: str,
    shares: tuple[float, float],
    split: float,
    dividend: float,
    paid_out: tuple[float, float] | None,
) -> None:
    old, new = shares
    if split != 1.0:
        text = f"split of {symbol}: {number(split)} new shares per old share"
        book_entry(state, account, "SPLIT", symbol, 0.0, text, qty=number(new - old))
    if dividend:
        text = f"dividend of {symbol}: {number(dividend)} per share"
        book_entry(
            state, account, "DIV", symbol, new * dividend, text, qty=number(new), per_share_amount=number(dividend)
        )
    if paid_out:
        fraction, price = paid_out
        text = f"cash in lieu of a fraction of a share of {symbol}"
        book_entry(state, account, "CIL", symbol, fraction * price, text, qty=number(-fraction), price=number(price))


def _scale_orders(state: BrokerState, account: MarginAccount, symbol: str, ratio: float, before: float) -> None:
    """Scale the open orders of a split symbol; orders that together close a position still close it afterwards.

    Prices go to the next increment away from the market: no order trades at a worse limit, or is triggered earlier.
    """
    orders = [order for order in state.open_orders(account.id, symbol) if order.qty is not None]
    old = in_fractions(sum(order.sign * order.remaining(1.0) for order in orders))
    is_closing = bool(orders) and old == -before
    left = -account.quantity(symbol) if is_closing else lots(old * ratio, account.lot_size)
    for order in orders:
        scaled = lots(order.remaining(1.0) * ratio, account.lot_size)
        shares = abs(left) if order is orders[-1] else min(scaled, abs(left))
        left = in_fractions(left - order.sign * shares)
        order.qty = in_fractions(order.filled_qty + shares)
        is_buy = order.side == "buy"
        if order.limit_price is not None:
            order.limit_price = nearest_price(order.limit_price / ratio, is_lower=is_buy)
        if order.stop_price is not None:
            order.stop_price = nearest_price(order.stop_price / ratio, is_lower=not is_buy)
        order.updated_at = state.time
        if shares == 0.0:
            end_order(state, order, "canceled")
        else:
            state.keep(order)
            tell(state, order, "restated")


def expire_orders(state: BrokerState, account: MarginAccount) -> None:
    """End the orders that the close ends: all but those good till cancelled."""
    for order in list(state.open_orders(account.id)):
        if order.time_in_force in {"opg", "cls"}:
            end_order(state, order, "canceled")
        elif order.time_in_force != "gtc":
            end_order(state, order, "expired")


def close_books(state: BrokerState, account: MarginAccount, market: LakeMarket, session: TradingSession) -> None:
    """Mark an account at the close, close out delisted positions at what holders received, and record its equity."""
    bars, listings = market.bars(session.date), market.listings()
    gone: dict[str, float] = {}
    for symbol in sorted(account.positions):
        position = account.positions[symbol]
        if symbol in bars:
            position.mark = bars[symbol].close
        state.changes.positions[account.id].add(symbol)
        listing = listings.get(symbol)
        if listing is not None and listing.delisted_on is not None and listing.delisted_on <= session.date:
            gone[symbol] = listing.delisting_return
    if gone:
        _close_out(state, account, gone)
    held = [position for _, position in sorted(account.positions.items())]
    long = sum(p.quantity * p.mark for p in held if p.quantity > 0)
    short = sum(p.quantity * p.mark for p in held if p.quantity < 0)
    account.equity_at_close = account.cash + long + short
    state.changes.accounts.add(account.id)
    state.changes.equity.append(EquityPoint(account.id, session.close, account.equity_at_close, account.cash))


def _close_out(state: BrokerState, account: MarginAccount, returns: dict[str, float]) -> None:
    symbols = list(returns)
    ledger = account.ledger(symbols)
    for j, (symbol, earned) in enumerate(returns.items()):
        shares, price = float(ledger.quantity[j]), float(ledger.mark[j]) * (1.0 + earned)
        trade(ledger, j, -shares, price, 0.0)
        text = f"{symbol} is delisted: closed at its last close times {1 + earned:g}"
        book_entry(state, account, "MA", symbol, shares * price, text, qty=number(-shares), price=number(price))
    state.settle(account, symbols, ledger)
    for symbol in symbols:
        for order in list(state.open_orders(account.id, symbol)):
            end_order(state, order, "canceled")


def waits_for_open(order: Order) -> bool:
    """Whether an order takes part in the opening auction."""
    return order.works_as == "market" and order.time_in_force in {"day", "gtc", "opg"}
