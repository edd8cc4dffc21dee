"""The close of a session in the desk's own books: positions and P&L from what was there and what the broker booked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from trading_assets.live.contract import PNL, POSITIONS
from trading_assets.live.state import BookState


@dataclass(frozen=True, slots=True)
class BrokerTotals:
    """What the broker says of its account after the close; None where it was asked too late to say."""

    cash: float | None = None
    quantity: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Before:
    """The book after the close of the session before: its equity and the largest one so far."""

    equity: float
    peak: float


def close_session(
    book: str,
    session: date,
    state: BookState,
    prices: Mapping[str, float],
    before: Before | None,
    totals: BrokerTotals,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Mark a book at the close.

    Parameters
    ----------
    book : str
        Its name.
    session : datetime.date
        The session.
    state : BookState
        Cash and positions after it, and what it realised, paid and received.
    prices : mapping of str to float
        Last known close of each symbol that the book or the broker holds, in currency per share.
    before : Before or None
        The book a session earlier; None opens it.
    totals : BrokerTotals
        The broker's own figures, to be compared.

    Returns
    -------
    tuple[polars.DataFrame, polars.DataFrame]
        Rows of `live.positions`, by symbol, and the row of `live.pnl`.
    """
    symbols = sorted({*state.quantity, *(totals.quantity or {})} & set(prices))
    quantity = [state.quantity.get(symbol, 0.0) for symbol in symbols]
    reported = None if totals.quantity is None else [totals.quantity.get(symbol, 0.0) for symbol in symbols]
    positions = pl.DataFrame(
        {
            "book": [book] * len(symbols),
            "date": [session] * len(symbols),
            "symbol": symbols,
            "quantity": quantity,
            "average_price": [state.average.get(symbol, 0.0) for symbol in symbols],
            "price": [prices[symbol] for symbol in symbols],
            "broker_quantity": reported or [None] * len(symbols),
        },
        schema={
            name: POSITIONS.schema[name]
            for name in ("book", "date", "symbol", "quantity", "average_price", "price", "broker_quantity")
        },
    ).with_columns(
        market_value=pl.col("quantity") * pl.col("price"),
        unrealised_pnl=pl.col("quantity") * (pl.col("price") - pl.col("average_price")),
    )
    return positions.select(*POSITIONS.schema), _pnl(book, session, state, positions, before, totals)


def _pnl(
    book: str,
    session: date,
    state: BookState,
    positions: pl.DataFrame,
    before: Before | None,
    totals: BrokerTotals,
) -> pl.DataFrame:
    value = positions["market_value"]
    long = float(value.filter(value > 0).sum())
    short = float(value.filter(value < 0).sum())
    equity = state.cash + long + short
    earlier = before.equity if before else equity
    peak = max(before.peak if before else equity, equity)
    return pl.DataFrame(
        {
            "book": book,
            "date": session,
            "equity": equity,
            "cash": state.cash,
            "long_value": long,
            "short_value": short,
            "gross_exposure": _share(long - short, equity),
            "net_exposure": _share(long + short, equity),
            "realised_pnl": state.realised,
            "unrealised_pnl": float(positions["unrealised_pnl"].sum()),
            "dividends": state.dividends,
            "fees": state.fees,
            "daily_return": _share(equity - earlier, earlier),
            "turnover": _share(state.traded, earlier),
            "drawdown": min(_share(equity - peak, peak), 0.0),
            "is_opening": before is None,
            "broker_cash": totals.cash,
        },
        schema=PNL.schema,
    )


def _share(value: float, whole: float) -> float:
    return value / whole if whole > 0 else 0.0
