"""Order planning: the shares that lead from the positions held to the weights wanted."""

import hashlib
import math

import numpy as np
import numpy.typing as npt
import polars as pl

from trading_assets.desk.compiled import numba_compiled
from trading_assets.execution.roles import SHARE_DECIMALS

FloatArray = npt.NDArray[np.float64]

_FRACTIONS = 10.0**SHARE_DECIMALS  # of a share
_LOT_ERROR = 1e-9  # of a lot; absorbs the rounding of weight x equity / price, so that 100 shares are not cut to 99
_ID_DIGITS = 32


@numba_compiled
def in_fractions(quantity: float) -> float:
    """The double nearest to a quantity with the decimals of the smallest fraction of a share.

    Sums and products of such quantities differ from one in their last bits; this takes the difference away. Whole
    numbers stay as they are, and so do fractions up to 4 million shares, beyond which doubles are too far apart.

    Parameters
    ----------
    quantity : float
        Shares, signed.

    Returns
    -------
    float
        Shares, signed.
    """
    if quantity == math.floor(quantity):
        return quantity
    return float(np.rint(quantity * _FRACTIONS) / _FRACTIONS)


@numba_compiled
def whole_lots(quantity: float, lot_size: float) -> float:
    """Round a quantity toward zero to whole lots, or to the smallest fraction of a share.

    Parameters
    ----------
    quantity : float
        Shares, signed.
    lot_size : float
        Shares per lot; 0 rounds to 9 decimals, the smallest fraction of a share.

    Returns
    -------
    float
        Shares, signed.
    """
    if lot_size == 0.0:
        if in_fractions(quantity) == quantity:
            return quantity
        return math.copysign(math.floor(abs(quantity) * _FRACTIONS) / _FRACTIONS, quantity)
    return in_fractions(math.copysign(math.floor(abs(quantity) / lot_size + _LOT_ERROR) * lot_size, quantity))


@numba_compiled
def plan_orders(
    weight: FloatArray, quantity: FloatArray, price: FloatArray, equity: float, lot_size: float
) -> FloatArray:
    """Plan the orders of a book after the close: weight x equity / price less the position, in whole lots.

    A position whose target is 0 is closed to the last share, odd lots included. A book without equity wants nothing.

    Parameters
    ----------
    weight : numpy.ndarray
        Target weight per symbol as a fraction of equity, negative for short; shape (symbols,).
    quantity : numpy.ndarray
        Shares held per symbol, signed; same shape.
    price : numpy.ndarray
        Last known close per symbol; same shape. Known wherever the weight is not 0.
    equity : float
        Equity of the book at this close, in currency.
    lot_size : float
        Shares per lot; 0 allows fractions of 9 decimals.

    Returns
    -------
    numpy.ndarray
        Shares to trade per symbol, positive to buy and negative to sell; same shape.
    """
    wanted = np.zeros(weight.size)
    for j in range(weight.size):
        if weight[j] == 0.0 or equity <= 0.0:
            wanted[j] = -quantity[j]
        else:
            wanted[j] = whole_lots(weight[j] * equity / price[j] - quantity[j], lot_size)
    return wanted


def order_ids(orders: pl.DataFrame) -> pl.Series:
    """Identity of orders: the same decision has the same id in every run and process.

    Parameters
    ----------
    orders : polars.DataFrame
        `book, date, symbol, side`, with the decision session as `date`.

    Returns
    -------
    polars.Series
        `order_id` Utf8 in the order of the rows: the first 32 hexadecimal digits of the SHA-256 of
        "book|date|symbol|side", e.g. of "main|2015-01-02|AAPL|buy"; null where one of them is null.
    """
    keys = orders.select(key=pl.concat_str(["book", pl.col("date").dt.to_string("%Y-%m-%d"), "symbol", "side"],
                                           separator="|"))  # fmt: skip
    hashes = [None if key is None else hashlib.sha256(key.encode()).hexdigest()[:_ID_DIGITS] for key in keys["key"]]
    return pl.Series("order_id", hashes, dtype=pl.String)
