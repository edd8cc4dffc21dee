"""Values of the statistics of returns."""

from __future__ import annotations

import numpy as np

from trading_assets.features.bar_rows import Array, BarRows, ratio


def values(rows: BarRows) -> dict[str, Array]:
    """Compute the set; see `catalogue`."""
    change = np.expm1(rows.log_return)
    market = rows.column("market_return")
    covariance, variance = rows.covariance(change, market, 63), rows.deviation(market, 63) ** 2
    return {"return_skew_63": rows.skewness(rows.log_return, 63), "beta_63": ratio(covariance, variance)}
