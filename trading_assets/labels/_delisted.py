"""Returns of windows that end early because their symbol is delisted."""

from datetime import date

import polars as pl

_WINDOW = ["symbol", "date"]


def ended_returns(
    bars: pl.DataFrame,
    actions: pl.DataFrame,
    delistings: pl.DataFrame,
    sessions: pl.DataFrame,
    *,
    horizon: int,
    start: date,
    end: date,
) -> pl.DataFrame:
    """Total return from the next session's open to what the holders of a delisted symbol received.

    Parameters
    ----------
    bars, actions, delistings, horizon, start, end
        As in `trading_assets.labels.forward_return.forward_return`.
    sessions
        `date` and its number `session`.

    Returns
    -------
    polars.DataFrame
        symbol, date, entry_date, exit_date, forward_return.
    """
    gone = _closings(bars, delistings, sessions)
    entries = (
        bars.select("symbol", "date", "open")
        .join(sessions, on="date")
        .join(gone, on="symbol")
        .filter(pl.col("date") < pl.col("gone_on"))
        .rename({"date": "entry_date"})
        .join(sessions.select(decided="session", date="date"), left_on=pl.col("session") - 1, right_on="decided")
        .filter(
            pl.col("date").is_between(start, end),
            pl.col("session") + horizon >= pl.col("gone_session"),
        )
    )
    held = entries.join(_entitlements(entries, actions), on=_WINDOW, how="left")
    received = pl.col("last_close") * (1.0 + pl.col("value")) * pl.col("shares").fill_null(1.0)
    return held.select(
        *_WINDOW,
        "entry_date",
        "exit_date",
        ((received + pl.col("cash").fill_null(0.0)) / pl.col("open") - 1.0).alias("forward_return"),
    )


def _closings(bars: pl.DataFrame, delistings: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Last close, return, and the sessions in which the symbol ended and in which that became known, if all exist."""
    known = (
        delistings.drop_nulls("value")
        .select("symbol", "value", gone_on="date", told_on=pl.max_horizontal("date", pl.col("known_at").dt.date()))
        .sort("gone_on")
        .unique("symbol", keep="last", maintain_order=True)
    )
    last = (
        bars.join(sessions, on="date", how="semi")
        .select("symbol", "date", last_close="close")
        .join(known, on="symbol")
        .filter(pl.col("date") < pl.col("gone_on"))
        .sort("symbol", "date")
        .group_by("symbol", maintain_order=True)
        .last()
        .rename({"date": "last_date"})
    )
    first_from = sessions.rename({"date": "found"}).sort("found")
    ended = last.sort("gone_on").join_asof(
        first_from.select("found", gone_session="session"), left_on="gone_on", right_on="found", strategy="forward"
    )
    told = (
        ended.drop("found")
        .sort("told_on")
        .join_asof(first_from.select("found"), left_on="told_on", right_on="found", strategy="forward", coalesce=False)
    )
    return told.rename({"found": "exit_date"}).drop_nulls(["gone_session", "exit_date"]).drop("told_on")


def _entitlements(entries: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Shares and cash that one share bought at the entry has turned into by the last close."""
    happened = (
        entries.select(*_WINDOW, "entry_date", "last_date")
        .join(actions.select("symbol", "ex_date", "kind", "value"), on="symbol")
        .filter((pl.col("ex_date") > pl.col("entry_date")) & (pl.col("ex_date") <= pl.col("last_date")))
        # kind descending: the split of a day comes before its dividend, which is per new share
        .sort("symbol", "date", "ex_date", "kind", "value", descending=[False, False, False, True, False])
    )
    split = pl.col("kind") == "split"
    return (
        happened.with_columns(shares=pl.when(split).then("value").otherwise(1.0).cum_prod().over(_WINDOW))
        .with_columns(cash=pl.when(split).then(0.0).otherwise(pl.col("value") * pl.col("shares")))
        .group_by(_WINDOW, maintain_order=True)
        .agg(pl.col("shares").last(), pl.col("cash").sum())
    )
