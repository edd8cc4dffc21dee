"""The journal of the sink in the lake, and who may submit for a book."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta

import polars as pl

from trading_assets.lake import Lake, LakeFrame, Scope
from trading_assets.lake.store.writes import replace
from trading_assets.live.contract import SUBMISSIONS
from trading_assets.live.sink import Intent


@dataclass(frozen=True)
class LakeJournal:
    """Intents of one book and session, in `live.submissions`.

    Attributes
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

    lake: Lake
    book: str
    session: date
    author: str

    def load(self) -> list[Intent]:
        """Intents of the session, from this run and all before."""
        rows = LakeFrame(self.lake, SUBMISSIONS).read(start=self.session, end=self.session, book=self.book)
        return [Intent(**row) for row in rows.iter_rows(named=True)]

    def save(self, intents: Sequence[Intent]) -> None:
        """Make the session's intents these, in one transaction of the lake."""
        scope = Scope({"book": (self.book,)}, SUBMISSIONS.time, self.session, self.session + timedelta(days=1))
        replace(self.lake, SUBMISSIONS, intents_frame(intents), scope, author=self.author, message="intents")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other run from submitting for this book meanwhile, in every process."""
        with nobody_submits(self.lake, self.book):
            yield


@contextmanager
def nobody_submits(lake: Lake, book: str) -> Iterator[None]:
    """Wait until no run submits for a book, and keep all from it meanwhile, in every process."""
    with lake.exclusively(f"orders of the book {book}"):
        yield


def intents_frame(intents: Sequence[Intent]) -> pl.DataFrame:
    """Rows of `live.submissions`."""
    return pl.DataFrame([asdict(intent) for intent in intents], schema=SUBMISSIONS.schema)
