"""Frames of the ledger's records, with the columns of the lake's tables."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from trading_assets.backtest.contract import FILLS, ORDERS, PNL
from trading_assets.backtest.panel import Axes
from trading_assets.backtest.records import (
    PNL_COLUMNS,
    REASONS,
    REBALANCE,
    STATUSES,
    FillRow,
    OrderRow,
    PositionRow,
    Records,
)
from trading_assets.execution.orders import order_ids
from trading_assets.portfolio.books import Book

# Outcome of each order at the next open, by the session of its decision. It is not a table of the lake: it becomes
# known one session later than everything else that is written for a session.
OUTCOMES = pl.Schema({name: ORDERS.schema[name] for name in ("date", "order_id")} | {"status": pl.String()})


def orders_frames(book: Book, records: Records, axes: Axes) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the orders and their outcomes.

    Parameters
    ----------
    book : Book
        The book replayed.
    records : Records
        What the ledger wrote.
    axes : Axes
        Its sessions and symbols.

    Returns
    -------
    tuple of polars.DataFrame
        Rows of `backtest.orders` and, in the same order, their outcomes, with the schema `OUTCOMES`.
    """
    orders = _trades(book, _labelled(records.orders, OrderRow._fields, axes))
    orders = orders.with_columns(status=_names(orders["status"], STATUSES), order_id=order_ids(orders))
    orders = orders.sort("date", "symbol")
    return orders.select(list(ORDERS.schema)), orders.select(OUTCOMES.names())


def fills_frame(book: Book, records: Records, axes: Axes) -> pl.DataFrame:
    """Return the fills.

    Parameters
    ----------
    book : Book
        The book replayed.
    records : Records
        What the ledger wrote.
    axes : Axes
        Its sessions and symbols.

    Returns
    -------
    polars.DataFrame
        Rows of `backtest.fills`, by date, symbol and reason.
    """
    fills = _trades(book, _labelled(records.fills, FillRow._fields, axes))
    # An order trades in the session after its decision or never, so the fills of t are those of the orders of t - 1.
    decided = fills.with_columns(date=axes.sessions["date"].shift(1).gather(fills["session"]))
    ordered = pl.when(pl.col("reason") == REBALANCE).then(order_ids(decided))
    fills = fills.with_columns(order_id=ordered, reason=_names(fills["reason"], REASONS))
    return fills.select(list(FILLS.schema)).sort("date", "symbol", "reason")


def positions_frame(book: Book, records: Records, axes: Axes) -> pl.DataFrame:
    """Return the positions after each close.

    Parameters
    ----------
    book : Book
        The book replayed.
    records : Records
        What the ledger wrote.
    axes : Axes
        Its sessions and symbols.

    Returns
    -------
    polars.DataFrame
        Rows of `backtest.positions`, by date and symbol.
    """
    quantity, price = pl.col("quantity"), pl.col("price")
    return (
        _labelled(records.positions, PositionRow._fields, axes)
        .select(
            pl.lit(book.name).alias("book"),
            "date",
            "symbol",
            "quantity",
            "average_price",
            "price",
            (quantity * price).alias("market_value"),
            (quantity * (price - pl.col("average_price"))).alias("unrealised_pnl"),
            pl.col("is_stale") != 0,
        )
        .sort("date", "symbol")
    )


def pnl_frame(book: Book, records: Records, axes: Axes) -> pl.DataFrame:
    """Return the P&L of each session.

    Parameters
    ----------
    book : Book
        The book replayed.
    records : Records
        What the ledger wrote.
    axes : Axes
        Its sessions and symbols.

    Returns
    -------
    polars.DataFrame
        Rows of `backtest.pnl`, by date.
    """
    frame = pl.DataFrame({name: records.pnl[:, k] for k, name in enumerate(PNL_COLUMNS)})
    equity, unrealised = pl.col("equity"), pl.col("unrealised_pnl")
    before = equity.shift(1, fill_value=book.capital)
    held = pl.col("long_value") - pl.col("short_value")
    return frame.select(
        pl.lit(book.name).alias("book"),
        axes.sessions["date"],
        "equity",
        "cash",
        "long_value",
        "short_value",
        _fraction(held, equity).alias("gross_exposure"),
        _fraction(pl.col("long_value") + pl.col("short_value"), equity).alias("net_exposure"),
        "price_pnl",
        "realised_pnl",
        "unrealised_pnl",
        (unrealised - unrealised.shift(1, fill_value=0.0)).alias("unrealised_pnl_change"),
        "dividends",
        "commission",
        "slippage_cost",
        _fraction(equity - before, before).alias("daily_return"),
        _fraction(pl.col("traded_value"), before).alias("turnover"),
        (equity / equity.cum_max().clip(lower_bound=book.capital) - 1).alias("drawdown"),
    ).cast(pl.Schema(PNL.schema))


def _labelled(rows: npt.NDArray[np.float64], columns: Sequence[str], axes: Axes) -> pl.DataFrame:
    """Return a table of the ledger with dates and symbols in place of their indices."""
    index = pl.col("session", "column").cast(axes.sessions.schema["session"])
    frame = pl.DataFrame({name: rows[:, k] for k, name in enumerate(columns)}).with_columns(index)
    return frame.with_columns(
        date=axes.sessions["date"].gather(frame["session"]), symbol=axes.symbols["symbol"].gather(frame["column"])
    )


def _trades(book: Book, frame: pl.DataFrame) -> pl.DataFrame:
    quantity = pl.col("quantity")
    side = pl.when(quantity > 0).then(pl.lit("buy")).otherwise(pl.lit("sell"))
    return frame.with_columns(book=pl.lit(book.name), side=side, quantity=quantity.abs())


def _names(codes: pl.Series, names: Sequence[str]) -> pl.Series:
    return pl.Series(names, dtype=pl.String).gather(codes.cast(pl.UInt32)).alias(codes.name)


def _fraction(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole > 0).then(part / whole).otherwise(0.0)
