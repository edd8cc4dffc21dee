"""The ledger: the chronological loop over sessions that turns target weights into orders, fills, positions and P&L."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trading_assets.backtest import records as record
from trading_assets.backtest.records import (
    FillRow,
    OrderRow,
    PositionRow,
    Records,
    empty_records,
    record_fill,
    record_order,
    record_outcome,
    record_position,
    with_room,
)
from trading_assets.desk.compiled import numba_compiled
from trading_assets.execution.accounting import (
    Account,
    begin_session,
    fraction_of_share,
    mark_to_market,
    open_account,
    trade,
)
from trading_assets.execution.costs import commission, fill_price
from trading_assets.execution.fills import OpeningAuction, fill_orders
from trading_assets.execution.orders import plan_orders, whole_lots
from trading_assets.execution.roles import Trade, TradingRules

FloatArray = npt.NDArray[np.float64]

_NO_ORDER = -1


class MarketArrays(NamedTuple):
    """What happened to each symbol in each session; every array is float64 of shape (sessions, symbols).

    Attributes
    ----------
    open_price, close : numpy.ndarray
        Raw prices in currency per share, NaN where there is no bar.
    volume : numpy.ndarray
        Shares traded, 0 where there is no bar.
    split : numpy.ndarray
        New shares per old share of splits effective before the open, 1 where there is none.
    dividend : numpy.ndarray
        Cash per share that goes ex before the open, 0 where there is none.
    """

    open_price: FloatArray
    close: FloatArray
    volume: FloatArray
    split: FloatArray
    dividend: FloatArray


class Targets(NamedTuple):
    """What the book wants.

    Attributes
    ----------
    weight : numpy.ndarray
        Target weights, float64 of shape (sessions, symbols); read on rebalance sessions only.
    rebalance : numpy.ndarray
        Whether orders are planned after the close, bool of shape (sessions,).
    last_session : numpy.ndarray
        Index of the session at whose close a delisted symbol is closed out, int64 of shape (symbols,); the number of
        sessions for symbols that stay.
    delisting_return : numpy.ndarray
        Return from the last close to what holders of a delisted symbol received, float64 of shape (symbols,); 0 where
        it is not known.
    """

    weight: FloatArray
    rebalance: npt.NDArray[np.bool_]
    last_session: npt.NDArray[np.int64]
    delisting_return: FloatArray


class PendingOrders(NamedTuple):
    """The orders between a close and the next open, one element per symbol.

    Attributes
    ----------
    wanted : numpy.ndarray
        Shares to trade, positive to buy and negative to sell.
    closing : numpy.ndarray
        Whether the order closes the position.
    row : numpy.ndarray
        Row of the order in the records, -1 without an order.
    least_cash : numpy.ndarray
        Cash that buys must leave, in currency, shape (1,); negative where the weights planned to borrow.
    """

    wanted: FloatArray
    closing: npt.NDArray[np.bool_]
    row: npt.NDArray[np.int64]
    least_cash: FloatArray


class LedgerState(NamedTuple):
    """A book in the middle of its replay: the account, the orders for the next open, lots, and what is written down.

    It does not hold the book's execution models, so that code which does not use them is compiled only once.
    """

    account: Account
    pending: PendingOrders
    lot_size: float
    records: Records


@numba_compiled
def run_ledger(market: MarketArrays, targets: Targets, capital: float, rules: TradingRules) -> Records:
    """Replay a book session by session.

    In each session, in this order: splits and dividends; the orders of the last close at the open; marking at the
    close; closing out symbols delisted by now, at their last close times 1 + delisting return and without cost; and on
    a rebalance session planning the orders of the next. A session's rows depend on sessions up to it alone, except that
    the status of an order, written beside its decision, is that of the session after.

    Parameters
    ----------
    market : MarketArrays
        Prices, volumes and corporate actions.
    targets : Targets
        Weights, rebalance sessions and delistings. A symbol with a weight on a rebalance session has a close by then.
    capital : float
        Cash before the first session, in currency.
    rules : TradingRules
        Lots, participation and execution models. The ledger is compiled once for each combination of models.

    Returns
    -------
    Records
        Orders, fills, positions and P&L.
    """
    return continue_ledger(market, targets, open_account(capital, market.close.shape[1]), rules)


@numba_compiled
def continue_ledger(market: MarketArrays, targets: Targets, account: Account, rules: TradingRules) -> Records:
    """Replay a book session by session from an account that may hold positions; see `run_ledger`.

    Parameters
    ----------
    market, targets, rules
        As in `run_ledger`.
    account : Account
        The book before the first session; changed in place.

    Returns
    -------
    Records
        Orders, fills, positions and P&L.
    """
    sessions, symbols = market.close.shape
    records = empty_records(sessions)
    pending = PendingOrders(
        np.zeros(symbols), np.zeros(symbols, np.bool_), np.full(symbols, _NO_ORDER, np.int64), np.zeros(1)
    )
    for t in range(sessions):
        records = with_room(records, symbols)
        state = LedgerState(account, pending, rules.lot_size, records)
        _begin(state, market, t)
        _execute(state, rules, market, t)
        records.pnl[t, record.PRICE_PNL] = mark_to_market(account, market.close[t])
        _close_delisted(state, targets, t)
        _value(state, market.close[t], t)
        if targets.rebalance[t]:
            _decide(state, targets, t)
    used = records.used
    return Records(records.orders[: used[0]], records.fills[: used[1]], records.positions[: used[2]], records.pnl, used)


@numba_compiled
def _begin(state: LedgerState, market: MarketArrays, t: int) -> None:
    """Apply corporate actions; pay out fractions of a share at the open or, without one, at the last known close."""
    account, pending, lot_size, records = state
    records.pnl[t, record.DIVIDENDS] = begin_session(account, market.split[t], market.dividend[t], lot_size)
    for j in range(pending.wanted.size):
        ratio = market.split[t, j]
        if ratio == 1.0:
            continue
        fraction = fraction_of_share(account.quantity[j], lot_size)
        if fraction != 0.0:
            price = account.mark[j] if np.isnan(market.open_price[t, j]) else market.open_price[t, j]
            account.pivot[j] = price
            records.pnl[t, record.REALISED] += trade(account, j, -fraction, price, 0.0)
            record_fill(records, FillRow(float(t), float(j), -fraction, price, 0.0, 0.0, float(record.CASH_IN_LIEU)))
        if pending.closing[j]:
            pending.wanted[j] = -account.quantity[j]
        else:
            pending.wanted[j] = whole_lots(pending.wanted[j] * ratio, lot_size)


@numba_compiled
def _execute(state: LedgerState, rules: TradingRules, market: MarketArrays, t: int) -> None:
    """Fill the orders of the last close at this open, and settle them."""
    account, pending, _, records = state
    if np.all(pending.row == _NO_ORDER):
        return
    opening = OpeningAuction(market.open_price[t], market.volume[t])
    filled = fill_orders(pending.wanted, account.quantity, opening, account.cash[0] - pending.least_cash[0], rules)
    for j in range(filled.size):
        if filled[j] != 0.0:
            _book_fill(state, rules, opening, t, j, filled[j])
        if pending.row[j] != _NO_ORDER:
            record_outcome(records, pending.row[j], pending.wanted[j], filled[j])
    pending.row[:] = _NO_ORDER
    pending.wanted[:] = 0.0
    pending.closing[:] = False


@numba_compiled
def _book_fill(
    state: LedgerState, rules: TradingRules, opening: OpeningAuction, t: int, symbol: int, quantity: float
) -> None:
    """Apply a fill to the account, the session's P&L and the records."""
    account, _, _, records = state
    day = records.pnl[t]
    at_open, volume = opening.price[symbol], opening.volume[symbol]
    price = fill_price(Trade(quantity, at_open, volume), rules.slippage)
    fee = commission(Trade(quantity, price, volume), rules.commission)
    slippage = quantity * (price - at_open)
    account.pivot[symbol] = at_open
    day[record.REALISED] += trade(account, symbol, quantity, price, fee)
    day[record.COMMISSION] += fee
    day[record.SLIPPAGE] += slippage
    day[record.TRADED] += abs(quantity) * at_open
    record_fill(records, FillRow(float(t), float(symbol), quantity, price, fee, slippage, float(record.REBALANCE)))


