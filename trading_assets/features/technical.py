"""Technical features of daily bars: scale-free numbers per symbol and session.

What belongs here: features of one symbol's own bars. What does not: cross-sectional ranks (the SQL feature sets) and
anything that reads another session than the row's own and earlier ones.
"""

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl

from trading_assets.features import _expressions as expressions
from trading_assets.features._catalog import FEATURES, Feature
from trading_assets.features._talib import indicators
from trading_assets.point_in_time.adjustment import forward_adjust_blocks
from trading_assets.point_in_time.blocks import Period, lookback_blocks

__all__ = ["FEATURES", "LOOKBACK_BARS", "Feature", "technical"]

LOOKBACK_BARS = 400
"""Bars of a symbol to read before a period: by then exponential averages have forgotten their seed to 1e-9."""

# 7,072 names x 2 years: 10 s and a peak of 1.3 GB in portions, 31 s and 4.6 GB at once
_SYMBOLS_AT_ONCE = 256
_BAR = ("open", "high", "low", "close", "volume")


def technical(
    bars: pl.DataFrame, actions: pl.DataFrame, *, start: date, end: date, period: Period = "year"
) -> pl.DataFrame:
    """Compute the features of `FEATURES` for the sessions from start to end.

    Prices are forward-adjusted for splits, not for dividends, within each look-back block.

    Parameters
    ----------
    bars
        Raw bars: symbol, date, open, high, low, close, volume, clean (no nulls, prices above zero), in any order, with
        at least `LOOKBACK_BARS` rows per symbol before the first period where they exist.
    actions
        Corporate actions: symbol, ex_date, kind, value.
    start, end
        First and last session wanted.
    period
        Length of a partition, "year" or "month". A value depends on the bars of its own period and the `LOOKBACK_BARS`
        before it, so any range of sessions and any subset of symbols give the same bits.

    Returns
    -------
    polars.DataFrame
        symbol, date and one Float32 column per feature in the order of `FEATURES`, sorted by symbol and date. A value
        is null while
        its own window is not filled, otherwise finite; see `FEATURES` for the value of windows without movement or
        trading.

    Raises
    ------
    ValueError
        A null, non-finite or non-positive price, a negative volume, a repeated bar, an unusable action.
    """
    single = pl.col(list(FEATURES)).cast(pl.Float32)
    parts = [
        _technical_float64(part, actions, start=start, end=end, period=period).with_columns(single)
        for part in _portions(bars)
    ]
    return pl.concat(parts)


def _portions(bars: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Split the bars by symbol, ascending: intermediate columns of all names at once would be the peak of memory."""
    symbols = bars["symbol"].unique().sort()
    for first in range(0, max(len(symbols), 1), _SYMBOLS_AT_ONCE):
        yield bars.filter(pl.col("symbol").is_in(symbols[first : first + _SYMBOLS_AT_ONCE].implode()))


def _technical_float64(
    bars: pl.DataFrame,
    actions: pl.DataFrame,
    *,
    start: date,
    end: date,
    period: Period = "year",
    lookback: int = LOOKBACK_BARS,
) -> pl.DataFrame:
    """Compute the features in full precision, with a look-back of choice: the warm-up law is stated on these."""
    # every feature looks back only, so bars after the end cannot matter
    clean = _checked(bars.select("symbol", "date", *_BAR).filter(pl.col("date") <= end))
    blocks = forward_adjust_blocks(
        lookback_blocks(clean, lookback=lookback, period=period, start=start, end=end), actions
    ).rechunk()
    rows = blocks.with_columns(pl.struct("symbol", "block").rle_id().alias(expressions.SPAN)).with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).over(expressions.SPAN).alias(expressions.POSITION)
    )
    return (
        rows.with_columns(_indicator_columns(rows))
        .with_columns(expressions.returns())
        .with_columns(expressions.ingredients())
        .with_columns(*expressions.price_features(), *expressions.volume_features())
        .filter(pl.col("is_output") & pl.col("date").is_between(start, end))
        .select("symbol", "date", *FEATURES)
        .sort("symbol", "date")
    )


def _indicator_columns(rows: pl.DataFrame) -> list[pl.Series]:
    columns = {name: rows[name].to_numpy() for name in _BAR}
    lengths = rows[expressions.SPAN].rle().struct.field("len").to_numpy()
    stops = np.cumsum(lengths, dtype=np.int64)
    spans = zip((stops - lengths).tolist(), stops.tolist(), strict=True)
    computed = indicators(columns, spans)
    names = [name for name, feature in FEATURES.items() if feature.source == "talib"]
    return [pl.Series(name, computed.get(name, np.empty(0))).fill_nan(None) for name in names]


def _checked(bars: pl.DataFrame) -> pl.DataFrame:
    price = pl.col("open", "high", "low", "close")
    usable = pl.all_horizontal(price.is_finite() & (price > 0), pl.col("volume") >= 0)
    wrong = bars.filter(~usable.fill_null(value=False))
    if wrong.height:
        symbol, day = wrong.select("symbol", "date").row(0)
        raise ValueError(
            f"{wrong.height} unusable bar(s), first: {symbol} {day}; features need finite prices above zero and a "
            "volume of at least zero: quarantine the row in market_data.bars_daily"
        )
    return bars
