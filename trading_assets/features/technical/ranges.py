"""Ranges of bars and windows: a bar extended to the close before it (Wilder 1978), and bars without a move."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading_assets.features.bar_rows import Array, BarRows

REST = 63
"""Bars without a move after which a quotient of two exponential averages has its neutral value.

Both averages decay equally while nothing moves, so the quotient would keep its value and depend on the seed forever;
with a move among this many bars the seed weighs less than 1e-9.
"""


def true_low_and_high(rows: BarRows) -> tuple[Array, Array]:
    """Low and high of a bar extended to the close before; NaN in the first row of a span."""
    before = rows.before(rows.close, 1)
    return np.minimum(rows.low, before), np.maximum(rows.high, before)


def true_range(rows: BarRows) -> Array:
    """Largest of high - low, |high - close before| and |low - close before|; NaN in the first row of a span."""
    low, high = true_low_and_high(rows)
    return high - low


def at_rest(rows: BarRows, moves: Array) -> NDArray[np.bool_]:
    """Whether all of the last `REST` moves are exactly 0."""
    resting: NDArray[np.bool_] = rows.highest(np.abs(moves), REST) == 0.0
    return resting


def range_position(rows: BarRows, window: int, *, flat: float) -> Array:
    """Close within the range of the last `window` bars: 0 at the lowest low, 1 at the highest high."""
    low, high = rows.lowest(rows.low, window), rows.highest(rows.high, window)
    return np.where(high == low, flat, (rows.close - low) / (high - low))
