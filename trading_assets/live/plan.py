"""The plan of a session: from target weights and what the account holds to the orders that lead there."""

from collections.abc import Mapping
from datetime import date
from hashlib import sha256

import numpy as np
import polars as pl

from trading_assets.execution.orders import plan_orders
from trading_assets.live.contract import ORDERS
from trading_assets.live.errors import TradingBlockedError
from trading_assets.portfolio.books import Book


def client_order_id(book: str, session: date, symbol: str, side: str, attempt: int) -> str:
    """Identity of an order at the broker: the same decision has the same one in every run and process.

    Returns
    -------
    str
        The first 32 hexadecimal digits of the SHA-256 of "book|session|symbol|side|attempt", e.g. of
        "main|2015-01-02|AAPL|buy|1".
    """
    return sha256(f"{book}|{session}|{symbol}|{side}|{attempt}".encode()).hexdigest()[:32]


def plan(
    book: Book,
    session: date,
    weights: Mapping[str, float],
    held: Mapping[str, float],
    prices: Mapping[str, float],
    cash: float,
) -> pl.DataFrame:
    """Plan the orders of a session with the rule of the backtest, `execution.orders.plan_orders`.

    Parameters
    ----------
    book : Book
        Its lot size.
    session : datetime.date
        Session after whose close they are decided.
    weights : mapping of str to float
        Target weight per symbol, as a fraction of equity; a symbol without one weighs 0.
    held : mapping of str to float
        Shares held per symbol, signed.
    prices : mapping of str to float
        Last known close per symbol, in currency per share.
    cash : float
        Cash of the account, in currency.

    Returns
    -------
    polars.DataFrame
        Rows of `live.orders`, by symbol.

    Raises
    ------
    TradingBlockedError
        A symbol with a weight or a position has no price.
    """
    symbols = sorted({*(name for name, weight in weights.items() if weight), *held})
    unknown = [symbol for symbol in symbols if symbol not in prices]
    if unknown:
        raise TradingBlockedError(
            f"book {book.name!r} on {session}: {', '.join(unknown[:5])} has a weight or a position but no close up to "
            "then; materialise its bars_daily, or drop its signal"
        )
    quantity = np.array([held.get(symbol, 0.0) for symbol in symbols])
    price = np.array([prices[symbol] for symbol in symbols])
    weight = np.array([weights.get(symbol, 0.0) for symbol in symbols])
    equity = _equity(cash, quantity, price)
    wanted = plan_orders(weight, quantity, price, equity, book.lot_size) if symbols else quantity
    sides = ["buy" if number > 0 else "sell" for number in wanted]
    return pl.DataFrame(
        {
            "book": book.name,
            "date": session,
            "symbol": symbols,
            "client_order_id": [
                client_order_id(book.name, session, name, side, 1) for name, side in zip(symbols, sides, strict=True)
            ],
            "attempt": 1,
            "side": sides,
            "quantity": np.abs(wanted),
            "reference_price": price,
            "held": quantity,
        },
        schema=ORDERS.schema,
    ).filter(pl.col("quantity") > 0)


def largest_drift(
    weights: Mapping[str, float], held: Mapping[str, float], prices: Mapping[str, float], cash: float
) -> float:
    """Largest distance of a position's weight from its target, as a fraction of equity; 0 without equity."""
    symbols = sorted({*weights, *held})
    values = {symbol: held.get(symbol, 0.0) * prices.get(symbol, 0.0) for symbol in symbols}
    equity = cash + sum(values.values())
    if equity <= 0:
        return 0.0
    return max((abs(values[symbol] / equity - weights.get(symbol, 0.0)) for symbol in symbols), default=0.0)


def _equity(cash: float, quantity: np.ndarray, price: np.ndarray) -> float:
    """Cash and positions, added up in the order of the ledger, so that both plan the same last share."""
    values = quantity * price
    long, short = 0.0, 0.0
    for value, shares in zip(values, quantity, strict=True):
        if shares > 0.0:
            long += float(value)
        elif shares < 0.0:
            short += float(value)
    return cash + long + short
