"""Convert prices that a vendor has adjusted for splits back into those that were traded."""

from __future__ import annotations

import math

import polars as pl

__all__ = ["raw_from_split_adjusted"]

_PRICES = ("open", "high", "low", "close", "dividend")
# Vendors send prices as 32-bit floats: half a unit in the last place is at most 2**-24 of the value.
_FLOAT32_ERROR = 2.0**-24
_MOST_DECIMALS = 9


def raw_from_split_adjusted(bars: pl.DataFrame, splits: pl.DataFrame, *, decimals: int = 6) -> pl.DataFrame:
    """Return rows in the shares of their own day.

    A vendor that adjusts for splits has divided every price, and multiplied every volume, by the product of the ratios
    of all *later* splits. Undoing that needs every split from the day of the row to the day of the answer. Prices are
    rounded to the decimals that the vendor's rounding leaves certain, the same number for all prices of a row, so that
    a price in cents is restored exactly and no high falls below a close. Volumes become whole shares.

    Parameters
    ----------
    bars
        Columns `symbol` and `date`, and any of `open`, `high`, `low`, `close`, `dividend` and `volume`.
    splits
        Columns `symbol`, `ex_date` and `value`, new shares per old share; any order.
    decimals
        Decimals to which the vendor rounds what it has adjusted.

    Examples
    --------
    >>> from datetime import date
    >>> bars = pl.DataFrame({"symbol": ["AAPL"], "date": [date(2014, 6, 6)], "close": [23.056070], "volume": [1]})
    >>> splits = pl.DataFrame(
    ...     {"symbol": ["AAPL"] * 2, "ex_date": [date(2014, 6, 9), date(2020, 8, 31)], "value": [7.0, 4.0]}
    ... )
    >>> raw_from_split_adjusted(bars, splits)["close"].item()
    645.57
    """
    prices = [name for name in _PRICES if name in bars.columns]
    factor = pl.col("_factor")
    highest = pl.max_horizontal(pl.col(name).abs() for name in prices)
    error = factor * (0.5 * 10.0**-decimals) + highest * _FLOAT32_ERROR
    certain = (-(2 * error).log10()).floor().clip(-_MOST_DECIMALS, _MOST_DECIMALS)
    scaled = bars.with_columns(_factor=_later_ratio(bars, splits)).with_columns(pl.col(prices) * factor)
    if "volume" in bars.columns:
        scaled = scaled.with_columns((pl.col("volume") / factor).round().cast(bars.schema["volume"]))
    if prices:
        scale = pl.col("_scale")
        power = {float(n): 10.0**n for n in range(-_MOST_DECIMALS, _MOST_DECIMALS + 1)}
        # The error is in units of the raw price, so it is known only after scaling.
        scaled = scaled.with_columns(_scale=certain.replace_strict(power, default=math.nan, return_dtype=pl.Float64))
        scaled = scaled.with_columns((pl.col(prices) * scale).round() / scale).drop("_scale")
    return scaled.drop("_factor")


def _later_ratio(bars: pl.DataFrame, splits: pl.DataFrame) -> pl.Series:
    """Product of the ratios of the splits after each row's date."""
    later = (
        splits.filter(pl.col("value") > 0)
        .sort("symbol", "ex_date")
        .select("symbol", "ex_date", _later=pl.col("value").cum_prod(reverse=True).over("symbol"))
    )
    return (
        bars.select("symbol", "date")
        .with_row_index("_row")
        .sort("date", nulls_last=True)
        .join_asof(
            later.sort("ex_date"),
            left_on="date",
            right_on="ex_date",
            by="symbol",
            strategy="forward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .sort("_row")["_later"]
        .fill_null(1.0)
    )
