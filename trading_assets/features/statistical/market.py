"""The return of the market: the mean over all names."""

from __future__ import annotations

import polars as pl

from trading_assets.point_in_time.adjustment import forward_adjust


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
        date and market_return (mean of close / close of the name's bar before - 1), ascending; no row for a session
        before which no name has a bar.
    """
    change = pl.col("close") / pl.col("close").shift(1).over("symbol") - 1.0
    adjusted = forward_adjust(bars, actions).select("symbol", "date", market_return=change).drop_nulls()
    # in the order of names, so that a sum has the same bits however the rows came
    return adjusted.sort("date", "symbol").group_by("date", maintain_order=True).agg(pl.col("market_return").mean())