@numba_compiled
def _close_delisted(state: LedgerState, targets: Targets, t: int) -> None:
    """Close the positions of symbols delisted by now at what holders received."""
    account, _, _, records = state
    for j in range(targets.last_session.size):
        quantity = account.quantity[j]
        if targets.last_session[j] <= t and quantity != 0.0:
            price = account.mark[j] * (1.0 + targets.delisting_return[j])
            records.pnl[t, record.PRICE_PNL] += quantity * (price - account.mark[j])
            records.pnl[t, record.REALISED] += trade(account, j, -quantity, price, 0.0)
            record_fill(records, FillRow(float(t), float(j), -quantity, price, 0.0, 0.0, float(record.DELISTING)))


@numba_compiled
def _value(state: LedgerState, close: FloatArray, t: int) -> None:
    """Record the positions and their values."""
    account, _, _, records = state
    day = records.pnl[t]
    for j in range(close.size):
        quantity, average, mark = account.quantity[j], account.average[j], account.mark[j]
        if quantity != 0.0:
            day[record.LONG if quantity > 0.0 else record.SHORT] += quantity * mark
            day[record.UNREALISED] += quantity * (mark - average)
            stale = 1.0 if np.isnan(close[j]) else 0.0
            record_position(records, PositionRow(float(t), float(j), quantity, average, mark, stale))
    day[record.CASH] = account.cash[0]
    day[record.EQUITY] = account.cash[0] + day[record.LONG] + day[record.SHORT]


@numba_compiled
def _decide(state: LedgerState, targets: Targets, t: int) -> None:
    """Plan the orders of the next open; a delisted symbol has no target any more."""
    account, pending, lot_size, records = state
    weight = np.where(targets.last_session <= t, 0.0, targets.weight[t])
    equity = records.pnl[t, record.EQUITY]
    pending.wanted[:] = plan_orders(weight, account.quantity, account.mark, equity, lot_size)
    pending.closing[:] = pending.wanted == -account.quantity
    pending.least_cash[0] = min(0.0, equity * (1.0 - np.sum(weight)))
    for j in range(weight.size):
        if pending.wanted[j] != 0.0:
            order = OrderRow(float(t), float(j), pending.wanted[j], account.mark[j], float(record.PENDING))
            pending.row[j] = record_order(records, order)
