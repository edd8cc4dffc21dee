"""Parity: the session at the broker beside the same session in the backtest, order by order.

The backtest starts from the positions and the cash that the account really had after the session before, decides with
its own code, fills at its own prices and marks at the same close. So a difference belongs to this one session.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from trading_assets.backtest.panel import with_delisting_returns
from trading_assets.backtest.simulate import BacktestResult, OpeningBalance, simulate
from trading_assets.lake import Lake, LakeFrame
from trading_assets.live.account import share_tolerance
from trading_assets.live.closing import last_close
from trading_assets.live.contract import FILLS, ORDERS, PARITY, PNL, POSITIONS
from trading_assets.live.session import LAST_CLOSE_WITHIN, last_closes
from trading_assets.market_data.contract import LISTINGS
from trading_assets.portfolio.books import Book

_BAR_COLUMNS = ("symbol", "date", "open", "close", "volume")


@dataclass(frozen=True, slots=True)
class LiveSession:
    """What the account did.

    Attributes
    ----------
    orders : polars.DataFrame
        Rows of `live.orders` decided after the session before.
    fills : polars.DataFrame
        Rows of `live.fills` of the session.
    equity : float
        Equity after the close.
    """

    orders: pl.DataFrame
    fills: pl.DataFrame
    equity: float


@dataclass(frozen=True, slots=True)
class MarketData:
    """What the backtest reads: bars and corporate actions, target weights, and the listed symbols."""

    bars: pl.DataFrame
    actions: pl.DataFrame
    weights: pl.DataFrame
    symbols: pl.DataFrame


def compared_sessions(
    lake: Lake,
    book: Book,
    days: Sequence[date],
    bars: LakeFrame,
    actions: LakeFrame,
    target_weights: LakeFrame,
    symbols: LakeFrame,
) -> pl.DataFrame:
    """Rows of `live.parity` of the sessions that have a close before them to start from."""
    found = [PARITY.empty()]
    ended = LakeFrame(lake, LISTINGS).read(end=days[-1], kind="delisting")
    pnl = LakeFrame(lake, PNL).read(start=days[0], end=days[-1], book=book.name)
    for day, equity, is_opening in pnl.select("date", "equity", "is_opening").iter_rows():
        known = last_close(lake, book.name, before=day)
        if known is None or is_opening:
            continue
        held = LakeFrame(lake, POSITIONS).read(start=known.session, end=known.session, book=book.name)
        held = held.filter(pl.col("quantity") != 0)
        weights = target_weights.read(start=known.session, end=day, book=book.name)
        names = sorted({*held["symbol"], *weights["symbol"]})
        opening = OpeningBalance(known.state.cash, held.select("symbol", "quantity", "average_price", "price"))
        live = LiveSession(
            LakeFrame(lake, ORDERS).read(start=known.session, end=known.session, book=book.name),
            LakeFrame(lake, FILLS).read(start=day, end=day, book=book.name),
            equity,
        )
        data = MarketData(
            bars.read(_BAR_COLUMNS, start=known.session - LAST_CLOSE_WITHIN, end=day, symbol=names),
            actions.read(start=known.session - LAST_CLOSE_WITHIN, end=day, symbol=names),
            weights,
            with_delisting_returns(symbols.read(["symbol", "delisted_on"]), ended),
        )
        found.append(compare(book, known.session, day, opening, live, data))
    return pl.concat(found)


def compare(
    book: Book, before: date, session: date, opening: OpeningBalance, live: LiveSession, data: MarketData
) -> pl.DataFrame:
    """Compare a session with the backtest.

    Parameters
    ----------
    book : Book
        Its rules and its tolerance.
    before, session : datetime.date
        The session of the decision and the one compared.
    opening : OpeningBalance
        The account after the close of `before`.
    live : LiveSession
        What it did.
    data : MarketData
        Inputs of the backtest. A session in which the book traded outside its rebalance rule counts as a rebalance.

    Returns
    -------
    polars.DataFrame
        One row of `live.parity`.
    """
    expected = _expected(book, before, session, opening, live, data)
    decided = expected.orders.filter(pl.col("date") == before)
    orders = _signed(live.orders).join(_signed(decided), on="symbol", how="full", coalesce=True, suffix="_expected")
    filled = _filled(live.fills).join(
        _filled(expected.fills.filter((pl.col("date") == session) & (pl.col("reason") == "rebalance"))),
        on="symbol",
        how="full",
        coalesce=True,
        suffix="_expected",
    )
    equity = float(expected.pnl.filter(pl.col("date") == session)["equity"][0])
    difference = (live.equity - equity) / equity if equity else 0.0
    orders_differing = _differing(orders)
    prices = (filled["price"] / filled["price_expected"] - 1).abs().max()
    within = abs(difference) <= book.live_rules.parity_tolerance and not orders_differing
    return pl.DataFrame(
        {
            "book": book.name,
            "date": session,
            "orders": live.orders.height,
            "orders_expected": decided.height,
            "orders_differing": orders_differing,
            "fills_differing": _differing(filled),
            "largest_price_difference": float(prices) if isinstance(prices, int | float) else 0.0,
            "equity": live.equity,
            "equity_expected": equity,
            "difference": difference,
            "is_within": within,
        },
        schema=PARITY.schema,
    )


def _expected(
    book: Book, before: date, session: date, opening: OpeningBalance, live: LiveSession, data: MarketData
) -> BacktestResult:
    weights = data.weights.filter(pl.col("date").is_between(before, session))
    if live.orders.height:
        weights = weights.with_columns(is_rebalance=pl.col("is_rebalance") | (pl.col("date") == before))
    return simulate(
        book.with_values(start=before),
        _with_last_closes(data, before),
        data.actions,
        weights,
        symbols=data.symbols,
        sessions=[before, session],
        opening=opening,
    )


def _with_last_closes(data: MarketData, before: date) -> pl.DataFrame:
    """The bars, with the last known close of every name that did not trade in the session of the decision.

    The backtest of two sessions sees no bar before them, but it decides on a name by its last close as the book does.
    """
    gone = data.symbols.filter(pl.col("delisted_on") <= before)
    last = last_closes(data.bars, data.actions, before).filter(pl.col("date") < before)
    last = last.join(gone, on="symbol", how="anti").with_columns(
        date=pl.lit(before), open=pl.lit(None, pl.Float64), volume=pl.lit(0, data.bars.schema["volume"])
    )
    traded = data.bars.join(last, on=["symbol", "date"], how="anti")
    return pl.concat([traded, last.select(traded.columns)])


def _signed(orders: pl.DataFrame) -> pl.DataFrame:
    sign = pl.when(pl.col("side") == "buy").then(1.0).otherwise(-1.0)
    return orders.group_by("symbol").agg(quantity=(pl.col("quantity") * sign).sum())


def _filled(fills: pl.DataFrame) -> pl.DataFrame:
    sign = pl.when(pl.col("side") == "buy").then(1.0).otherwise(-1.0)
    value = (pl.col("quantity") * pl.col("price")).sum() / pl.col("quantity").sum()
    return (
        fills.sort("symbol")
        .group_by("symbol", maintain_order=True)
        .agg(price=value, quantity=(pl.col("quantity") * sign).sum())
    )


def _differing(both: pl.DataFrame) -> int:
    live, expected = pl.col("quantity").fill_null(0.0), pl.col("quantity_expected").fill_null(0.0)
    return both.filter((live - expected).abs() > share_tolerance(expected)).height
