"""Compare sessions with the backtest: what `live/parity` does for one book."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from trading_assets.backtest.panel import with_delisting_returns
from trading_assets.backtest.simulate import OpeningBalance
from trading_assets.lake import Lake, LakeFrame
from trading_assets.live.contract import FILLS, ORDERS, PARITY, PNL, POSITIONS
from trading_assets.live.parity import LiveSession, MarketData, compare
from trading_assets.live.records import last_close
from trading_assets.market_data.contract import LISTINGS
from trading_assets.portfolio.books import Book

_BAR_COLUMNS = ("symbol", "date", "open", "close", "volume")
_LAST_CLOSE_WITHIN = timedelta(days=30)


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
            bars.read(_BAR_COLUMNS, start=known.session - _LAST_CLOSE_WITHIN, end=day, symbol=names),
            actions.read(start=known.session - _LAST_CLOSE_WITHIN, end=day, symbol=names),
            weights,
            with_delisting_returns(symbols.read(["symbol", "delisted_on"]), ended),
        )
        found.append(compare(book, known.session, day, opening, live, data))
    return pl.concat(found)
