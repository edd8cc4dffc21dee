"""Exact quantiles and ranks: the values of each window are kept sorted while it moves over the rows."""

import numpy as np
from numpy.typing import NDArray

from trading_assets.desk.compiled import numba_compiled
from trading_assets.features.alpha158.catalogue import WINDOWS

Array = NDArray[np.float64]


@numba_compiled
def order(close: Array, offsets: NDArray[np.int64], starts: NDArray[np.int64], found: Array) -> None:
    """Write QTLU, QTLD and RANK of each window, for the rows starts[i] to offsets[i + 1] of each span."""
    for window in range(len(WINDOWS)):
        length = WINDOWS[window]
        ascending = np.empty(length)
        for span in range(starts.size):
            count = 0
            for row in range(max(offsets[span], starts[span] - length + 1), offsets[span + 1]):
                place = count
                if count < length:
                    count += 1
                else:
                    place = _below(ascending, close[row - length])
                place = _settle(ascending[:count], place, close[row])
                if row >= starts[span]:
                    found[0, window, row] = _quantile(ascending[:count], 0.8) / close[row]
                    found[1, window, row] = _quantile(ascending[:count], 0.2) / close[row]
                    found[2, window, row] = _rank(ascending[:count], place) / count


@numba_compiled
def _below(ascending: Array, value: float) -> int:
    """Count the smaller values by comparing all of them, which needs no branch."""
    place = 0
    for i in range(ascending.size):
        place += ascending[i] < value
    return place


@numba_compiled
def _settle(ascending: Array, place: int, value: float) -> int:
    """Replace a value by another one and move that to its sorted position."""
    while place + 1 < ascending.size and ascending[place + 1] < value:
        ascending[place] = ascending[place + 1]
        place += 1
    while place > 0 and ascending[place - 1] > value:
        ascending[place] = ascending[place - 1]
        place -= 1
    ascending[place] = value
    return place


@numba_compiled
def _quantile(ascending: Array, share: float) -> float:
    position = share * (ascending.size - 1)
    below = int(position)
    above = min(below + 1, ascending.size - 1)
    value: float = ascending[below] + (ascending[above] - ascending[below]) * (position - below)
    return value


@numba_compiled
def _rank(ascending: Array, place: int) -> float:
    """Mean rank, from 1, of the value at a place among equal ones."""
    low, high = place, place
    while low > 0 and ascending[low - 1] == ascending[place]:
        low -= 1
    while high + 1 < ascending.size and ascending[high + 1] == ascending[place]:
        high += 1
    return (low + high) / 2.0 + 1.0
