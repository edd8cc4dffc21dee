"""The 40 technical features of 505 names over five years: beside pandas, and beside one pass without fixed blocks."""

from pathlib import Path

import polars as pl

from benchmarks import panels
from benchmarks.measure import Comparison, Timing, repeat
from trading_assets.features import _expressions as expressions
from trading_assets.features._catalog import FEATURES

_WINDOWS = (5, 10, 20, 60, 120)


def technical(folder: Path) -> Timing:
    """All technical features: adjusted for splits, block by block, so that every partition has the same bits."""
    del folder
    from trading_assets.features.technical import technical as compute

    bars = panels.bars()
    schema = {"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64}
    actions = pl.DataFrame(schema=schema)
    first, last = bars["date"][0], bars["date"][-1]
    return repeat(lambda: compute(bars, actions, start=first, end=last), 3, rows=bars.height)


def one_block_per_name(folder: Path) -> Timing:
    """Compute the same 40 features over each name's whole history at once."""
    del folder
    from trading_assets.features.technical import _indicator_columns

    bars = panels.bars().with_columns(pl.col("volume").cast(pl.Float64))

    def compute() -> None:
        rows = bars.with_columns(pl.col("symbol").rle_id().alias(expressions.SPAN)).with_columns(
            pl.int_range(pl.len(), dtype=pl.Int64).over(expressions.SPAN).alias(expressions.POSITION)
        )
        (
            rows.with_columns(_indicator_columns(rows))
            .with_columns(expressions.returns())
            .with_columns(expressions.ingredients())
            .with_columns(*expressions.price_features(), *expressions.volume_features())
            .select("symbol", "date", pl.col(list(FEATURES)).cast(pl.Float32))
        )

    return repeat(compute, 3, rows=bars.height)


def naive_pandas(folder: Path) -> Timing:
    """Fourteen means, deviations and extremes over the whole history of each name."""
    del folder
    bars = panels.bars().to_pandas()

    def compute() -> None:
        close = bars.groupby("symbol", sort=False)["close"]
        for window in _WINDOWS:
            rolling = close.rolling(window)
            bars[f"mean_{window}"] = rolling.mean().to_numpy()
            bars[f"deviation_{window}"] = rolling.std().to_numpy()
        for window in _WINDOWS[-2:]:
            rolling = close.rolling(window)
            bars[f"highest_{window}"] = rolling.max().to_numpy()
            bars[f"lowest_{window}"] = rolling.min().to_numpy()

    return repeat(compute, 3, rows=len(bars))


COMPARISONS = (
    Comparison("features.technical", technical, "pandas, 14 rolling features instead of 40", naive_pandas),
    Comparison("features.blocks", technical, "one block per name: bits depend on the range", one_block_per_name),
)
