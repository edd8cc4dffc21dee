"""Correlations of all windows of Alpha158 over the rows that have both values, in one pass as in `_windows`."""

import numpy as np

from trading_assets.desk.compiled import numba_compiled
from trading_assets.features.alpha158._windows import TILE, Array, Tiles
from trading_assets.features.alpha158.catalogue import WINDOWS

STILL = 2e-5
"""Standard deviation up to which qlib computes no correlation."""


@numba_compiled
def correlation(x: Array, y: Array, x_still: float, work: Tiles, found: Array) -> None:
    """Write the correlation over the rows of each window that have both values; NaN where either is constant.

    A value that is not finite counts as missing. `x` is constant up to a deviation of `x_still`, `y` up to 2e-5.
    """
    valid, sum_x, sum_y = np.empty(TILE), np.empty(TILE), np.empty(TILE)
    square_x, square_y, product = np.empty(TILE), np.empty(TILE), np.empty(TILE)
    base_x, base_y = np.empty(TILE), np.empty(TILE)
    for tile in range(len(work)):
        first, size, before = work[tile]
        for i in range(size):
            base_x[i], base_y[i] = _newest(x, y, first + i, before)
        for sums in (valid, sum_x, sum_y, square_x, square_y, product):
            sums[:size] = 0.0
        done = 0
        for window in range(len(WINDOWS)):
            n = min(WINDOWS[window], before + 1)
            for back in range(done, n):
                row_x, row_y = x[first - back : first - back + size], y[first - back : first - back + size]
                for i in range(size):
                    away_x, away_y = row_x[i] - base_x[i], row_y[i] - base_y[i]
                    usable = abs(away_x) + abs(away_y) < np.inf
                    away_x = away_x if usable else 0.0
                    away_y = away_y if usable else 0.0
                    valid[i] += 1.0 if usable else 0.0
                    sum_x[i] += away_x
                    sum_y[i] += away_y
                    square_x[i] += away_x * away_x
                    square_y[i] += away_y * away_y
                    product[i] += away_x * away_y
            done = n
            for i in range(size):
                count = max(valid[i], 1.0)
                var_x = square_x[i] - sum_x[i] * sum_x[i] / count
                var_y = square_y[i] - sum_y[i] * sum_y[i] / count
                degrees = count - 1.0
                moved = var_x > x_still * x_still * degrees and var_y > STILL * STILL * degrees
                scale = np.sqrt(var_x * var_y) if moved else 1.0
                value = (product[i] - sum_x[i] * sum_y[i] / count) / scale
                found[0, window, first + i] = min(max(value, -1.0), 1.0) if moved else np.nan


@numba_compiled
def _newest(x: Array, y: Array, row: int, before: int) -> tuple[float, float]:
    """Pair of values of the newest row that has both, among a row and `before` rows before it."""
    for at in range(row, row - before - 1, -1):
        if abs(x[at]) + abs(y[at]) < np.inf:
            return x[at], y[at]
    return 0.0, 0.0
