"""Windows that rank and count their rows; see `trading_assets.features._rolling` for spans, windows and NaN."""

import numpy as np
from numpy.typing import NDArray

from trading_assets.desk.compiled import numba_compiled

Array = NDArray[np.float64]
Offsets = NDArray[np.int64]


@numba_compiled
def percent_rank(values: Array, offsets: Offsets, window: int) -> Array:
    """Rank of the newest of the last `window` values, 0 lowest, 1 highest; values that are equal share their ranks."""
    result = np.full(values.size, np.nan)
    for span in range(offsets.size - 1):
        for row in range(offsets[span] + window - 1, offsets[span + 1]):
            last, twice = values[row], 0
            valid = not np.isnan(last)
            for other in values[row - window + 1 : row]:
                twice += 2 * (other < last) + (other == last)
                valid &= not np.isnan(other)
            if valid:
                result[row] = 0.5 * twice / (window - 1)
    return result


@numba_compiled
def lowest(values: Array, offsets: Offsets, window: int, count: int) -> tuple[Array, Array]:
    """Greatest and mean of the `count` lowest of the last `window` values."""
    greatest, mean = np.full(values.size, np.nan), np.full(values.size, np.nan)
    kept = np.empty(count)
    for span in range(offsets.size - 1):
        for row in range(offsets[span] + window - 1, offsets[span + 1]):
            kept[:] = np.inf
            valid = True
            for value in values[row - window + 1 : row + 1]:
                valid &= not np.isnan(value)
                if value < kept[-1]:
                    place = count - 1
                    while place > 0 and kept[place - 1] > value:
                        kept[place] = kept[place - 1]
                        place -= 1
                    kept[place] = value
            if valid:
                greatest[row] = kept[-1]
                mean[row] = kept[0] + (kept - kept[0]).sum() / count
    return greatest, mean


@numba_compiled
def count_beyond(values: Array, centre: Array, limit: Array, offsets: Offsets, window: int) -> Array:
    """How many of the last `window` values are further than the row's limit from the row's centre."""
    result = np.full(values.size, np.nan)
    for span in range(offsets.size - 1):
        for row in range(offsets[span] + window - 1, offsets[span + 1]):
            if not np.isnan(centre[row]):
                count = 0
                for value in values[row - window + 1 : row + 1]:
                    count += abs(value - centre[row]) > limit[row]
                result[row] = count
    return result


@numba_compiled
def entropy(codes: Array, offsets: Offsets, window: int, kinds: int) -> Array:
    """Shannon entropy in nats of the last `window` codes, whole numbers from 0 to kinds - 1.

    Counts are whole numbers, so carrying them from window to window changes no bit. NaN may only start a span.
    """
    result = np.full(codes.size, np.nan)
    terms = np.zeros(window + 1)
    for number in range(1, window + 1):
        terms[number] = -number / window * np.log(number / window)
    for span in range(offsets.size - 1):
        counts, known = np.zeros(kinds, dtype=np.int64), 0
        for row in range(offsets[span], offsets[span + 1]):
            if np.isnan(codes[row]):
                continue
            counts[int(codes[row])] += 1
            known += 1
            if known > window:
                counts[int(codes[row - window])] -= 1
            if known >= window:
                result[row] = terms[counts].sum()
    return result
