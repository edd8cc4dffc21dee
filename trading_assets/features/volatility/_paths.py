"""Windows that weight their rows by age or follow them in order; see `trading_assets.features._rolling`."""

import numpy as np
from numpy.typing import NDArray

from trading_assets.desk.compiled import numba_compiled

Array = NDArray[np.float64]
Offsets = NDArray[np.int64]

# rows whose sums stay in the first-level cache
_TILE = 512


@numba_compiled
def weighted_mean(values: Array, offsets: Offsets, weights: Array) -> Array:
    """Mean of the last ``weights.size`` rows; ``weights[k]`` is the weight of the value k rows before."""
    result = np.full(values.size, np.nan)
    total, window, weight = np.empty(_TILE), weights.size, weights.sum()
    for span in range(offsets.size - 1):
        stop = offsets[span + 1]
        for first in range(offsets[span] + window - 1, stop, _TILE):
            size = min(_TILE, stop - first)
            total[:size] = 0.0
            for back in range(window):
                row = values[first - back : first - back + size]
                for i in range(size):
                    total[i] += weights[back] * row[i]
            for i in range(size):
                result[first + i] = total[i] / weight
    return result


@numba_compiled
def falls(prices: Array, offsets: Offsets, window: int) -> tuple[Array, Array]:
    """Deepest fall of a price below its highest so far within the last `window` rows, and the mean squared fall.

    A fall is price / highest so far - 1. Prices must be above zero.
    """
    deepest, square = np.full(prices.size, np.nan), np.full(prices.size, np.nan)
    peak, worst, total = np.empty(_TILE), np.empty(_TILE), np.empty(_TILE)
    for span in range(offsets.size - 1):
        stop = offsets[span + 1]
        for first in range(offsets[span] + window - 1, stop, _TILE):
            size = min(_TILE, stop - first)
            peak[:size] = 0.0
            worst[:size] = 0.0
            total[:size] = 0.0
            for age in range(window):
                back = window - 1 - age
                row = prices[first - back : first - back + size]
                for i in range(size):
                    peak[i] = max(peak[i], row[i])
                    fall = row[i] / peak[i] - 1.0
                    worst[i] = min(worst[i], fall)
                    total[i] += fall * fall
            for i in range(size):
                deepest[first + i] = worst[i]
                square[first + i] = total[i] / window
    return deepest, square
