"""Windows over contiguous spans of rows, each computed from its own rows alone.

A value is a function of the rows of its window, bit for bit: nothing is carried from one window to the next, so it
does not matter where the rows begin. Sums run over deviations from the newest value of the window: a window without
movement has a deviation of exactly zero, and prices of any scale keep their precision. The inner loops run over
neighbouring rows, which the compiler turns into vector instructions (`python -m benchmarks rolling`).

The result is NaN where a window contains a NaN or is not full yet.
"""

import numpy as np
from numpy.typing import NDArray

from trading_assets.desk.compiled import numba_compiled

Array = NDArray[np.float64]
Offsets = NDArray[np.int64]

# rows whose sums stay in the first-level cache
_TILE = 512


@numba_compiled
def _centre(values: Array, first: int, size: int, window: int, found: Array) -> None:
    """Write the mean of the windows that end in `size` rows from `first` on, less the newest value of each window."""
    last = values[first : first + size]
    found[:size] = 0.0
    for back in range(1, window):
        row = values[first - back : first - back + size]
        for i in range(size):
            found[i] += row[i] - last[i]
    for i in range(size):
        found[i] /= window


@numba_compiled
def mean(values: Array, offsets: Offsets, window: int) -> Array:
    """Mean of the last `window` rows; spans are offsets[i] to offsets[i + 1]."""
    result = np.full(values.size, np.nan)
    centre = np.empty(_TILE)
    for span in range(offsets.size - 1):
        stop = offsets[span + 1]
        for first in range(offsets[span] + window - 1, stop, _TILE):
            size = min(_TILE, stop - first)
            _centre(values, first, size, window, centre)
            for i in range(size):
                result[first + i] = values[first + i] + centre[i]
    return result


@numba_compiled
def central_sums(values: Array, offsets: Offsets, window: int, order: int) -> tuple[Array, Array]:
    """Sums over the window of squared deviations from its mean, and of their powers `order` (3 or 4)."""
    squares = np.full(values.size, np.nan)
    powers = np.full(values.size, np.nan)
    centre, square, power = np.empty(_TILE), np.empty(_TILE), np.empty(_TILE)
    for span in range(offsets.size - 1):
        stop = offsets[span + 1]
        for first in range(offsets[span] + window - 1, stop, _TILE):
            size = min(_TILE, stop - first)
            last = values[first : first + size]
            _centre(values, first, size, window, centre)
            square[:size] = 0.0
            power[:size] = 0.0
            for back in range(window):
                row = values[first - back : first - back + size]
                if order == 3:  # noqa: PLR2004 - skewness
                    for i in range(size):
                        away = (row[i] - last[i]) - centre[i]
                        square[i] += away * away
                        power[i] += away * away * away
                else:
                    for i in range(size):
                        away = (row[i] - last[i]) - centre[i]
                        square[i] += away * away
                        power[i] += (away * away) * (away * away)
            squares[first : first + size] = square[:size]
            powers[first : first + size] = power[:size]
    return squares, powers


@numba_compiled
def squared_deviations(values: Array, offsets: Offsets, window: int) -> Array:
    """Sum over the window of squared deviations from its mean."""
    result = np.full(values.size, np.nan)
    centre, square = np.empty(_TILE), np.empty(_TILE)
    for span in range(offsets.size - 1):
        stop = offsets[span + 1]
        for first in range(offsets[span] + window - 1, stop, _TILE):
            size = min(_TILE, stop - first)
            last = values[first : first + size]
            _centre(values, first, size, window, centre)
            square[:size] = 0.0
            for back in range(window):
                row = values[first - back : first - back + size]
                for i in range(size):
                    away = (row[i] - last[i]) - centre[i]
                    square[i] += away * away
            result[first : first + size] = square[:size]
    return result


@numba_compiled
def co_deviations(left: Array, right: Array, offsets: Offsets, window: int) -> Array:
    """Sum over the window of products of the deviations of two columns from their means."""
    result = np.full(left.size, np.nan)
    centre_x, centre_y, product = np.empty(_TILE), np.empty(_TILE), np.empty(_TILE)
    for span in range(offsets.size - 1):
        stop = offsets[span + 1]
        for first in range(offsets[span] + window - 1, stop, _TILE):
            size = min(_TILE, stop - first)
            last_x, last_y = left[first : first + size], right[first : first + size]
            _centre(left, first, size, window, centre_x)
            _centre(right, first, size, window, centre_y)
            product[:size] = 0.0
            for back in range(window):
                x, y = left[first - back : first - back + size], right[first - back : first - back + size]
                for i in range(size):
                    product[i] += ((x[i] - last_x[i]) - centre_x[i]) * ((y[i] - last_y[i]) - centre_y[i])
            result[first : first + size] = product[:size]
    return result


@numba_compiled
def highest(values: Array, offsets: Offsets, window: int) -> Array:
    """Greatest value of the last `window` rows.

    Each step doubles the width of the windows while they fit: 252 rows take 8 steps. The greatest value has the same
    bits in any order of comparison.
    """
    result = np.full(values.size, np.nan)
    best, wider = np.empty(_TILE + window), np.empty(_TILE + window)
    for span in range(offsets.size - 1):
        stop = offsets[span + 1]
        for first in range(offsets[span] + window - 1, stop, _TILE):
            size = min(_TILE, stop - first)
            length = size + window - 1
            best[:length] = values[first - window + 1 : first + size]
            width = 1
            while 2 * width <= window:
                _greater(best[width - 1 : length - width], best[2 * width - 1 : length], wider[2 * width - 1 : length])
                best, wider = wider, best
                width *= 2
            _greater(best[width - 1 : width - 1 + size], best[window - 1 : length], result[first : first + size])
    return result


@numba_compiled
def _greater(left: Array, right: Array, found: Array) -> None:
    for i in range(found.size):
        # a NaN on either side is kept
        found[i] = left[i] if (left[i] > right[i] or left[i] != left[i]) else right[i]


@numba_compiled
def shifted(values: Array, offsets: Offsets, rows: int) -> Array:
    """Value `rows` rows earlier, within the span."""
    result = np.full(values.size, np.nan)
    for span in range(offsets.size - 1):
        for row in range(offsets[span] + rows, offsets[span + 1]):
            result[row] = values[row - rows]
    return result
