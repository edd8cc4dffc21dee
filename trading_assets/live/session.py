"""A session as live trading sees it: when its orders may be sent, its splits, and the closes known after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from trading_assets.desk.calendar import next_session, session_close, session_open
from trading_assets.lake import LakeFrame
from trading_assets.market_data.contract import CORPORATE_ACTIONS

LAST_CLOSE_WITHIN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class OrderWindow:
    """When the orders of a session may be sent: from its close to the next session's open.

    Attributes
    ----------
    session, execution : datetime.date
        Session of the decision, and the next one, in which its orders trade.
    opens, closes : datetime.datetime
        First moment, and the moment from which it is too late.
    """

    session: date
    execution: date
    opens: datetime
    closes: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether orders may be sent at a moment."""
        return self.opens <= moment < self.closes


def window_of(exchange: str, session: date) -> OrderWindow:
    """Window of a session's orders."""
    execution = next_session(exchange, session)
    return OrderWindow(session, execution, session_close(exchange, session), session_open(exchange, execution))


def splits_between(actions: pl.DataFrame, after: date, until: date) -> dict[str, float]:
    """New shares per old share, per symbol, of the splits with an ex-date in (after, until]."""
    found = actions.filter((pl.col("kind") == "split") & (pl.col("ex_date") > after) & (pl.col("ex_date") <= until))
    return dict(found.group_by("symbol").agg(pl.col("value").product()).sort("symbol").iter_rows())


def last_closes(bars: pl.DataFrame, actions: pl.DataFrame, session: date) -> pl.DataFrame:
    """Last known close of each symbol up to a session, in the shares of that session.

    Parameters
    ----------
    bars, actions : polars.DataFrame
        `symbol, date, close` and `symbol, ex_date, kind, value`.
    session : datetime.date
        The session; later rows are left out.

    Returns
    -------
    polars.DataFrame
        `symbol, date, close`, one row per symbol; `date` is that of its bar.
    """
    known = bars.filter(pl.col("date") <= session).drop_nulls("close").sort("symbol", "date")
    newest = known.group_by("symbol", maintain_order=True).last().select("symbol", "date", "close")
    splits = actions.filter((pl.col("kind") == "split") & (pl.col("ex_date") <= session))
    since = newest.join(splits, on="symbol").filter(pl.col("ex_date") > pl.col("date"))
    ratios = since.group_by("symbol").agg(ratio=pl.col("value").product())
    return newest.join(ratios, on="symbol", how="left", maintain_order="left").select(
        "symbol", "date", close=pl.col("close") / pl.col("ratio").fill_null(1.0)
    )


def stored_closes(bars: LakeFrame, session: date, symbols: list[str]) -> dict[str, float]:
    """Last close of each symbol in the lake up to a session, in the shares of that session."""
    first = session - LAST_CLOSE_WITHIN
    found = bars.read(["symbol", "date", "close"], start=first, end=session, symbol=symbols)
    actions = LakeFrame(bars.lake, CORPORATE_ACTIONS).read(start=first, end=session, symbol=symbols)
    return dict(last_closes(found, actions, session).select("symbol", "close").iter_rows())
