"""Windows that weight prices by volume; see `trading_assets.features._rolling` for spans and windows."""

import numpy as np
from numpy.typing import NDArray

from trading_assets.desk.compiled import numba_compiled

Array = NDArray[np.float64]
Offsets = NDArray[np.int64]

# rows whose sums stay in the first-level cache
_TILE = 512


@numba_compiled
def weighted_mean(prices: Array, volumes: Array, offsets: Offsets, window: int) -> Array:
    """Mean of the last `window` prices, weighted by volume; the newest price where nothing traded."""
    result = np.full(prices.size, np.nan)
    total, weight = np.empty(_TILE), np.empty(_TILE)
    for span in range(offsets.size - 1):
        stop = offsets[span + 1]
        for first in range(offsets[span] + window - 1, stop, _TILE):
            size = min(_TILE, stop - first)
            last = prices[first : first + size]
            total[:size] = 0.0
            weight[:size] = volumes[first : first + size]
            for back in range(1, window):
                price = prices[first - back : first - back + size]
                volume = volumes[first - back : first - back + size]
                for i in range(size):
                    total[i] += (price[i] - last[i]) * volume[i]
                    weight[i] += volume[i]
            for i in range(size):
                result[first + i] = last[i] + (total[i] / weight[i] if weight[i] > 0.0 else 0.0)
    return result


@numba_compiled
def profile(
    price: Array, low: Array, high: Array, close: Array, volume: Array, offsets: Offsets, window: int
) -> tuple[Array, Array, Array]:
    """Volume of the last `window` bars: at or below the newest close, of bars that contain it, and of all bars."""
    below, around, whole = np.full(price.size, np.nan), np.full(price.size, np.nan), np.full(price.size, np.nan)
    under, near, total = np.empty(_TILE), np.empty(_TILE), np.empty(_TILE)
    for span in range(offsets.size - 1):
        stop = offsets[span + 1]
        for first in range(offsets[span] + window - 1, stop, _TILE):
            size = min(_TILE, stop - first)
            now = close[first : first + size]
            under[:size] = 0.0
            near[:size] = 0.0
            total[:size] = 0.0
            for back in range(window):
                begin, end = first - back, first - back + size
                traded, paid, least, most = volume[begin:end], price[begin:end], low[begin:end], high[begin:end]
                for i in range(size):
                    under[i] += traded[i] * (paid[i] <= now[i])
                    near[i] += traded[i] * ((least[i] <= now[i]) & (now[i] <= most[i]))
                    total[i] += traded[i]
            below[first : first + size] = under[:size]
            around[first : first + size] = near[:size]
            whole[first : first + size] = total[:size]
    return below, around, whole


@numba_compiled
def session_so_far(
    price: Array, volume: Array, low: Array, high: Array, first: Offsets, most: int
) -> tuple[Array, Array, Array, Array]:
    """Volume-weighted price, volume, lowest low and highest high of each row's session so far.

    Only the last `most` rows of a session count. Where nothing traded, the price is that of the first row.
    """
    vwap, traded = np.empty(price.size), np.empty(price.size)
    lowest, highest = np.empty(price.size), np.empty(price.size)
    base = bottom = top = paid = bought = 0.0
    for row in range(price.size):
        is_longer = row - first[row] >= most
        begin = row - most + 1 if is_longer else row
        if is_longer or first[row] == row:
            base, bottom, top, paid, bought = price[begin], low[begin], high[begin], 0.0, 0.0
        for now in range(begin, row + 1):
            paid += (price[now] - base) * volume[now]
            bought += volume[now]
            bottom, top = min(bottom, low[now]), max(top, high[now])
        vwap[row] = base + (paid / bought if bought > 0.0 else 0.0)
        traded[row], lowest[row], highest[row] = bought, bottom, top
    return vwap, traded, lowest, highest


@numba_compiled
def rows_since(flags: NDArray[np.bool_], offsets: Offsets, most: int) -> Array:
    """Rows since the last marked row (0 on it), at most `most`; NaN where fewer rows are known and none is marked."""
    result = np.full(flags.size, np.nan)
    for span in range(offsets.size - 1):
        last = -1
        for row in range(offsets[span], offsets[span + 1]):
            last = row if flags[row] else last
            if last >= 0:
                result[row] = min(row - last, most)
            elif row - offsets[span] >= most - 1:
                result[row] = most
    return result
