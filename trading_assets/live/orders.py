"""The orders of a session: the trades that bring the account's positions to the target weights."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from hashlib import sha256

import numpy as np
import polars as pl

from trading_assets.brokers.accounts import broker_of, time_of
from trading_assets.desk.desk import Desk
from trading_assets.execution.orders import in_fractions, plan_orders
from trading_assets.lake import LakeFrame
from trading_assets.live.contract import ORDERS, SUBMISSIONS
from trading_assets.live.errors import TradingBlockedError
from trading_assets.live.session import stored_closes, window_of
from trading_assets.market_data.contract import BARS_DAILY
from trading_assets.portfolio.books import Book

# States of an order that may have been sent: the plan of its session stays as it is.
_FROZEN = ("intended", "unknown", "accepted")


def planned_orders(desk: Desk, book: Book, session: date, target_weights: LakeFrame, bars: LakeFrame) -> pl.DataFrame:
    """Orders of a session: the stored ones once any may have been sent or the time to send them is over.

    They are planned from the positions at the broker, which the fills of the orders themselves change: planning again
    after the first order was sent would give different orders under the same ids.
    """
    stored = LakeFrame(desk.lake, ORDERS).read(start=session, end=session, book=book.name)
    sent = LakeFrame(desk.lake, SUBMISSIONS).read(["status"], start=session, end=session, book=book.name)
    if sent["status"].is_in(_FROZEN).any() or not window_of(desk.settings.exchange, session).holds(time_of(desk, book)):
        return stored
    rows = target_weights.read(start=session, end=session, book=book.name)
    if not trades_after(desk, book, session, rows):
        return ORDERS.empty()
    weights, held, cash = _weights(rows), _held(desk, book), broker_of(desk, book).account().cash
    prices = stored_closes(bars, session, sorted({*weights, *held}))
    return plan(book, session, weights, held, prices, cash)


def trades_after(desk: Desk, book: Book, session: date, weights: pl.DataFrame) -> bool:
    """Whether a book trades after a session: by its rebalance rule, or because a position has drifted.

    Parameters
    ----------
    desk : Desk
        The account, where the rule alone does not decide.
    book : Book
        Its drift threshold.
    session : datetime.date
        The session.
    weights : polars.DataFrame
        Its rows of `portfolio.target_weights`.
    """
    if weights.height and weights["is_rebalance"].any():
        return True
    threshold = book.live_rules.drift_threshold
    if threshold is None or not weights.height:
        return False
    wanted, held = _weights(weights), _held(desk, book)
    prices = stored_closes(LakeFrame(desk.lake, BARS_DAILY), session, sorted({*wanted, *held}))
    return largest_drift(wanted, held, prices, broker_of(desk, book).account().cash) > threshold


def _weights(rows: pl.DataFrame) -> dict[str, float]:
    return dict(rows.select("symbol", "weight").iter_rows())


def _held(desk: Desk, book: Book) -> dict[str, float]:
    return {symbol: position.quantity for symbol, position in broker_of(desk, book).positions().items()}


def client_order_id(book: str, session: date, symbol: str, intent: str, attempt: int) -> str:
    """Identity of an order at the broker: the same decision has the same one in every run and process.

    Returns
    -------
    str
        The first 32 hexadecimal digits of the SHA-256 of "book|session|symbol|intent|attempt", e.g. of
        "main|2015-01-02|AAPL|buy_to_open|1".
    """
    return sha256(f"{book}|{session}|{symbol}|{intent}|{attempt}".encode()).hexdigest()[:32]


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
        Rows of `live.orders`, by symbol; what closes a position comes before what opens one.

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
    rows = [
        {
            "book": book.name,
            "date": session,
            "symbol": symbol,
            "intent": intent,
            "client_order_id": client_order_id(book.name, session, symbol, intent, 1),
            "attempt": 1,
            "side": intent.partition("_")[0],
            "quantity": shares,
            "reference_price": prices[symbol],
            "held": held.get(symbol, 0.0),
        }
        for symbol, number in zip(symbols, wanted.tolist(), strict=True)
        for intent, shares in legs(held.get(symbol, 0.0), number)
    ]
    return pl.DataFrame(rows, schema=ORDERS.schema)


def legs(held: float, wanted: float) -> list[tuple[str, float]]:
    """Orders of a trade: one, or two where it crosses zero, which brokers refuse in one.

    Parameters
    ----------
    held : float
        Shares held, signed.
    wanted : float
        Shares to trade, positive to buy and negative to sell.

    Returns
    -------
    list[tuple[str, float]]
        Intent, one of `live.contract.INTENTS`, and shares, above 0; the one that closes comes first.
    """
    side = "buy" if wanted > 0 else "sell"
    closing = min(abs(wanted), abs(held)) if held * wanted < 0 else 0.0
    parts = [(f"{side}_to_close", closing), (f"{side}_to_open", in_fractions(abs(wanted) - closing))]
    return [(intent, shares) for intent, shares in parts if shares > 0]


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
