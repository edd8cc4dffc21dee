"""The strategy moving_average_cross: follow the trend."""

import polars as pl

from trading_assets.signals import bars, strategy


@strategy(
    inputs={"prices": bars("close")},
    lookback=lambda fast, slow: max(fast, slow) - 1,
    source="Brock, Lakonishok and LeBaron (1992), Journal of Finance 47(5)",
)
def moving_average_cross(prices: pl.DataFrame, *, fast: int = 50, slow: int = 200) -> pl.DataFrame:
    """Difference of the fast and the slow mean of closes over their sum.

    (fast - slow) / (fast + slow) is positive while the fast mean is above the slow one and 0 where they cross. It is
    tanh(ln(fast / slow) / 2): it lies in (-1, 1), does not depend on the scale of prices, and is about half of the
    relative distance of the means. Closes are adjusted for splits and dividends; a name with fewer than `slow` closes
    has no score. Twelve decimals are kept, so that a price at rest scores 0 and not the rounding error of its means.
    """
    fast_mean, slow_mean = (pl.col("close").rolling_mean(window).over("symbol") for window in (fast, slow))
    return prices.select("date", "symbol", score=((fast_mean - slow_mean) / (fast_mean + slow_mean)).round(12))
