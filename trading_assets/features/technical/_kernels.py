"""Weighted windows over contiguous spans of rows, like the other windows of features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading_assets.desk.compiled import numba_compiled

Array = NDArray[np.float64]

# rows whose sums stay in the first-level cache
_TILE = 512


@numba_compiled
def weighted_deviations(values: Array, offsets: NDArray[np.int64], weights: Array) -> Array:
    """Sum of weight times deviation from the newest value, over a window as long as the weights.

    The first weight is that of the newest row. Exactly 0 where nothing moved; NaN while the window is not filled.
    """
    result = np.full(values.size, np.nan)
    total = np.empty(_TILE)
    for span in range(offsets.size - 1):
        stop = offsets[span + 1]
        for first in range(offsets[span] + weights.size - 1, stop, _TILE):
            size = min(_TILE, stop - first)
            last = values[first : first + size]
            total[:size] = 0.0
            for back in range(1, weights.size):
                row, weight = values[first - back : first - back + size], weights[back]
                for i in range(size):
                    total[i] += weight * (row[i] - last[i])
            result[first : first + size] = total[:size]
    return result
