"""What the weights of a book read from the lake: sessions around a span, and prices where its sizing needs returns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from trading_assets.desk.calendar import first_session, sessions
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import desk_partitions
from trading_assets.lake import LakeFrame
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS, SYMBOLS
from trading_assets.market_data.listing import listed_partitions
from trading_assets.portfolio.books import Book
from trading_assets.portfolio.contract import TARGET_WEIGHTS

PRICES = (SYMBOLS, BARS_DAILY, CORPORATE_ACTIONS)
"""Tables that returns are computed from."""

# A rebalance session is at most a month away, and so is the end of its period.
_AROUND = timedelta(days=45)


def first_decision(first: date) -> date:
    """Earliest day on which the rebalance session can lie that decides the weights of a day or of later ones."""
    return first - _AROUND


def sessions_around(exchange: str, book: Book, first: date, last: date) -> list[date]:
    """Sessions that determine the weights of a book in a span, including those whose returns it needs."""
    # more than two days in three are sessions, whatever the holidays
    reach = timedelta(days=2 * book.sizing.needs.return_sessions + 10)
    return sessions(exchange, max(first_decision(first) - reach, first_session(exchange)), last + _AROUND)


def read_prices(
    desk: Desk, book: Book, names: Sequence[str], rebalances: Sequence[date], calendar_sessions: Sequence[date]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bars and corporate actions of the returns that a book needs at rebalance sessions.

    Returns
    -------
    polars.DataFrame
        `symbol, date, close`.
    polars.DataFrame
        Rows of market_data.corporate_actions.
    """
    first, last = _span(book, rebalances, calendar_sessions)
    bars = LakeFrame(desk.lake, BARS_DAILY).read(["symbol", "date", "close"], start=first, end=last, symbol=names)
    return bars, LakeFrame(desk.lake, CORPORATE_ACTIONS).read(start=first, end=last, symbol=names)


def require_prices(
    desk: Desk, book: Book, names: Sequence[str], rebalances: Sequence[date], calendar_sessions: Sequence[date]
) -> None:
    """Require that the prices of some names, while they are listed, have been written before returns are computed.

    Raises
    ------
    UpstreamNotReadyError
        Some are not; safe to retry.
    """
    first, last = _span(book, rebalances, calendar_sessions)
    years = desk.part(desk_partitions).existing_years(first.year, last.year)
    needed = listed_partitions(LakeFrame(desk.lake, SYMBOLS).read(), names, years)
    for table in (BARS_DAILY, CORPORATE_ACTIONS):
        LakeFrame(desk.lake, table).require_written(needed, for_what=f"{TARGET_WEIGHTS.table} of the book {book.name}")


def _span(book: Book, rebalances: Sequence[date], calendar_sessions: Sequence[date]) -> tuple[date, date]:
    """First and last session whose closes the returns need."""
    before = [day for day in calendar_sessions if day <= rebalances[0]]
    return before[-book.sizing.needs.return_sessions - 1 :][0], rebalances[-1]
