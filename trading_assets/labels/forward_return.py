"""Forward returns: what a decision taken after a session's close would have earned."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from trading_assets.labels._delisted import ended_returns
from trading_assets.point_in_time.adjustment import check_actions

_WINDOW = ["symbol", "entry"]


def forward_return(
    bars: pl.DataFrame,
    actions: pl.DataFrame,
    *,
    horizon: int = 5,
    start: date,
    end: date,
    calendar_sessions: Sequence[date] | pl.Series,
    delistings: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Total return from the next session's open over a number of sessions.

    The label of session d buys at the open of the next calendar session d+1 and sells at the open of session
    d+1+horizon. A position held overnight into an ex-date is subject to the action, so actions with
    ``entry_date < ex_date <= exit_date`` count: a split multiplies the shares, a dividend is paid in cash on the shares
    held on its ex-date (after a split of the same day) and is not reinvested. If the symbol is delisted within the
    window and what its holders received is known, the return ends with that.

    Parameters
    ----------
    bars
        Raw bars with symbol, date, open (and close, where there are delistings), from `start` to at least ``horizon +
        1`` sessions after `end`.
    actions
        Corporate actions: symbol, ex_date, kind, value.
    horizon
        Sessions held, at least 1.
    start, end
        First and last decision session.
    calendar_sessions
        The exchange's sessions, ascending, reaching at least to the last bar. Bars on other days are ignored.
    delistings
        Delistings: symbol, date (first session without the symbol), value (return from its last close to what holders
        received; null where it is not known), known_at.

    Returns
    -------
    polars.DataFrame
        symbol, date (decision session), entry_date, exit_date, forward_return (Float64, 0.01 = one percent), sorted by
        symbol and date. A row exists only where the symbol has a bar on all three sessions: a gap (halt, listing) or an
        exit beyond the data gives no row; a price of another session is never taken instead. A window that a delisting
        of known value ends needs a bar on the first two only, and exits in the first session on or after the later of
        `date` and `known_at`.

    Raises
    ------
    ValueError
        Horizon below 1, start after end, a calendar that is empty, unsorted or ends before the bars, unusable actions.

    Notes
    -----
    ``(open_exit * shares + cash) / open_entry - 1``; at a delisting ``last close * (1 + value)`` of the shares of that
    close takes the place of the exit's open. Leaving those windows out would train on survivors alone. Each value
    depends on its own window alone, so a range of sessions gives the same bits as its sessions one by one.
    """
    if horizon < 1 or start > end:
        raise ValueError(f"need horizon >= 1 and start <= end, got horizon={horizon}, start={start}, end={end}")
    check_actions(actions)
    sessions = _sessions(calendar_sessions, bars)
    opens = bars.select("symbol", "date", "open").join(sessions, on="date").select("symbol", "session", "open")
    windows = (
        opens.join(sessions.filter(pl.col("date").is_between(start, end)), on="session")
        .select("symbol", "date", entry=pl.col("session") + 1, leave=pl.col("session") + 1 + horizon)
        .join(_priced(opens, sessions, "entry"), on=["symbol", "entry"])
        .join(_priced(opens, sessions, "leave"), on=["symbol", "leave"])
        .join(_entitlements(actions, sessions, horizon), on=_WINDOW, how="left")
    )
    proceeds = pl.col("open_leave") * pl.col("shares").fill_null(1.0) + pl.col("cash").fill_null(0.0)
    labels = windows.select(
        "symbol",
        "date",
        pl.col("date_entry").alias("entry_date"),
        pl.col("date_leave").alias("exit_date"),
        (proceeds / pl.col("open_entry") - 1.0).alias("forward_return"),
    )
    if delistings is not None:
        ended = ended_returns(bars, actions, delistings, sessions, horizon=horizon, start=start, end=end)
        labels = pl.concat([labels, ended.join(labels, on=["symbol", "date"], how="anti")])
    return labels.sort("symbol", "date")


def _sessions(calendar_sessions: Sequence[date] | pl.Series, bars: pl.DataFrame) -> pl.DataFrame:
    sessions = pl.DataFrame({"date": pl.Series(calendar_sessions, dtype=pl.Date)})
    steps = sessions["date"].diff().drop_nulls()
    if sessions.is_empty() or sessions["date"].has_nulls() or not (steps.dt.total_days() > 0).all():
        raise ValueError("calendar_sessions must be a non-empty, strictly ascending list of dates")
    last_session, last_bar = sessions["date"][-1], bars["date"].max()
    if isinstance(last_bar, date) and last_bar > last_session:
        raise ValueError(
            f"calendar_sessions end on {last_session} but there are bars until {last_bar}: labels would be lost; "
            "ask the calendar for sessions up to the last bar"
        )
    return sessions.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("session"))


def _priced(opens: pl.DataFrame, sessions: pl.DataFrame, side: str) -> pl.DataFrame:
    dated = opens.join(sessions, on="session")
    return dated.select(
        "symbol",
        pl.col("session").alias(side),
        pl.col("open").alias(f"open_{side}"),
        pl.col("date").alias(f"date_{side}"),
    )


def _entitlements(actions: pl.DataFrame, sessions: pl.DataFrame, horizon: int) -> pl.DataFrame:
    """Shares and cash that one share bought at the open of session `entry` turns into by the exit, unless (1, 0)."""
    held = (
        actions.select("symbol", "ex_date", "kind", "value")
        .sort("ex_date")
        .join_asof(sessions, left_on="ex_date", right_on="date", strategy="forward")
        .drop_nulls("session")
        # an action that takes effect in session s touches the windows entered in s - horizon .. s - 1
        .with_columns(pl.int_ranges(pl.col("session") - horizon, pl.col("session")).alias("entry"))
        .explode("entry")
        # kind descending: the split of a day comes before its dividend, which is per new share
        .sort("symbol", "entry", "ex_date", "kind", "value", descending=[False, False, False, True, False])
    )
    ratio = pl.when(pl.col("kind") == "split").then(pl.col("value")).otherwise(1.0)
    paid = pl.when(pl.col("kind") == "dividend").then(pl.col("value")).otherwise(0.0)
    return (
        held.with_columns(ratio.cum_prod().over(_WINDOW).alias("shares"))
        .with_columns((paid * pl.col("shares")).alias("cash"))
        .group_by(_WINDOW, maintain_order=True)
        .agg(pl.col("shares").last(), pl.col("cash").sum())
    )
