"""The bar joined to the close before it, on which true-range indicators rest (Wilder 1978)."""

from __future__ import annotations

import numpy as np

from trading_assets.features.bar_rows import Array, BarRows


def true_low_and_high(rows: BarRows) -> tuple[Array, Array]:
    """Low and high of a bar extended to the close before; NaN in the first row of a span."""
    before = rows.before(rows.close, 1)
    return np.minimum(rows.low, before), np.maximum(rows.high, before)


def true_range(rows: BarRows) -> Array:
    """Largest of high - low, |high - close before| and |low - close before|; NaN in the first row of a span."""
    low, high = true_low_and_high(rows)
    return high - low


def range_position(rows: BarRows, window: int, *, flat: float) -> Array:
    """Close within the range of the last `window` bars: 0 at the lowest low, 1 at the highest high."""
    low, high = rows.lowest(rows.low, window), rows.highest(rows.high, window)
    return np.where(high == low, flat, (rows.close - low) / (high - low))
