"""Longer bars from shorter ones, within sessions: no bar spans a close, a break of the session or a half day."""

from __future__ import annotations

import polars as pl


def hourly(minutes: pl.DataFrame, hours: pl.DataFrame) -> pl.DataFrame:
    """Aggregate the bars of a session to hours counted from its open; the last hour ends with the session.

    Parameters
    ----------
    minutes : polars.DataFrame
        Intraday bars: symbol, date, ts (start, UTC), open, high, low, close, volume and further columns, of which the
        first value of the hour is kept. Bars outside the hours of the session are left out.
    hours : polars.DataFrame
        One row per session: date, open and close in UTC.

    Returns
    -------
    polars.DataFrame
        The same columns, one row per symbol and hour in which something traded; ts is the hour's start.
    """
    inside = _inside(minutes, hours)
    starts = pl.col("_open") + pl.duration(hours=(pl.col("ts") - pl.col("_open")).dt.total_hours())
    return _aggregated(inside.with_columns(ts=starts), ("symbol", "date", "ts"), minutes.columns)


def daily(bars: pl.DataFrame, hours: pl.DataFrame) -> pl.DataFrame:
    """Aggregate the bars of each session to one; see `hourly`. The result has no `ts`."""
    return _aggregated(_inside(bars, hours), ("symbol", "date"), [name for name in bars.columns if name != "ts"])


def _inside(bars: pl.DataFrame, hours: pl.DataFrame) -> pl.DataFrame:
    named = hours.select("date", _open="open", _close="close")
    inside = bars.join(named, on="date").filter(pl.col("ts") >= pl.col("_open"), pl.col("ts") < pl.col("_close"))
    return inside.sort("symbol", "date", "ts", maintain_order=True)


def _aggregated(bars: pl.DataFrame, key: tuple[str, ...], columns: list[str]) -> pl.DataFrame:
    values = {
        "open": pl.col("open").first(),
        "high": pl.col("high").max(),
        "low": pl.col("low").min(),
        "close": pl.col("close").last(),
        "volume": pl.col("volume").sum(),
    }
    others = [pl.col(name).first() for name in columns if name not in (*key, *values)]
    return bars.group_by(key, maintain_order=True).agg(*others, **values).select(columns)
