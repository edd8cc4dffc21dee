"""All daily feature sets of 505 names over five years: beside pandas, which makes 14 rolling features of them."""

from pathlib import Path

import polars as pl

from benchmarks import panels
from benchmarks.measure import Comparison, Timing, repeat

_WINDOWS = (5, 10, 20, 60, 120)


def daily(folder: Path) -> Timing:
    """All sets of daily bars: adjusted for splits, block by block, so that every partition has the same bits."""
    del folder
    from trading_assets.features.compute import compute
    from trading_assets.features.sets import SETS
    from trading_assets.features.statistical.market import market_returns

    bars = panels.bars()
    schema = {"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64}
    actions = pl.DataFrame(schema=schema)
    first, last = bars["date"][0], bars["date"][-1]
    sets = list(SETS.values())

    def work() -> None:
        compute(sets, bars, actions, start=first, end=last, market=market_returns(bars, actions))

    return repeat(work, 3, rows=bars.height)


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


COMPARISONS = (Comparison("features.daily", daily, "pandas, 14 rolling features alone", naive_pandas),)
