"""What the ledger writes down: growing tables of orders, fills and positions, and one row of P&L per session."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trading_assets.desk.compiled import numba_compiled

FloatArray = npt.NDArray[np.float64]

PNL_COLUMNS = (
    "equity",
    "cash",
    "long_value",
    "short_value",
    "price_pnl",
    "realised_pnl",
    "unrealised_pnl",
    "dividends",
    "commission",
    "slippage_cost",
    "traded_value",
)
EQUITY, CASH, LONG, SHORT, PRICE_PNL, REALISED, UNREALISED, DIVIDENDS, COMMISSION, SLIPPAGE, TRADED = range(11)

STATUSES = ("cancelled", "partially_filled", "filled", "pending")
CANCELLED, PARTIALLY_FILLED, FILLED, PENDING = range(4)

REASONS = ("rebalance", "delisting", "cash_in_lieu")
REBALANCE, DELISTING, CASH_IN_LIEU = range(3)

_FIRST_ROWS = 1024


class OrderRow(NamedTuple):
    """An order; all numbers are float64.

    Attributes
    ----------
    session, column : float
        Indices of the decision session and the symbol.
    quantity : float
        Shares, positive to buy and negative to sell.
    reference_price : float
        Close it is planned at, in currency per share.
    status : float
        Index into `STATUSES`.
    """

    session: float
    column: float
    quantity: float
    reference_price: float
    status: float


class FillRow(NamedTuple):
    """A fill; all numbers are float64.

    Attributes
    ----------
    session, column : float
        Indices of the execution session and the symbol.
    quantity : float
        Shares, positive when bought and negative when sold.
    price : float
        Currency per share.
    commission, slippage_cost : float
        Commission, and cost against the open, in currency.
    reason : float
        Index into `REASONS`.
    """

    session: float
    column: float
    quantity: float
    price: float
    commission: float
    slippage_cost: float
    reason: float


class PositionRow(NamedTuple):
    """A position at the close; all numbers are float64.

    Attributes
    ----------
    session, column : float
        Indices of the session and the symbol.
    quantity : float
        Shares, negative for short.
    average_price, price : float
        Average price and mark, in currency per share.
    is_stale : float
        1 where the mark is from an earlier session, else 0.
    """

    session: float
    column: float
    quantity: float
    average_price: float
    price: float
    is_stale: float


_STATUS = OrderRow._fields.index("status")
_WIDTHS = (len(OrderRow._fields), len(FillRow._fields), len(PositionRow._fields), len(PNL_COLUMNS))


class Records(NamedTuple):
    """Float64 tables of what happened.

    Attributes
    ----------
    orders, fills, positions : numpy.ndarray
        Rows of `OrderRow`, `FillRow` and `PositionRow` in the order of sessions; those past `used` are not written.
    pnl : numpy.ndarray
        One row of `PNL_COLUMNS` per session.
    used : numpy.ndarray
        Number of rows written to orders, fills and positions, int64 of shape (3,).
    """

    orders: FloatArray
    fills: FloatArray
    positions: FloatArray
    pnl: FloatArray
    used: npt.NDArray[np.int64]


@numba_compiled
def empty_records(sessions: int) -> Records:
    """Return records without rows.

    Parameters
    ----------
    sessions : int
        Number of rows of `pnl`, all zero.

    Returns
    -------
    Records
        Tables to write to.
    """
    return Records(
        np.empty((_FIRST_ROWS, _WIDTHS[0])),
        np.empty((_FIRST_ROWS, _WIDTHS[1])),
        np.empty((_FIRST_ROWS, _WIDTHS[2])),
        np.zeros((sessions, _WIDTHS[3])),
        np.zeros(3, np.int64),
    )


@numba_compiled
def with_room(records: Records, symbols: int) -> Records:
    """Return the records with room for one more session.

    Parameters
    ----------
    records : Records
        Tables written so far.
    symbols : int
        Number of symbols: each has at most one order, three fills and one position in a session.

    Returns
    -------
    Records
        The same rows, in larger tables where the room was short.
    """
    return Records(
        _grown(records.orders, records.used[0], symbols),
        _grown(records.fills, records.used[1], 3 * symbols),
        _grown(records.positions, records.used[2], symbols),
        records.pnl,
        records.used,
    )


@numba_compiled
def _grown(rows: FloatArray, used: int, needed: int) -> FloatArray:
    """Double a table that is too short, which keeps all the copying proportional to the rows."""
    if used + needed <= rows.shape[0]:
        return rows
    larger = np.empty((max(2 * rows.shape[0], used + needed), rows.shape[1]))
    larger[:used] = rows[:used]
    return larger


@numba_compiled
def record_order(records: Records, order: OrderRow) -> int:
    """Write an order.

    Parameters
    ----------
    records : Records
        Changed in place.
    order : OrderRow
        The order.

    Returns
    -------
    int
        Its row.
    """
    row = records.used[0]
    _write(records.orders[row], order)
    records.used[0] += 1
    return row  # type: ignore[no-any-return]


@numba_compiled
def record_outcome(records: Records, row: int, wanted: float, filled: float) -> None:
    """Write the outcome of an order beside its decision; what did not trade is cancelled.

    Parameters
    ----------
    records : Records
        Changed in place.
    row : int
        Row of the order.
    wanted, filled : float
        Shares ordered and filled, signed, in the shares of the execution session.
    """
    outcome = PARTIALLY_FILLED
    if filled == 0.0:
        outcome = CANCELLED
    elif filled == wanted:
        outcome = FILLED
    records.orders[row, _STATUS] = outcome


@numba_compiled
def record_fill(records: Records, fill: FillRow) -> None:
    """Write a fill.

    Parameters
    ----------
    records : Records
        Changed in place.
    fill : FillRow
        The fill.
    """
    _write(records.fills[records.used[1]], fill)
    records.used[1] += 1


@numba_compiled
def record_position(records: Records, position: PositionRow) -> None:
    """Write a position at the close.

    Parameters
    ----------
    records : Records
        Changed in place.
    position : PositionRow
        The position.
    """
    _write(records.positions[records.used[2]], position)
    records.used[2] += 1


@numba_compiled
def _write(row: FloatArray, values: tuple[float, ...]) -> None:
    for k in range(len(values)):
        row[k] = values[k]
