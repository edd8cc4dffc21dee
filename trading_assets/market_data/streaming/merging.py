"""Which of several bars of a minute is kept."""

from __future__ import annotations

import polars as pl

from trading_assets.market_data.sources.protocol import INTRADAY_BARS_SCHEMA

KEY = ("symbol", "ts")
FINAL = "is_final"


def no_bars() -> pl.DataFrame:
    """Return an empty frame of marked bars."""
    return INTRADAY_BARS_SCHEMA.to_frame().with_columns(pl.lit(value=False).alias(FINAL))


def marked(bars: pl.DataFrame, *, is_final: bool) -> pl.DataFrame:
    """Mark bars as final, which replace others of their minute (history, corrections), or not (the stream)."""
    return bars.with_columns(pl.lit(is_final).alias(FINAL))


def merge(*frames: pl.DataFrame) -> pl.DataFrame:
    """Reduce marked bars to one per symbol and minute.

    The last final bar is kept: history, or a later correction. Without a final one the first is kept: a bar that is
    already stored or held is not replaced by another bar of the stream.

    Parameters
    ----------
    *frames : polars.DataFrame
        Marked bars in the order in which they became known.
    """
    ordered = pl.concat(frames, how="vertical_relaxed").with_row_index("__at")
    at = pl.col("__at").cast(pl.Int64)
    rank = pl.when(pl.col(FINAL)).then(at + 1).otherwise(-at)
    return (
        ordered.with_columns(__rank=rank)
        .filter(pl.col("__rank") == pl.col("__rank").max().over(KEY))
        .drop("__at", "__rank")
        .sort(KEY)
    )
