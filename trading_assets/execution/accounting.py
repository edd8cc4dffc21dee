"""The account of a book: cash, positions and average prices, and what corporate actions and fills do to them."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trading_assets.desk.compiled import numba_compiled
from trading_assets.execution.orders import in_fractions, whole_lots

FloatArray = npt.NDArray[np.float64]

_SHARE_ERROR = 1e-9  # of a share; 15 shares in a 1-for-3 reverse split are 5 and not 4.999...


class Account(NamedTuple):
    """State of a book; the arrays have one element per symbol, `cash` has a single one, and all change in place.

    Attributes
    ----------
    cash : numpy.ndarray
        Currency; negative for a book that borrows.
    quantity : numpy.ndarray
        Shares held, negative for short.
    average : numpy.ndarray
        Average price paid for the shares held (received, when short), spread and impact included, commission not; 0
        without a position.
    mark : numpy.ndarray
        Last known close in the shares of today, NaN before the first.
    carried : numpy.ndarray
        Shares carried into the session, after its splits and before its fills.
    pivot : numpy.ndarray
        Price that divides the session's gross P&L in two: carried shares earn up to it, shares held at the close from
        it. The open for a symbol that trades, otherwise the last mark.
    """

    cash: FloatArray
    quantity: FloatArray
    average: FloatArray
    mark: FloatArray
    carried: FloatArray
    pivot: FloatArray


@numba_compiled
def open_account(capital: float, symbols: int) -> Account:
    """Return an account of cash alone.

    Parameters
    ----------
    capital : float
        Cash in currency.
    symbols : int
        Number of symbols.

    Returns
    -------
    Account
        No positions, no known prices.
    """
    nothing = np.zeros(symbols)
    return Account(
        np.full(1, capital), nothing, nothing.copy(), np.full(symbols, np.nan), nothing.copy(), nothing.copy()
    )


@numba_compiled
def trade(account: Account, symbol: int, quantity: float, price: float, fee: float) -> float:
    """Book a fill: shares, cash and average price.

    Shares that add to a position enter its average price; shares that reduce it leave the average as it is; what goes
    beyond closing it opens the opposite position at the price of the fill.

    Parameters
    ----------
    account : Account
        Changed in place.
    symbol : int
        Column of the symbol.
    quantity : float
        Shares, positive to buy and negative to sell; not 0.
    price : float
        Price of the fill, in currency per share.
    fee : float
        Commission in currency.

    Returns
    -------
    float
        Realised P&L in currency: closed shares x (price - average price), before commission.
    """
    held = account.quantity[symbol]
    average = account.average[symbol]
    after = in_fractions(held + quantity)
    realised = 0.0
    if held == 0.0:
        account.average[symbol] = price
    elif (held > 0.0) == (quantity > 0.0):
        account.average[symbol] = (held * average + quantity * price) / after
    else:
        closed = np.copysign(min(abs(quantity), abs(held)), held)
        realised = closed * (price - average)
        if after == 0.0:
            account.average[symbol] = 0.0
        elif (after > 0.0) != (held > 0.0):
            account.average[symbol] = price
    account.quantity[symbol] = after
    account.cash[0] -= quantity * price + fee
    return realised


@numba_compiled
def begin_session(account: Account, split: FloatArray, dividend: FloatArray, lot_size: float) -> float:
    """Apply the corporate actions that are due before the open, and start the session's P&L.

    Splits come first, so a dividend of the same day is per new share. A short position pays the dividend.

    Parameters
    ----------
    account : Account
        Changed in place.
    split : numpy.ndarray
        New shares per old share, 1 where there is no split; shape (symbols,).
    dividend : numpy.ndarray
        Cash per share, 0 where there is none; same shape.
    lot_size : float
        Shares per lot; 0 keeps the fractions of a share, to 9 decimals.

    Returns
    -------
    float
        Dividends received less paid, in currency.
    """
    received = 0.0
    for j in range(split.size):
        if split[j] != 1.0:
            account.mark[j] /= split[j]
            account.average[j] /= split[j]
            account.quantity[j] = _after_split(account.quantity[j], split[j], lot_size)
        if dividend[j] != 0.0 and account.quantity[j] != 0.0:
            received += account.quantity[j] * dividend[j]
        account.carried[j] = account.quantity[j]
        account.pivot[j] = account.mark[j]
    account.cash[0] += received
    return received


@numba_compiled
def _after_split(quantity: float, ratio: float, lot_size: float) -> float:
    exact = quantity * ratio
    if lot_size == 0.0:
        return in_fractions(exact)
    whole = float(round(exact))
    return whole if abs(exact - whole) < _SHARE_ERROR else exact


@numba_compiled
def fraction_of_share(quantity: float, lot_size: float) -> float:
    """Part of a position that cannot be held, which a split leaves and the company pays out in cash.

    Parameters
    ----------
    quantity : float
        Shares held, signed.
    lot_size : float
        Shares per lot. Odd lots are held; fractions of a share, or of a lot smaller than that, are not. 0 allows all.

    Returns
    -------
    float
        Shares, signed like the position.
    """
    fraction = quantity - whole_lots(quantity, min(lot_size, 1.0))
    return fraction if abs(fraction) > _SHARE_ERROR else 0.0


@numba_compiled
def mark_to_market(account: Account, close: FloatArray) -> float:
    """Mark the positions at the close; where there is none, the last known close stays.

    Parameters
    ----------
    account : Account
        Changed in place.
    close : numpy.ndarray
        Raw close per symbol, NaN where there is none; shape (symbols,).

    Returns
    -------
    float
        Gross P&L of the session's prices in currency: before spread, impact and commission, without dividends.
    """
    earned = 0.0
    for j in range(close.size):
        before = account.mark[j]
        if not np.isnan(close[j]):
            account.mark[j] = close[j]
        if account.carried[j] != 0.0:
            earned += account.carried[j] * (account.pivot[j] - before)
        if account.quantity[j] != 0.0:
            earned += account.quantity[j] * (account.mark[j] - account.pivot[j])
    return earned
