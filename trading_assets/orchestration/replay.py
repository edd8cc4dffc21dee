"""Replay: stored sessions through the live path, with the embedded broker's clock stepped from close to close."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg

from trading_assets.brokers.accounts import Accounts, accounts
from trading_assets.brokers.embedded import EMBEDDED
from trading_assets.brokers.embedded.clock import AcceleratedClock, Clock, RealClock, SteppedClock
from trading_assets.brokers.embedded.keys import embedded_connection, save_keys
from trading_assets.brokers.embedded.server import AccountKeys, RunningBroker, start_broker
from trading_assets.desk.calendar import session_close, sessions
from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import Settings
from trading_assets.lake import LakeFrame
from trading_assets.live.contract import PNL
from trading_assets.live.errors import TradingSettingsError
from trading_assets.live.stage import CLOSE_JOB, TRADE_JOB, live_tags
from trading_assets.orchestration.instance import open_instance
from trading_assets.orchestration.refresh import few_collections, run_job
from trading_assets.portfolio.books import Book
from trading_assets.portfolio.books import books as desk_books
from trading_assets.serving import queries

_FACTOR = 60.0  # seconds of the market per second


@dataclass(frozen=True, slots=True)
class SessionReport:
    """What a replayed session of a book did.

    Attributes
    ----------
    book, session
        Book and session that were replayed.
    seconds : float
        How long its runs took.
    fills, orders : int
        Fills in the session, and orders sent after its close.
    equity : float
        After its close, in currency.
    difference : float or None
        From the backtest of the session, as a fraction of equity; None for the session that opens the book.
    """

    book: str
    session: date
    seconds: float
    fills: int
    orders: int
    equity: float
    difference: float | None


def replay(
    settings: Settings, names: Sequence[str], first: date, last: date, build: Callable[..., dg.Definitions]
) -> Iterator[SessionReport]:
    """Step through sessions: collect and close each, then send the orders for the next.

    A session that was replayed before is materialised again and sends nothing.

    Parameters
    ----------
    settings : Settings
        The lake.
    names : sequence of str
        Books of the embedded broker.
    first, last : datetime.date
        First and last session.
    build : callable
        From a keyword argument `desk` to the definitions of that desk, as `trading_assets.definitions.build_defs`.

    Raises
    ------
    TradingSettingsError
        A book is not of the embedded broker, there is no session, or the broker's clock is past sessions that the book
        has not seen.
    """
    home = Desk(settings)
    books = [_embedded_book(home, name) for name in names]
    days = sessions(settings.exchange, first, last)
    if not days:
        raise TradingSettingsError(f"there is no session of {settings.exchange} from {first} to {last}")
    instance = open_instance(settings)
    clock = SteppedClock(session_close(settings.exchange, days[0]))
    with start_broker(home.lake, settings.exchange, clock=clock) as broker:
        desk = replay_desk(settings, broker, books)
        _require_continuous(desk, broker, books, days)
        defs = build(desk=desk)
        for day in days:
            close = session_close(settings.exchange, day)
            if broker.now() < close:
                broker.advance(close)
            for book in books:
                started = time.perf_counter()
                with few_collections():
                    for job in (CLOSE_JOB, TRADE_JOB):
                        run_job(defs.resolve_job_def(job), instance, live_tags(book.name, day))
                yield _report(desk, book, day, time.perf_counter() - started)


def embedded_books(desk: Desk) -> list[Book]:
    """Books of a desk that trade at the embedded broker."""
    return [book for book in desk.part(desk_books).values() if book.broker == EMBEDDED.name]


def replay_desk(settings: Settings, broker: RunningBroker, books: Sequence[Book]) -> Desk:
    """A desk whose books trade in accounts of a running embedded broker, by its clock."""
    open_accounts(settings, broker, books)
    connections = {book.name: embedded_connection(book.name, settings.home) for book in books}
    given = {accounts: Accounts(connections)}
    return Desk(settings.with_values(trading="send"), clock=broker.now, given=given)


def open_accounts(settings: Settings, broker: RunningBroker, books: Sequence[Book]) -> Path:
    """Open the accounts of books, or open them again, and keep their keys; returns the file that holds them."""
    keys = {book.name: open_account(broker, book) for book in books}
    saved = {name: {"key_id": key.key_id, "secret": key.secret} for name, key in keys.items()}
    return save_keys(settings.home, broker.url, saved)


def open_account(broker: RunningBroker, book: Book) -> AccountKeys:
    """Open, or open again, the account of a book, with its costs and its capital."""
    return broker.create_account(
        book.name,
        cash=book.capital,
        costs=book.costs,
        max_participation=book.max_participation,
        lot_size=book.lot_size,
        multiplier=max(2.0, 2.0 * book.gross_leverage),
        borrowing=max(book.gross_leverage - 1.0, 0.0),
    )


def make_clock(kind: str, factor: float | None, start: datetime | None) -> Clock:
    """Clock of an embedded broker: ``real``, ``accelerated`` or ``stepped``.

    Parameters
    ----------
    kind : str
        Which one.
    factor : float or None
        Seconds of the market per second of an accelerated clock, 60 by default; None for the others.
    start : datetime.datetime or None
        Time in UTC that an accelerated or stepped clock starts at; None goes on from where the broker stopped.

    Raises
    ------
    TradingSettingsError
        There is no such clock, or it has no use for a setting.
    """
    if kind not in ("real", "accelerated", "stepped"):
        raise TradingSettingsError(f"--clock {kind}: choose real, accelerated or stepped")
    if factor is not None and kind != "accelerated":
        raise TradingSettingsError(f"--factor {factor:g} is for --clock accelerated, and this is --clock {kind}")
    if kind == "real":
        if start is not None:
            raise TradingSettingsError(
                f"--start {start:%Y-%m-%dT%H:%M:%S} is for --clock accelerated or stepped: the real clock starts now; "
                "choose one of them, or leave --start out"
            )
        return RealClock()
    moment = None if start is None else start.replace(tzinfo=UTC)
    if kind == "stepped":
        return SteppedClock(moment, is_exact=True)
    return AcceleratedClock(moment, factor or _FACTOR, is_exact=True)


def _embedded_book(desk: Desk, name: str) -> Book:
    books = desk.part(desk_books)
    if name not in books:
        raise TradingSettingsError(f"there is no book {name!r}; there are {', '.join(sorted(books))}")
    if books[name].broker != EMBEDDED.name:
        raise TradingSettingsError(
            f"book {name!r} trades at {books[name].broker}; only books of the embedded broker can be replayed"
        )
    return books[name]


def _require_continuous(desk: Desk, broker: RunningBroker, books: Sequence[Book], days: Sequence[date]) -> None:
    now, exchange = broker.now(), desk.settings.exchange
    for book in books:
        seen = set(LakeFrame(desk.lake, PNL).read(["date"], book=book.name)["date"])
        past = [day for day in days if session_close(exchange, day) < now and day not in seen]
        if past:
            raise TradingSettingsError(
                f"the embedded broker's clock stands at {now:%Y-%m-%d %H:%M} UTC and never goes back: book "
                f"{book.name!r} cannot be replayed from {past[0]}; start after that, or use another lake (--home DIR)"
            )
        if seen and days[0] > max(seen):
            between = sessions(exchange, max(seen), days[0])
            if len(between) > 2:  # noqa: PLR2004 - the last one seen and the first one asked for
                raise TradingSettingsError(
                    f"book {book.name!r} was replayed to {max(seen)}; go on with {between[1]}, not {days[0]}"
                )


def _report(desk: Desk, book: Book, day: date, seconds: float) -> SessionReport:
    found = queries.live_session(desk, book=book.name, session=day).row(0, named=True)
    return SessionReport(book.name, day, seconds, found["fills"], found["orders"], found["equity"], found["difference"])
