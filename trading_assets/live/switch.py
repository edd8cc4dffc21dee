"""The kill switch of live trading, and the record of every decision about real orders in which it is kept."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from trading_assets.desk.settings import command_here
from trading_assets.lake import Lake, LakeFrame
from trading_assets.lake.store.retries import with_retries
from trading_assets.lake.store.writes import insert_rows
from trading_assets.live.contract import AUDIT
from trading_assets.live.errors import TradingSettingsError

ALL_BOOKS = "*"
KILL, RESUME, ADOPT, CONFIRM, SEND, REFUSE = "kill", "resume", "adopt", "confirm", "send", "refuse"
_SWITCH = (KILL, RESUME)
_DIGITS = 12
_HOLDS_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision: about which book (or all) and session, and why."""

    book: str
    decision: str
    reason: str
    session: date | None = None


def record(lake: Lake, at: datetime, decisions: Iterable[Decision]) -> None:
    """Append decisions; entries are never changed or removed.

    An entry's id is its number: entries with equal times, or from clocks that differ, are ordered too.
    """
    rows = pl.DataFrame(
        [
            {"id": "", "at": at, "book": one.book, "date": one.session, "decision": one.decision, "reason": one.reason}
            for one in decisions
        ],
        schema=AUDIT.schema,
    )
    if rows.is_empty():
        return
    with lake.exclusively(AUDIT.table):
        lake.ensure_own_table(AUDIT)
        before = int(lake.query(f"SELECT count(*) AS n FROM lake.{AUDIT.table}")["n"][0])
        numbers = pl.int_range(before + 1, before + 1 + pl.len())
        good = AUDIT.split(rows.with_columns(id=numbers.cast(pl.String).str.zfill(_DIGITS))).good
        with_retries(lake, lambda cursor: insert_rows(cursor, AUDIT.table, good))


def decisions_of(lake: Lake, *kinds: str, book: str | None = None) -> pl.DataFrame:
    """Decisions of some kinds in the order of their recording; where a book is named, of it and of all books."""
    found = LakeFrame(lake, AUDIT).read(decision=list(kinds) or None)
    if book is not None:
        found = found.filter(pl.col("book").is_in([book, ALL_BOOKS]))
    return found


def why_stopped(lake: Lake, book: str) -> str | None:
    """Why a book may not trade: the latest state of its kill switch and of the one for all books; None if it may."""
    for name in (ALL_BOOKS, book):
        said = decisions_of(lake, *_SWITCH).filter(pl.col("book") == name)
        if said.height and said["decision"][-1] == KILL:
            whose = "all books are" if name == ALL_BOOKS else f"the book {book!r} is"
            again = "" if name == ALL_BOOKS else f" {book}"
            return (
                f"{whose} stopped since {said['at'][-1]:%Y-%m-%d %H:%M} UTC ({said['reason'][-1]}); "
                f"to go on: {command_here(f'resume{again} --reason ...')}"
            )
    return None


def stop(lake: Lake, at: datetime, book: str, reason: str) -> None:
    """Set the kill switch of a book, or of all."""
    record(lake, at, [Decision(book, KILL, reason)])


def release(lake: Lake, at: datetime, book: str, reason: str, session: date | None = None) -> None:
    """Release the kill switch of a book, or of all; naming a session, accept its lost parity.

    Raises
    ------
    TradingSettingsError
        No reason is given.
    """
    if not reason.strip():
        raise TradingSettingsError(f"say why trading may go on: {command_here('resume --reason ...')}")
    record(lake, at, [Decision(book, RESUME, reason.strip(), session)])


class KillSwitch:
    """The kill switch of a book, read from the lake at most twice a second, so that every order can check it.

    Parameters
    ----------
    lake : Lake
        The lake.
    book : str
        Name of the book.
    """

    def __init__(self, lake: Lake, book: str) -> None:
        self._lake, self._book = lake, book
        self._asked_at = -_HOLDS_SECONDS
        self._answer: str | None = None

    def why_stopped(self) -> str | None:
        """Why the book may not trade; None if it may."""
        if time.monotonic() - self._asked_at >= _HOLDS_SECONDS:
            self._answer, self._asked_at = why_stopped(self._lake, self._book), time.monotonic()
        return self._answer
