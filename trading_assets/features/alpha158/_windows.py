"""All windows of Alpha158 over one series in one pass: sums grow back from the newest row and are read at each length.

The sums of the last 5 rows are the first part of those of the last 60, so five windows cost what the longest does. Sums
run over differences from the window's newest value: it belongs to the window, so cancellation costs at most a factor of
the window's length, and a constant series has sums of exactly zero. Windows that a span does not fill yet hold the rows
that exist.

The innermost loop runs over a tile (see `tiles`) of neighbouring rows, which the compiler turns into vector
instructions.
"""

import numpy as np
from numpy.typing import NDArray

from trading_assets.desk.compiled import numba_compiled
from trading_assets.features.alpha158.catalogue import WINDOWS

Array = NDArray[np.float64]
Tiles = NDArray[np.int64]

LONGEST = WINDOWS[-1]
# rows whose sums stay in the first-level cache
TILE = 256


@numba_compiled
def tiles(offsets: NDArray[np.int64], starts: NDArray[np.int64]) -> Tiles:
    """Return the first row of each tile, its number of rows, and the number of rows of its span before it (at most 60).

    Spans are offsets[i] to offsets[i + 1], of which the rows from starts[i] on are wanted. Rows with fewer than
    60 before them are separate tiles, since their windows have other lengths.
    """
    found = np.empty((offsets[-1], 3), np.int64)
    count = 0
    for span in range(starts.size):
        row, stop = starts[span], offsets[span + 1]
        while row < stop:
            before = min(row - offsets[span], LONGEST)
            size = min(TILE, stop - row) if before == LONGEST else 1
            found[count] = row, size, before
            count += 1
            row += size
    return found[:count]


@numba_compiled
def blank(found: Array, offsets: NDArray[np.int64], starts: NDArray[np.int64]) -> None:
    """Write NaN into the rows of the spans that are not wanted."""
    for family in range(found.shape[0]):
        for window in range(found.shape[1]):
            for span in range(starts.size):
                found[family, window, offsets[span] : starts[span]] = np.nan


@numba_compiled
def _share(part: float, whole: float) -> float:
    return part / whole if whole != 0.0 else 0.0


@numba_compiled
def trend(close: Array, work: Tiles, found: Array) -> None:
    """Write MA, STD, BETA, RSQR and RESI of each window: the mean, the deviation and the line through the closes."""
    total, square, moment = np.empty(TILE), np.empty(TILE), np.empty(TILE)
    for tile in range(len(work)):
        first, size, before = work[tile]
        last = close[first : first + size]
        total[:size] = 0.0
        square[:size] = 0.0
        moment[:size] = 0.0
        done = 1
        for window in range(len(WINDOWS)):
            n = min(WINDOWS[window], before + 1)
            for back in range(done, n):
                row = close[first - back : first - back + size]
                for i in range(size):
                    away = row[i] - last[i]
                    total[i] += away
                    square[i] += away * away
                    moment[i] += back * away
            done = n
            spread = n * (n * n - 1.0) / 12.0
            for i in range(size):
                at = first + i
                mean = total[i] / n
                squares = max(square[i] - total[i] * mean, 0.0)
                slope = ((n - 1.0) / 2.0 * total[i] - moment[i]) / spread if n > 1 else np.nan
                found[0, window, at] = 1.0 + mean / last[i]
                found[1, window, at] = np.sqrt(squares / (n - 1.0)) / last[i] if n > 1 else np.nan
                found[2, window, at] = slope / last[i]
                found[3, window, at] = min(slope * slope * spread / squares, 1.0) if squares > 0.0 else np.nan
                found[4, window, at] = -(mean + slope * (n - 1.0) / 2.0) / last[i]


