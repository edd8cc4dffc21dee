"""The panel that models read: all feature sets side by side."""

from datetime import date

import polars as pl

from trading_assets.lake import LakeFrame


def model_features(technical: LakeFrame, cross_section: LakeFrame, start: date, end: date) -> pl.DataFrame:
    """Join the feature sets of a span on symbol and date.

    Returns
    -------
    polars.DataFrame
        symbol, date and all feature columns, one row per row of ``technical``.
    """
    left = technical.read(start=start, end=end)
    right = cross_section.read(start=start, end=end)
    return left.join(right, on=["symbol", "date"], how="left", maintain_order="left")
