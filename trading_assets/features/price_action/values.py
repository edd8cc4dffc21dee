"""Values of price action."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading_assets.features.bar_rows import Array, BarRows, ratio
from trading_assets.features.price_action._kernels import streaks


def values(rows: BarRows) -> dict[str, Array]:
    """Compute the set; see `catalogue`."""
    return _returns(rows) | _locations(rows) | _bars(rows) | _gaps(rows) | _signs(rows)


def _returns(rows: BarRows) -> dict[str, Array]:
    logs = rows.log_close
    found = {f"log_return_{n}": logs - rows.before(logs, n) for n in (1, 5, 10, 21, 63, 126, 252)}
    return {
        **found,
        **{f"return_{n}": rows.close / rows.before(rows.close, n) - 1.0 for n in (1, 5, 21)},
        "momentum_252_21": rows.before(logs, 21) - rows.before(logs, 252),
        **{f"acceleration_{n}": (step := found[f"log_return_{n}"]) - rows.before(step, n) for n in (5, 21)},
        "max_return_21": rows.highest(rows.log_return, 21),
        "min_return_21": rows.lowest(rows.log_return, 21),
    }


def _locations(rows: BarRows) -> dict[str, Array]:
    highs = {n: rows.highest(rows.high, n) for n in (20, 21, 63, 252)}
    lows = {n: rows.lowest(rows.low, n) for n in (20, 21, 63, 252)}
    above, below = rows.before(highs[20], 1), rows.before(lows[20], 1)
    beyond = (rows.close > above).astype(np.float64) - (rows.close < below)
    return {
        **{f"distance_to_high_{n}": rows.close / highs[n] - 1.0 for n in (21, 63, 252)},
        **{f"distance_to_low_{n}": rows.close / lows[n] - 1.0 for n in (21, 63, 252)},
        "breakout_20": np.where(np.isnan(above), np.nan, beyond),
    }


def _bars(rows: BarRows) -> dict[str, Array]:
    size = rows.high - rows.low
    high, low = rows.before(rows.high, 1), rows.before(rows.low, 1)
    narrowest = rows.before(rows.lowest(size, 6), 1)
    return {
        "close_to_open": rows.close / rows.open - 1.0,
        "high_to_low": rows.high / rows.low - 1.0,
        "close_location": ratio((rows.close - rows.low) - (rows.high - rows.close), size),
        "body_share": ratio(np.abs(rows.close - rows.open), size),
        "upper_wick_share": ratio(rows.high - np.maximum(rows.open, rows.close), size),
        "lower_wick_share": ratio(np.minimum(rows.open, rows.close) - rows.low, size),
        "range_expansion_21": ratio(size, rows.mean(size, 21), 1.0),
        "inside_bar": _flag((rows.high < high) & (rows.low > low), high),
        "outside_bar": _flag((rows.high > high) & (rows.low < low), high),
        "narrow_range_7": _flag(size < narrowest, narrowest),
    }


def _gaps(rows: BarRows) -> dict[str, Array]:
    before = rows.before(rows.close, 1)
    gap = np.log(rows.open) - rows.before(rows.log_close, 1)
    body = rows.log_close - np.log(rows.open)
    way = np.where(rows.open > before, rows.open - rows.low, rows.high - rows.open)
    overnight, session = rows.mean(gap**2, 21), rows.mean(body**2, 21)
    return {
        "overnight_gap": gap,
        "gap_filled_share": np.minimum(ratio(way, np.abs(rows.open - before)), 1.0),
        "gap_z_63": ratio(gap - rows.mean(gap, 63), rows.deviation(gap, 63)),
        "gap_share_21": ratio(overnight, overnight + session, 0.5),
    }


def _signs(rows: BarRows) -> dict[str, Array]:
    sign = np.sign(rows.close - rows.before(rows.close, 1))
    higher = _flag(sign > 0.0, sign)
    return {
        "return_sign": sign,
        "streak_10": streaks(sign, rows.offsets, 10),
        **{f"up_share_{n}": rows.mean(higher, n) for n in (21, 63)},
    }


def _flag(truth: NDArray[np.bool_], known: Array) -> Array:
    """1 where true, 0 where not, NaN where its inputs are not known yet."""
    return np.where(np.isnan(known), np.nan, truth.astype(np.float64))