@numba_compiled
def extremes(high: Array, low: Array, close: Array, work: Tiles, found: Array) -> None:
    """Write MAX, MIN, RSV, IMAX, IMIN and IMXD of each window: the extremes and their positions."""
    highest, lowest = np.empty(TILE), np.empty(TILE)
    since_high, since_low = np.empty(TILE), np.empty(TILE)
    for tile in range(len(work)):
        first, size, before = work[tile]
        highest[:size] = high[first : first + size]
        lowest[:size] = low[first : first + size]
        since_high[:size] = 0.0
        since_low[:size] = 0.0
        done = 1
        for window in range(len(WINDOWS)):
            length = WINDOWS[window]
            n = min(length, before + 1)
            for back in range(done, n):
                up, down = high[first - back : first - back + size], low[first - back : first - back + size]
                for i in range(size):
                    # the oldest of equal extremes counts
                    since_high[i] = back if up[i] >= highest[i] else since_high[i]
                    highest[i] = max(highest[i], up[i])
                    since_low[i] = back if down[i] <= lowest[i] else since_low[i]
                    lowest[i] = min(lowest[i], down[i])
            done = n
            for i in range(size):
                at = first + i
                found[0, window, at] = highest[i] / close[at]
                found[1, window, at] = lowest[i] / close[at]
                found[2, window, at] = _share(close[at] - lowest[i], highest[i] - lowest[i])
                found[3, window, at] = (n - since_high[i]) / length
                found[4, window, at] = (n - since_low[i]) / length
                found[5, window, at] = (since_low[i] - since_high[i]) / length


@numba_compiled
def counts(values: Array, work: Tiles, found: Array) -> None:
    """Write the shares of a window's rows that rose and that fell, and their difference."""
    rises, falls = np.empty(TILE), np.empty(TILE)
    for tile in range(len(work)):
        first, size, before = work[tile]
        rises[:size] = 0.0
        falls[:size] = 0.0
        done = 0
        for window in range(len(WINDOWS)):
            changes, n = min(WINDOWS[window], before), min(WINDOWS[window], before + 1)
            for back in range(done, changes):
                row, prior = values[first - back : first - back + size], values[first - back - 1 : first - back + size]
                for i in range(size):
                    rises[i] += 1.0 if row[i] > prior[i] else 0.0
                    falls[i] += 1.0 if row[i] < prior[i] else 0.0
            done = changes
            for i in range(size):
                found[0, window, first + i] = rises[i] / n
                found[1, window, first + i] = falls[i] / n
                found[2, window, first + i] = (rises[i] - falls[i]) / n


@numba_compiled
def balance(values: Array, work: Tiles, found: Array) -> None:
    """Write the shares of a window's movement that were upwards and downwards, and their difference."""
    gain, loss = np.empty(TILE), np.empty(TILE)
    for tile in range(len(work)):
        first, size, before = work[tile]
        gain[:size] = 0.0
        loss[:size] = 0.0
        done = 0
        for window in range(len(WINDOWS)):
            changes = min(WINDOWS[window], before)
            for back in range(done, changes):
                row, prior = values[first - back : first - back + size], values[first - back - 1 : first - back + size]
                for i in range(size):
                    gain[i] += max(row[i] - prior[i], 0.0)
                    loss[i] += max(prior[i] - row[i], 0.0)
            done = changes
            for i in range(size):
                moved = gain[i] + loss[i] if before > 0 else np.nan
                found[0, window, first + i] = _share(gain[i], moved)
                found[1, window, first + i] = _share(loss[i], moved)
                found[2, window, first + i] = _share(gain[i] - loss[i], moved)


@numba_compiled
def dispersion(values: Array, missing: int, work: Tiles, found: Array) -> None:
    """Write mean and sample deviation of each window; the first `missing` rows of a span have no value."""
    total, square = np.empty(TILE), np.empty(TILE)
    for tile in range(len(work)):
        first, size, before = work[tile]
        last = values[first : first + size]
        total[:size] = 0.0
        square[:size] = 0.0
        done = 1
        for window in range(len(WINDOWS)):
            n = min(WINDOWS[window], before + 1 - missing)
            for back in range(done, n):
                row = values[first - back : first - back + size]
                for i in range(size):
                    away = row[i] - last[i]
                    total[i] += away
                    square[i] += away * away
            done = max(n, 1)
            for i in range(size):
                mean = total[i] / n if n > 0 else np.nan
                squares = max(square[i] - total[i] * mean, 0.0)
                found[0, window, first + i] = last[i] + mean
                found[1, window, first + i] = np.sqrt(squares / (n - 1.0)) if n > 1 else np.nan
