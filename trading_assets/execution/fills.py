"""Fills: orders of the last close meet the open of the session, its volume and the book's cash."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trading_assets.desk.compiled import compiled_method, numba_compiled
from trading_assets.execution.costs import commission, fill_price
from trading_assets.execution.orders import in_fractions, whole_lots
from trading_assets.execution.roles import AuctionOrder, Trade, TradingRules

FloatArray = npt.NDArray[np.float64]

_SEARCH_STEPS = 30
_CASH_ERROR = 1e-12  # of the cash needed; a search that close to the cash available has found the scale

_fillable_of = compiled_method("fillable")


class OpeningAuction(NamedTuple):
    """What an open offers, one element per symbol.

    Attributes
    ----------
    price : numpy.ndarray
        Raw open in currency per share, NaN where there is none.
    volume : numpy.ndarray
        Shares traded in the session.
    """

    price: FloatArray
    volume: FloatArray


@numba_compiled
def fill_orders(
    wanted: FloatArray, held: FloatArray, opening: OpeningAuction, available: float, rules: TradingRules
) -> FloatArray:
    """Shares of each order that trade at the open.

    The fill model says how much of an order trades, in whole lots unless it is all of it; no order takes more than
    `max_participation` of the session's volume, none trades without an open or volume. Sells come first; when cash does
    not pay for all buys with their costs, the part of them that opens long positions is scaled down by one common
    factor. Buying back a short position is never scaled: it takes risk off.

    Parameters
    ----------
    wanted : numpy.ndarray
        Shares ordered per symbol, positive to buy and negative to sell; shape (symbols,).
    held : numpy.ndarray
        Shares held before the open per symbol, signed; same shape.
    opening : OpeningAuction
        Open and volume of the session.
    available : float
        Cash that may be spent before the sells bring theirs, in currency.
    rules : TradingRules
        Lots, participation and execution models.

    Returns
    -------
    numpy.ndarray
        Shares filled per symbol, signed like the order; same shape. The rest of an order is cancelled.
    """
    filled = np.zeros(wanted.size)
    for j in range(wanted.size):
        filled[j] = _tradable(wanted[j], opening.price[j], opening.volume[j], rules)
        if filled[j] < 0.0:
            price, fee = _cost(filled[j], opening, j, rules)
            proceeds = -filled[j] * price - fee
            if proceeds < 0.0 and available + proceeds < 0.0:  # the minimum commission is more than the shares bring
                filled[j] = 0.0
            else:
                available += proceeds
    scale = _affordable_scale(filled, held, opening, available, rules)
    for j in range(wanted.size):
        if filled[j] > 0.0:
            filled[j] = _scaled(filled[j], held[j], scale, rules.lot_size)
    return filled


@numba_compiled
def _tradable(wanted: float, open_price: float, volume: float, rules: TradingRules) -> float:
    """Part of an order that the fill model lets trade, in whole lots unless it is all of it."""
    if wanted == 0.0 or np.isnan(open_price) or not volume > 0.0:
        return 0.0
    limit = rules.max_participation * volume
    shares = min(_fillable_of(rules.fill, AuctionOrder(wanted, open_price, volume, limit)), limit)
    if not shares > 0.0:
        return 0.0
    return wanted if shares >= abs(wanted) else whole_lots(np.copysign(shares, wanted), rules.lot_size)


@numba_compiled
def _cost(quantity: float, opening: OpeningAuction, symbol: int, rules: TradingRules) -> tuple[float, float]:
    """Price and commission of a trade at the open."""
    at_open, volume = opening.price[symbol], opening.volume[symbol]
    price = fill_price(Trade(quantity, at_open, volume), rules.slippage)
    return price, commission(Trade(quantity, price, volume), rules.commission)


@numba_compiled
def _scaled(bought: float, held: float, scale: float, lot_size: float) -> float:
    """Shares of a buy when the part that opens a long position is scaled."""
    if scale == 1.0:
        return bought
    cover = min(bought, max(-held, 0.0))
    return in_fractions(cover + whole_lots(scale * (bought - cover), lot_size))


@numba_compiled
def _nearly_scaled(bought: float, held: float, scale: float, lot_size: float) -> float:
    """As `_scaled`, before fractions are cut to those of a share: at most one of them more."""
    if lot_size > 0.0:
        return _scaled(bought, held, scale, lot_size)
    cover = min(bought, max(-held, 0.0))
    return cover + scale * (bought - cover)


@numba_compiled
def _cash_needed(
    filled: FloatArray, held: FloatArray, opening: OpeningAuction, scale: float, rules: TradingRules
) -> float:
    """Cash that the buys take at a scale, commission included."""
    total = 0.0
    for j in range(filled.size):
        if filled[j] > 0.0:
            bought = _nearly_scaled(filled[j], held[j], scale, rules.lot_size)
            price, fee = _cost(bought, opening, j, rules)
            total += bought * price + fee
    return total


@numba_compiled
def _affordable_scale(
    filled: FloatArray, held: FloatArray, opening: OpeningAuction, available: float, rules: TradingRules
) -> float:
    """Find the scale at which the buys take the cash available, from below, by regula falsi.

    The cash needed is almost linear in the scale, so a few steps suffice; with lots it is a staircase, which the number
    of steps bounds.
    """
    high, cash_high = 1.0, _cash_needed(filled, held, opening, 1.0, rules)
    if cash_high <= available:
        return 1.0
    low, cash_low = 0.0, _cash_needed(filled, held, opening, 0.0, rules)
    for _ in range(_SEARCH_STEPS):
        if available - cash_low <= _CASH_ERROR * cash_high:
            break
        scale = low + (high - low) * (available - cash_low) / (cash_high - cash_low)
        needed = _cash_needed(filled, held, opening, scale, rules)
        if needed <= available:
            low, cash_low = scale, needed
        else:
            high, cash_high = scale, needed
    return low
