"""What `live/submissions` does for a session of a book: send its orders exactly once or, in a dry run, record them.

The journal of the sink is the table itself, so its rows are written by the sink and by nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from functools import partial
from typing import NamedTuple

import polars as pl

from trading_assets.brokers.accounts import broker_of, time_of
from trading_assets.desk.clock import now as present
from trading_assets.desk.desk import Desk
from trading_assets.lake import Lake, LakeFrame, Scope, WriteResult
from trading_assets.lake.store.writes import replace
from trading_assets.live import switch
from trading_assets.live.contract import SUBMISSIONS
from trading_assets.live.errors import TradingBlockedError
from trading_assets.live.permit import Permit
from trading_assets.live.sink import Intent, Sink
from trading_assets.portfolio.books import Book

_SHOWN = 5


class LakeJournal:
    """Intents of one book and session, in `live.submissions`.

    Parameters
    ----------
    lake : Lake
        The lake.
    book : str
        Name of the book.
    session : datetime.date
        Session of the decision.
    author : str
        Recorded with each snapshot.
    """

    def __init__(self, lake: Lake, book: str, session: date, author: str) -> None:
        self.lake, self.book, self.session, self.author = lake, book, session, author
        self.last_write: WriteResult | None = None

    def load(self) -> list[Intent]:
        """Intents of the session, from this run and all before."""
        rows = LakeFrame(self.lake, SUBMISSIONS).read(start=self.session, end=self.session, book=self.book)
        return [Intent(**row) for row in rows.iter_rows(named=True)]

    def save(self, intents: Sequence[Intent], *, is_complete: bool = False) -> None:
        """Replace the session's intents, in one transaction; a complete session is a partition that is written."""
        scope = Scope(
            {"book": (self.book,)},
            SUBMISSIONS.time,
            self.session,
            self.session + timedelta(days=1),
            (f"{self.book}|{self.session}",) if is_complete else (),
        )
        self.last_write = replace(
            self.lake, SUBMISSIONS, intents_frame(intents), scope, author=self.author, message="intents"
        )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock of this book's submissions, across processes."""
        with nobody_submits(self.lake, self.book):
            yield


@contextmanager
def nobody_submits(lake: Lake, book: str) -> Iterator[None]:
    """Wait for the lock of a book's submissions, and hold it, across processes."""
    with lake.exclusively(f"orders of the book {book}"):
        yield


def intents_frame(intents: Sequence[Intent]) -> pl.DataFrame:
    """Rows of `live.submissions`."""
    return pl.DataFrame([asdict(intent) for intent in intents], schema=SUBMISSIONS.schema)


def intents_of(book: Book, orders: pl.DataFrame, at: datetime, status: str = "intended") -> list[Intent]:
    """Intents to send rows of `live.orders`."""
    return [
        Intent(
            book=book.name, date=row["date"], symbol=row["symbol"], intent=row["intent"], attempt=row["attempt"],
            client_order_id=row["client_order_id"], side=row["side"], quantity=row["quantity"],
            time_in_force=book.live_rules.time_in_force, broker=book.broker, status=status, reason=None,
            broker_order_id=None, intended_at=at, answered_at=None,
        )
        for row in orders.iter_rows(named=True)
    ]  # fmt: skip


class SentSession(NamedTuple):
    """A session of a book as `live.submissions` has it now, and what the last write of it did."""

    rows: pl.DataFrame
    written: WriteResult


def send_session(
    desk: Desk, book: Book, session: date, orders: pl.DataFrame, *, run_id: str, retry_rejected: bool
) -> SentSession:
    """Send the orders of a session exactly once or, in a dry run, record what would be sent.

    Parameters
    ----------
    desk : Desk
        Lake, account and time; its settings say whether anything is sent.
    book : Book
        The book.
    session : datetime.date
        Session of the decision.
    orders : polars.DataFrame
        Its rows of `live.orders`.
    run_id : str
        Run that submits.
    retry_rejected : bool
        Whether orders that the broker rejected after accepting them are sent again, as a next attempt.

    Raises
    ------
    TradingBlockedError
        It must not be sent; the message has all reasons. Nothing (more) was sent.
    TradingSettingsError
        The book would trade real money in an account that its settings do not agree on.
    SubmissionIncompleteError, BrokerError
        The broker is unavailable; the next run continues where this one stopped.
    """
    journal = LakeJournal(desk.lake, book.name, session, run_id)
    with journal.alone():
        if desk.settings.trading != "send":
            intents = _would_send(desk, book, orders, journal.load())
            journal.save(intents, is_complete=True)
        elif orders.is_empty() and not journal.load():
            intents = []
            journal.save(intents, is_complete=True)
        else:
            intents = _send(desk, book, session, orders, journal, retry_rejected=retry_rejected)
    assert journal.last_write is not None
    return SentSession(intents_frame(intents), journal.last_write)


def _send(
    desk: Desk, book: Book, session: date, orders: pl.DataFrame, journal: LakeJournal, *, retry_rejected: bool
) -> list[Intent]:
    broker, now = broker_of(desk, book), partial(time_of, desk, book)
    sink = Sink(
        gateway=broker,
        journal=journal,
        permit=Permit(book, session, desk.lake, broker, desk.settings.exchange, now),
        switch=switch.KillSwitch(desk.lake, book.name),
        now=now,
        seconds_between=60.0 / book.live_rules.max_orders_per_minute,
    )
    try:
        sent = sink.submit(intents_of(book, orders, now()), retry_rejected=retry_rejected)
    except TradingBlockedError as error:
        _record(desk.lake, book, session, switch.REFUSE, str(error))
        raise
    # A run may have been killed after its last order and before its decision was recorded.
    if sent.new or (sent.intents and not _is_recorded(desk.lake, book, session)):
        _record(desk.lake, book, session, switch.SEND, _summary(sent.new or sent.intents))
    return sent.intents


def _would_send(desk: Desk, book: Book, orders: pl.DataFrame, known: Sequence[Intent]) -> list[Intent]:
    """What earlier runs sent, and what would be sent of the rest; a repeated dry run keeps its times."""
    done = {intent.client_order_id: intent for intent in known if intent.status != "dry_run"}
    kept = {(intent.client_order_id, intent.quantity): intent for intent in known if intent.status == "dry_run"}
    would = [
        kept.get((item.client_order_id, item.quantity), item)
        for item in intents_of(book, orders, time_of(desk, book), "dry_run")
        if item.client_order_id not in done
    ]
    return [*done.values(), *would]


def _is_recorded(lake: Lake, book: Book, session: date) -> bool:
    sent = switch.decisions_of(lake, switch.SEND, book=book.name)
    return bool((sent["date"] == session).any())


def _record(lake: Lake, book: Book, session: date, decision: str, reason: str) -> None:
    switch.record(lake, present(), [switch.Decision(book.name, decision, reason, session)])


def _summary(intents: Sequence[Intent]) -> str:
    counts = {status: sum(item.status == status for item in intents) for status in ("accepted", "rejected")}
    refused = [f"{item.symbol}: {item.reason}" for item in intents if item.status == "rejected"]
    text = f"{counts['accepted']} orders accepted, {counts['rejected']} rejected"
    return f"{text} ({'; '.join(refused[:_SHOWN])})" if refused else text
