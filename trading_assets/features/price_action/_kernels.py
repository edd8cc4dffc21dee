"""Runs of equal signs over contiguous spans of rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading_assets.desk.compiled import numba_compiled

Array = NDArray[np.float64]


@numba_compiled
def streaks(signs: Array, offsets: NDArray[np.int64], longest: int) -> Array:
    """Length of the current run of equal signs, times its sign, within the last `longest` rows.

    NaN until that many signs are known; the first row of a span has none.
    """
    result = np.full(signs.size, np.nan)
    for span in range(offsets.size - 1):
        for row in range(offsets[span] + longest, offsets[span + 1]):
            length = 1
            while length < longest and signs[row - length] == signs[row]:
                length += 1
            result[row] = length * signs[row]
    return result
