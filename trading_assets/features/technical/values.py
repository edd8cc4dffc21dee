"""Values of the technical indicators."""

from __future__ import annotations

from trading_assets.features.bar_rows import Array, BarRows
from trading_assets.features.technical.momentum import momentum
from trading_assets.features.technical.series import by_series
from trading_assets.features.technical.trend import trend
from trading_assets.features.technical.volatility import volatility
from trading_assets.features.technical.volume import volume


def values(rows: BarRows) -> dict[str, Array]:
    """Compute the set; see `catalogue`."""
    series = by_series(rows)
    return trend(rows, series) | momentum(rows, series) | volatility(rows, series) | volume(rows, series)
