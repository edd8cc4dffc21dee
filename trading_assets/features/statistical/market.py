"""The return of the market: the mean over all names."""

from __future__ import annotations

import polars as pl

from trading_assets.point_in_time.adjustment import forward_adjust_blocks
from trading_assets.point_in_time.blocks import lookback_blocks

_OLDEST = pl.duration(days=10)


def market_returns(bars: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Mean return of all names, equally weighted, of each session.

    Parameters
    ----------
    bars
        Raw bars of all names: symbol, date, open, high, low, close, volume.
    actions
        Corporate actions: symbol, ex_date, kind, value.

    Returns
    -------
    polars.DataFrame
        date and market_return (mean of close / close of the name's bar before - 1, split-adjusted), ascending; no row
        for a session without a return.

    Notes
    -----
    A name whose previous bar is more than ten days old has no return that day: its move while it was suspended is not
    a return of the session. Bars are adjusted a year at a time, and the mean runs in the order of names, so a return
    has the same bits wherever the read of bars and actions began and in whatever order the rows were given.
    """
    if bars.is_empty():
        return pl.DataFrame(schema={"date": pl.Date, "market_return": pl.Float64})
    start, end = bars.select(pl.col("date").min().alias("start"), pl.col("date").max().alias("end")).row(0)
    blocks = lookback_blocks(bars, lookback=1, period="year", start=start, end=end)
    of_name = ("symbol", "block")
    change = pl.col("close") / pl.col("close").shift(1).over(of_name) - 1.0
    is_recent = pl.col("date") - pl.col("date").shift(1).over(of_name) <= _OLDEST
    returns = (
        forward_adjust_blocks(blocks, actions)
        .with_columns(market_return=pl.when(is_recent).then(change))
        .filter(pl.col("is_output"))
        .select("symbol", "date", "market_return")
        .drop_nulls()
    )
    return returns.sort("date", "symbol").group_by("date", maintain_order=True).agg(pl.col("market_return").mean())
