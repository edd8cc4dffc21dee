"""Checks of portfolios: weights depend on what was known at their rebalance session alone."""

from collections.abc import Iterator, Mapping

import polars as pl

from trading_assets.desk.desk import Desk
from trading_assets.desk.recomputation import Recomputation, point_in_time_check, stored_span
from trading_assets.lake import LakeFrame, Scope
from trading_assets.portfolio.books import Book, books
from trading_assets.portfolio.contract import TARGET_WEIGHTS
from trading_assets.portfolio.reading import read_prices, sessions_around
from trading_assets.portfolio.returns import session_returns
from trading_assets.portfolio.weights import decision_sessions, target_weights
from trading_assets.signals.contract import SCORES

_CHECKED_DAYS = 75
# Most sessions from a rebalance session to the one before the next.
_CARRIED = {"daily": 0, "weekly": 6, "monthly": 23}


def recompute(desk: Desk, scope: Scope, run_id: str) -> Iterator[Recomputation]:
    """Newest weights of each book of the scope."""
    del run_id
    span = stored_span(LakeFrame(desk.lake, TARGET_WEIGHTS), scope, _CHECKED_DAYS)
    if span is None:
        return
    known = desk.part(books)
    for name in scope.values.get("book") or known:
        stored = LakeFrame(desk.lake, TARGET_WEIGHTS).read(start=span[0], end=span[1], book=name)
        if not stored.is_empty() and name in known:
            yield _recomputation(desk, known[name], stored)


def _recomputation(desk: Desk, book: Book, stored: pl.DataFrame) -> Recomputation:
    days = stored["date"].unique().sort().to_list()
    calendar = sessions_around(desk.settings.exchange, book, days[0], days[-1])
    rebalances = decision_sessions(days, book, calendar)["rebalance"].unique().sort().to_list()
    scores = LakeFrame(desk.lake, SCORES).read(
        ["date", "symbol", "score"], start=rebalances[0], end=days[-1], strategy=book.strategy
    )
    inputs, history = {"scores": scores}, {"scores": "date"}
    needed = book.sizing.needs.return_sessions
    if needed:
        names = scores["symbol"].unique().sort().to_list()
        inputs["bars"], inputs["actions"] = read_prices(desk, book, names, rebalances, calendar)
        history["bars"] = "date"

    def compute(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        returns = session_returns(frames["bars"], frames["actions"], calendar) if needed else None
        return target_weights(frames["scores"], days, book, calendar, returns)

    return Recomputation(
        compute,
        inputs=inputs,
        stored=stored,
        known_on=history | ({"actions": "ex_date"} if needed else {}),
        history=history,
        lookback=_CARRIED[book.rebalance] + needed,
        key=TARGET_WEIGHTS.key,
    )


CHECKS = (point_in_time_check(TARGET_WEIGHTS, recompute),)
