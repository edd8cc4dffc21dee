"""A session's close in the desk's own books: positions and P&L from the previous close and the broker's entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from trading_assets.brokers.accounts import broker_of, time_of
from trading_assets.desk.calendar import previous_session, session_close
from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import command_here
from trading_assets.lake import Lake, LakeFrame
from trading_assets.lake.errors import UpstreamNotReadyError
from trading_assets.live.account import BookState
from trading_assets.live.contract import PNL, POSITIONS
from trading_assets.live.errors import TradingBlockedError
from trading_assets.live.fills import recorded_entries
from trading_assets.live.session import splits_between, stored_closes, window_of
from trading_assets.portfolio.books import Book


@dataclass(frozen=True, slots=True)
class LastClose:
    """The book after its last recorded close."""

    session: date
    equity: float
    daily_return: float
    drawdown: float
    peak: float
    state: BookState
    prices: dict[str, float]


@dataclass(frozen=True, slots=True)
class BrokerTotals:
    """The broker's figures of the account after the close; None if it was too late to request them."""

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


def last_close(lake: Lake, book: str, *, before: date | None = None, until: date | None = None) -> LastClose | None:
    """The book after its last recorded close before a session, or up to one; None if it has none."""
    pnl = LakeFrame(lake, PNL).read(end=until, book=book)
    pnl = pnl if before is None else pnl.filter(pl.col("date") < before)
    if pnl.is_empty():
        return None
    row = pnl.row(-1, named=True)
    held = (
        LakeFrame(lake, POSITIONS).read(start=row["date"], end=row["date"], book=book).filter(pl.col("quantity") != 0)
    )
    state = BookState(
        row["cash"],
        dict(held.select("symbol", "quantity").iter_rows()),
        dict(held.select("symbol", "average_price").iter_rows()),
    )
    return LastClose(
        row["date"],
        row["equity"],
        row["daily_return"],
        row["drawdown"],
        float(pnl["equity"].max()),  # type: ignore[arg-type]
        state,
        dict(held.select("symbol", "price").iter_rows()),
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
    state.apply(recorded_entries(desk.lake, book, known.session, day), splits, book.lot_size)
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
    """Open the book with the cash of its account; None where it is too late to know its state after this close."""
    if not window_of(desk.settings.exchange, day).holds(time_of(desk, book)):
        return None
    positions, value = opened_session(desk, book, day, bars)
    if positions.height:
        raise TradingBlockedError(
            f"book {book.name!r}: the account holds {', '.join(positions['symbol'][:5])} but the book has no record of "
            f"it; take it over with: {command_here(f'adopt {book.name} --reason ...')}"
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
    prices = (known.prices if known else {}) | stored_closes(bars, day, symbols)
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
