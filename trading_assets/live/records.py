"""What the lake remembers of a book's account: its last close, and where the session's orders belong in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from trading_assets.brokers.records import Activity
from trading_assets.desk.calendar import next_session, session_close, session_open
from trading_assets.lake import Lake, LakeFrame
from trading_assets.live.contract import ACTIVITIES, FILLS, PNL, POSITIONS
from trading_assets.live.state import FILL, BookState


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
class Window:
    """When the orders of a session may be sent: from its close to the next session's open.

    Attributes
    ----------
    session, execution : datetime.date
        Session of the decision, and the next one, in which its orders trade.
    opens, closes : datetime.datetime
        First moment and the moment from which on it is too late.
    """

    session: date
    execution: date
    opens: datetime
    closes: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether orders may be sent at a moment."""
        return self.opens <= moment < self.closes


def window_of(exchange: str, session: date) -> Window:
    """Window of a session's orders."""
    execution = next_session(exchange, session)
    return Window(session, execution, session_close(exchange, session), session_open(exchange, execution))


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


def recorded_entries(lake: Lake, book: str, after: date, until: date) -> list[Activity]:
    """Fills and other entries of the sessions in (after, until], oldest first, as the broker reported them."""
    fills = LakeFrame(lake, FILLS).read(start=after, end=until, book=book).filter(pl.col("date") > after)
    others = LakeFrame(lake, ACTIVITIES).read(start=after, end=until, book=book).filter(pl.col("date") > after)
    found = [
        Activity(row["activity_id"], FILL, row["symbol"], row["side"], row["quantity"], row["price"], 0.0,
                 row["broker_order_id"], row["filled_at"], row["date"], None)
        for row in fills.iter_rows(named=True)
    ] + [
        Activity(row["activity_id"], row["kind"], row["symbol"], None, row["quantity"], None, row["amount"],
                 None, None, row["date"], row["description"])
        for row in others.iter_rows(named=True)
    ]  # fmt: skip
    return sorted(found, key=lambda entry: (entry.day or date.min, entry.id))
