"""Plan and send the orders of a book: what the assets `live/orders` and `live/submissions` do for one session."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

import polars as pl

from trading_assets.brokers.accounts import broker_of, time_of
from trading_assets.desk.desk import Desk
from trading_assets.lake import LakeFrame
from trading_assets.live.contract import ORDERS, SUBMISSIONS
from trading_assets.live.journal import LakeJournal, intents_frame
from trading_assets.live.plan import largest_drift, plan
from trading_assets.live.records import window_of
from trading_assets.live.state import last_closes
from trading_assets.live.submissions import Submission
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS
from trading_assets.portfolio.books import Book

_FROZEN = ("intended", "unknown", "accepted")
_LAST_CLOSE_WITHIN = timedelta(days=30)


def planned_orders(desk: Desk, book: Book, session: date, target_weights: LakeFrame, bars: LakeFrame) -> pl.DataFrame:
    """Orders of a session: the stored ones once any may have been sent or the time to send them is over.

    They are planned from the positions at the broker, which the fills of the orders themselves change: planning again
    after the first was sent would plan something else under the same names.
    """
    stored = LakeFrame(desk.lake, ORDERS).read(start=session, end=session, book=book.name)
    journal = LakeJournal(desk.lake, book.name, session, "")
    is_frozen = any(intent.status in _FROZEN for intent in journal.load())
    if is_frozen or not window_of(desk.settings.exchange, session).holds(time_of(desk, book)):
        return stored
    rows = target_weights.read(start=session, end=session, book=book.name)
    if not trades_after(desk, book, session, rows):
        return ORDERS.empty()
    weights, held, cash = _weights(rows), _held(desk, book), broker_of(desk, book).account().cash
    return plan(book, session, weights, held, closes(bars, session, sorted({*weights, *held})), cash)


def trades_after(desk: Desk, book: Book, session: date, weights: pl.DataFrame) -> bool:
    """Whether a book trades after a session: by its rebalance rule, or because a position has drifted.

    Parameters
    ----------
    desk : Desk
        The account, where the rule alone does not decide.
    book : Book
        Its drift threshold.
    session : datetime.date
        The session.
    weights : polars.DataFrame
        Its rows of `portfolio.target_weights`.
    """
    if weights.height and weights["is_rebalance"].any():
        return True
    threshold = book.live_rules.drift_threshold
    if threshold is None or not weights.height:
        return False
    wanted, held = _weights(weights), _held(desk, book)
    prices = closes(LakeFrame(desk.lake, BARS_DAILY), session, sorted({*wanted, *held}))
    return largest_drift(wanted, held, prices, broker_of(desk, book).account().cash) > threshold


def _weights(rows: pl.DataFrame) -> dict[str, float]:
    return dict(rows.select("symbol", "weight").iter_rows())


def _held(desk: Desk, book: Book) -> dict[str, float]:
    return {symbol: position.quantity for symbol, position in broker_of(desk, book).positions().items()}


def sent_orders(
    desk: Desk, book: Book, session: date, orders: pl.DataFrame, *, run_id: str, again: bool
) -> pl.DataFrame:
    """Send the orders of a session, or, in a dry run, say what would be sent."""
    journal = LakeJournal(desk.lake, book.name, session, run_id)
    known = journal.load()
    if not orders.height and not known:
        return SUBMISSIONS.empty()
    submission = Submission(
        book, session, desk.lake, broker_of(desk, book), desk.settings.exchange, partial(time_of, desk, book), run_id
    )
    if desk.settings.trading == "send":
        return intents_frame(submission.send(orders, retry_rejected=again))
    done = {intent.client_order_id for intent in known if intent.status != "dry_run"}
    would = [item for item in submission.intents(orders, "dry_run") if item.client_order_id not in done]
    kept = {(intent.client_order_id, intent.quantity): intent for intent in known if intent.status == "dry_run"}
    would = [kept.get((item.client_order_id, item.quantity), item) for item in would]
    return intents_frame([*(intent for intent in known if intent.client_order_id in done), *would])


def closes(bars: LakeFrame, session: date, symbols: list[str]) -> dict[str, float]:
    """Last close of each symbol up to a session, in the shares of that session."""
    first = session - _LAST_CLOSE_WITHIN
    found = bars.read(["symbol", "date", "close"], start=first, end=session, symbol=symbols)
    actions = LakeFrame(bars.lake, CORPORATE_ACTIONS).read(start=first, end=session, symbol=symbols)
    return dict(last_closes(found, actions, session).select("symbol", "close").iter_rows())
