"""What a trader does by hand: stop, resume, adopt an account, confirm real money."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from trading_assets.brokers.accounts import time_of
from trading_assets.brokers.errors import BrokerError
from trading_assets.brokers.factory import broker_kind
from trading_assets.brokers.protocol import Broker
from trading_assets.desk.clock import last_close
from trading_assets.desk.clock import now as present
from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import command_here
from trading_assets.figures import figure
from trading_assets.lake import Lake, LakeFrame, Scope
from trading_assets.lake.errors import LakeError
from trading_assets.lake.store.writes import replace
from trading_assets.live import switch
from trading_assets.live.closing import opened_session
from trading_assets.live.contract import PNL, POSITIONS
from trading_assets.live.errors import TradingSettingsError
from trading_assets.live.session import window_of
from trading_assets.live.submissions import nobody_submits
from trading_assets.market_data.contract import BARS_DAILY
from trading_assets.portfolio.books import Book


def books_at_a_broker(books: Mapping[str, Book], name: str | None) -> list[Book]:
    """The book of a name, or all that have a broker.

    Raises
    ------
    TradingSettingsError
        There is no such book, or it is simulated only.
    """
    live = {book.name: book for book in books.values() if book.live is not None}
    if name is not None and name not in live:
        raise TradingSettingsError(
            f"there is no book {name!r} with a broker; there are {', '.join(sorted(live)) or 'none'}"
        )
    return [live[name]] if name is not None else list(live.values())


def kill(
    lake: Lake, at: datetime, name: str | None, reason: str, books: Sequence[Book], account_of: Callable[[Book], Broker]
) -> Iterator[str]:
    """Stop a book, or all: nothing more is sent from now on, and what is open is cancelled.

    The switch is set first, so that it takes effect even if a broker cannot be reached. A run that is sending notices
    it within half a second; orders that it sent in the meantime are cancelled when it has ended.

    Parameters
    ----------
    lake : Lake
        The lake.
    at : datetime.datetime
        The time.
    name : str or None
        Book to stop; all books if None.
    reason : str
        Why.
    books : sequence of Book
        Books whose open orders to cancel.
    account_of : callable
        The account of a book.

    Yields
    ------
    str
        What happened at each broker.
    """
    switch.stop(lake, at, name or switch.ALL_BOOKS, reason)
    reached = []
    for book in books:
        try:
            broker = account_of(book)
            asked = broker.cancel_all()
        except BrokerError as error:
            yield f"{book.name}: stopped here, but its open orders could not be cancelled: {error}"
        else:
            reached.append((book, broker))
            yield f"{book.name}: stopped; requested to cancel {asked} open orders"
    for book, broker in reached:
        try:
            with nobody_submits(lake, book.name):
                late = broker.cancel_all()
        except (BrokerError, LakeError) as error:
            yield f"{book.name}: a run may have sent orders meanwhile, and they could not be cancelled: {error}"
        else:
            if late:
                yield f"{book.name}: requested to cancel {late} orders that a run sent meanwhile"


def adopt(desk: Desk, book: Book, reason: str) -> str:
    """Adopt the account of a book as the broker reports it: its cash and positions become the book's own.

    Written as the opening of the last session that has closed; its P&L starts again from there.

    Returns
    -------
    str
        What was adopted.

    Raises
    ------
    TradingSettingsError
        No reason is given, or the market is open: the account then does not hold what it held at a close.
    """
    if not reason.strip():
        raise TradingSettingsError(f"say why: {command_here(f'adopt {book.name} --reason ...')}")
    exchange, moment = desk.settings.exchange, time_of(desk, book)
    session = last_close(exchange, moment)
    if not window_of(exchange, session).holds(moment):
        raise TradingSettingsError(f"book {book.name!r}: an account is taken over while the market is closed")
    bars = LakeFrame(desk.lake, BARS_DAILY)
    positions, value = opened_session(desk, book, session, bars)
    scope = Scope({"book": (book.name,)}, PNL.time, session, session + timedelta(days=1), (f"{book.name}|{session}",))
    for contract, rows in ((POSITIONS, positions), (PNL, value)):
        replace(desk.lake, contract, rows, scope, author="adopt", message=reason)
    switch.record(desk.lake, present(), [switch.Decision(book.name, switch.ADOPT, reason.strip(), session)])
    held = ", ".join(
        f"{figure(quantity)} {name}" for name, quantity in positions.select("symbol", "quantity").iter_rows()
    )
    return f"{book.name}: taken over as of {session}: {value['cash'][0]:,.2f} in cash and {held or 'no position'}"


def confirm(lake: Lake, at: datetime, book: Book, broker: Broker, typed: str) -> None:
    """Confirm that a book may trade real money in the account that was typed.

    Raises
    ------
    TradingSettingsError
        The book is not live, or the account at the broker has another number.
    """
    if not broker_kind(book.broker).is_real_money:
        raise TradingSettingsError(f"book {book.name!r} trades at {book.broker}: there is no real money to confirm")
    number = broker.account().number
    if typed.strip() != number:
        raise TradingSettingsError(f"book {book.name!r} has no account {typed.strip()!r}: nothing is confirmed")
    switch.record(lake, at, [switch.Decision(book.name, switch.CONFIRM, number)])
