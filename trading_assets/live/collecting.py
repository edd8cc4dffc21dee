"""Collect what the broker booked and close sessions: what `live/fills` to `live/pnl` do for one book."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from trading_assets.brokers.accounts import broker_of, time_of
from trading_assets.brokers.errors import TradingBlockedError
from trading_assets.desk.calendar import previous_session, session_close
from trading_assets.desk.desk import Desk
from trading_assets.lake import LakeFrame
from trading_assets.lake.errors import UpstreamNotReadyError
from trading_assets.live.activities import activities_frame, entries_of, exchange_zone, fills_frame, own_orders
from trading_assets.live.closing import Before, BrokerTotals, close_session
from trading_assets.live.contract import PNL, POSITIONS
from trading_assets.live.planning import closes
from trading_assets.live.records import LastClose, last_close, recorded_entries, window_of
from trading_assets.live.state import BookState, splits_between
from trading_assets.portfolio.books import Book


def collected(
    desk: Desk, book: Book, days: Sequence[date], submissions: LakeFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Fills and other entries of some sessions, as rows of their tables."""
    exchange = desk.settings.exchange
    zone = exchange_zone(exchange)
    fills, others = entries_of(broker_of(desk, book), exchange, days[0] - timedelta(days=1), days[-1])
    ours = own_orders(broker_of(desk, book), fills, submissions, book.name)
    wanted = pl.col("date").is_in(list(days))
    return (
        fills_frame(book.name, fills, zone, ours).filter(wanted),
        activities_frame(book.name, others, zone).filter(wanted),
    )


def closed_sessions(
    desk: Desk, book: Book, days: Sequence[date], bars: LakeFrame, actions: LakeFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Positions and P&L of some sessions in their order, each from the one before."""
    positions, pnl = [POSITIONS.empty()], [PNL.empty()]
    known = last_close(desk.lake, book.name, before=days[0])
    for day in days:
        if time_of(desk, book) < session_close(desk.settings.exchange, day):
            break
        if known is None:
            opened = _stored_opening(desk, book, day) or _opened(desk, book, day, bars)
        else:
            opened = _closed(desk, book, day, known, bars, actions)
        if opened is None:
            continue
        held, value, known = opened
        positions.append(held)
        pnl.append(value)
    return pl.concat(positions), pl.concat(pnl)


Closed = tuple[pl.DataFrame, pl.DataFrame, LastClose]


def _closed(desk: Desk, book: Book, day: date, known: LastClose, bars: LakeFrame, actions: LakeFrame) -> Closed | None:
    stored = LakeFrame(desk.lake, PNL).read(start=day, end=day, book=book.name)
    if stored.height and stored["is_opening"][0]:
        return _stored_opening(desk, book, day)
    expected = previous_session(desk.settings.exchange, day)
    if known.session != expected:
        raise UpstreamNotReadyError(
            f"live.pnl of the book {book.name!r} on {day} starts from its close of {expected}, but the last one "
            f"recorded is of {known.session}; materialise the sessions in between first, or in one range with this one"
        )
    state = BookState(known.state.cash, dict(known.state.quantity), dict(known.state.average))
    splits = splits_between(actions.read(start=known.session, end=day), known.session, day)
    state.apply(recorded_entries(desk.lake, book.name, known.session, day), splits, book.lot_size)
    totals = _totals(desk, book, day)
    prices = _prices(book, day, state, known, bars, totals)
    held, value = close_session(book.name, day, state, prices, Before(known.equity, known.peak), totals)
    return held, value, _as_last_close(day, state, value, known.peak, prices)


def opened_session(desk: Desk, book: Book, day: date, bars: LakeFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of a session from the account as the broker has it."""
    broker = broker_of(desk, book)
    held = broker.positions()
    state = BookState(
        broker.account().cash,
        {symbol: position.quantity for symbol, position in held.items()},
        {symbol: position.average_price for symbol, position in held.items()},
    )
    totals = _totals(desk, book, day)
    prices = _prices(book, day, state, None, bars, totals)
    return close_session(book.name, day, state, prices, None, totals)


def _opened(desk: Desk, book: Book, day: date, bars: LakeFrame) -> Closed | None:
    """Open the book with the cash of its account; None where it is too late to know how it stood after this close."""
    if not window_of(desk.settings.exchange, day).holds(time_of(desk, book)):
        return None
    positions, value = opened_session(desk, book, day, bars)
    if positions.height:
        raise TradingBlockedError(
            f"book {book.name!r}: the account holds {', '.join(positions['symbol'][:5])} but the book has no record of "
            f"it; take it over with: trading-assets adopt {book.name} --reason ..."
        )
    state = BookState(value["cash"][0])
    return positions, value, _as_last_close(day, state, value, value["equity"][0], {})


def _stored_opening(desk: Desk, book: Book, day: date) -> Closed | None:
    value = LakeFrame(desk.lake, PNL).read(start=day, end=day, book=book.name)
    if value.is_empty():
        return None
    held = LakeFrame(desk.lake, POSITIONS).read(start=day, end=day, book=book.name)
    known = last_close(desk.lake, book.name, until=day)
    if known is None:
        return None
    return held, value, known


def _totals(desk: Desk, book: Book, day: date) -> BrokerTotals:
    """The broker's cash and positions while they are still those of this close; later what was stored then."""
    if window_of(desk.settings.exchange, day).holds(time_of(desk, book)):
        broker = broker_of(desk, book)
        held = {symbol: position.quantity for symbol, position in broker.positions().items()}
        return BrokerTotals(broker.account().cash, held)
    stored = LakeFrame(desk.lake, PNL).read(start=day, end=day, book=book.name)
    if stored.is_empty() or stored["broker_cash"][0] is None:
        return BrokerTotals()
    held = dict(
        LakeFrame(desk.lake, POSITIONS)
        .read(["symbol", "broker_quantity"], start=day, end=day, book=book.name)
        .iter_rows()
    )
    return BrokerTotals(stored["broker_cash"][0], held)


def _prices(
    book: Book, day: date, state: BookState, known: LastClose | None, bars: LakeFrame, totals: BrokerTotals
) -> dict[str, float]:
    symbols = sorted({*state.quantity, *(totals.quantity or {})})
    prices = (known.prices if known else {}) | closes(bars, day, symbols)
    missing = [symbol for symbol in state.quantity if symbol not in prices]
    if missing:
        raise UpstreamNotReadyError(
            f"book {book.name!r} holds {', '.join(missing[:5])} on {day}, but market_data.bars_daily has no close of "
            "it; materialise its bars first"
        )
    return {symbol: prices[symbol] for symbol in symbols if symbol in prices}


def _as_last_close(
    day: date, state: BookState, value: pl.DataFrame, peak: float, prices: dict[str, float]
) -> LastClose:
    row = value.row(0, named=True)
    return LastClose(day, row["equity"], row["daily_return"], row["drawdown"], max(peak, row["equity"]), state, prices)
