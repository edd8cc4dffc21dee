"""Windows over two columns and the sums of one; see `trading_assets.features._rolling` for spans, windows and NaN."""

import numpy as np
from numpy.typing import NDArray

from trading_assets.desk.compiled import numba_compiled

Array = NDArray[np.float64]
Offsets = NDArray[np.int64]


@numba_compiled
def co_skew_sum(x: Array, y: Array, x_mean: Array, y_mean: Array, offsets: Offsets, window: int) -> Array:
    """Sum over the last `window` rows of (x - mean of x) (y - mean of y)^2, with the means of the newest row."""
    result = np.full(x.size, np.nan)
    for span in range(offsets.size - 1):
        for row in range(offsets[span] + window - 1, offsets[span + 1]):
            total = 0.0
            for past in range(row - window + 1, row + 1):
                away = y[past] - y_mean[row]
                total += (x[past] - x_mean[row]) * (away * away)
            result[row] = total
    return result


@numba_compiled
def beta_below(x: Array, y: Array, x_mean: Array, y_mean: Array, offsets: Offsets, window: int) -> Array:
    """Slope of x on y over those of the last `window` rows with y below its mean; 0 where y does not move in them."""
    result = np.full(x.size, np.nan)
    for span in range(offsets.size - 1):
        for row in range(offsets[span] + window - 1, offsets[span + 1]):
            count, sum_x, sum_y, product, square = 0, 0.0, 0.0, 0.0, 0.0
            for past in range(row - window + 1, row + 1):
                away_x, away_y = x[past] - x_mean[row], y[past] - y_mean[row]
                if away_y < 0.0:
                    count += 1
                    sum_x += away_x
                    sum_y += away_y
                    product += away_x * away_y
                    square += away_y * away_y
            if not (np.isnan(x_mean[row]) or np.isnan(y_mean[row])):
                moved = square - sum_y * sum_y / count if count > 1 else 0.0
                # rounding differences of equal values are no movement
                still = moved <= 1e-12 * square
                result[row] = 0.0 if still else (product - sum_x * sum_y / count) / moved
    return result


@numba_compiled
def range_of_sums(values: Array, mean: Array, offsets: Offsets, window: int) -> Array:
    """Highest minus lowest cumulative sum of the deviations from the mean, over the last `window` rows.

    The empty sum counts, so the range is at least zero. The mean is that of the newest row.
    """
    result = np.full(values.size, np.nan)
    for span in range(offsets.size - 1):
        for row in range(offsets[span] + window - 1, offsets[span + 1]):
            total, highest, lowest = 0.0, 0.0, 0.0
            for past in range(row - window + 1, row + 1):
                total += values[past] - mean[row]
                highest, lowest = max(highest, total), min(lowest, total)
            if not np.isnan(mean[row]):
                result[row] = highest - lowest
    return result
