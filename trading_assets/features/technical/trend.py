"""Trend: the close relative to its averages, and how straight and how strong its path is."""

from __future__ import annotations

import math

import numpy as np

from trading_assets.features.bar_rows import Array, BarRows, guarded, ratio
from trading_assets.features.technical._kernels import weighted_deviations
from trading_assets.features.technical.ranges import at_rest, true_low_and_high, true_range
from trading_assets.features.technical.series import Series

_OVERSHOOTING = ("dema_20", "tema_20", "t3_10")
_DIRECTIONAL = ("adx_14", "plus_di_14", "minus_di_14", "dx_14")


def trend(rows: BarRows, series: Series) -> dict[str, Array]:
    """Features of the group ``trend``; see `catalogue`."""
    still = at_rest(rows, true_range(rows))
    return {
        **_averages(rows),
        **{f"ema_ratio_{n}": rows.close / series[f"ema_{n}"] - 1.0 for n in (10, 20)},
        # these may pass through zero when the price collapses
        **{name.replace("_", "_ratio_"): 1.0 - series[name] / rows.close for name in _OVERSHOOTING},
        **{name: guarded(series[name], still, 0.0) for name in _DIRECTIONAL},
        "macd_12_26": series["macd"] / rows.close,
        "macd_histogram_12_26_9": series["macd_histogram"] / rows.close,
        "aroon_up_25": series["aroon_up_25"],
        "aroon_down_25": series["aroon_down_25"],
        "aroon_oscillator_25": series["aroon_up_25"] - series["aroon_down_25"],
        "sar_ratio": guarded(rows.close / series["sar"] - 1.0, still, 0.0),
        **_lines(rows),
        **_ichimoku(rows),
        **_true_ranges(rows),
        "efficiency_ratio_10": _efficiency(rows, 10),
    }


def _averages(rows: BarRows) -> dict[str, Array]:
    mean = {n: rows.mean(rows.close, n) for n in (10, 20, 30, 50, 200)}
    falling = np.arange(20.0, 0.0, -1.0)
    weighted = rows.close + weighted_deviations(rows.close, rows.offsets, falling / np.sum(falling))
    return {
        **{f"sma_ratio_{n}": rows.close / mean[n] - 1.0 for n in (10, 20, 50, 200)},
        "wma_ratio_20": rows.close / weighted - 1.0,
        "ppo_10_30": 100.0 * (mean[10] / mean[30] - 1.0),
    }


def _lines(rows: BarRows) -> dict[str, Array]:
    """Least squares through the last 20 closes, against the number of the bar."""
    window = 20
    middle = (window - 1) / 2.0
    backwards = middle - np.arange(window)
    slope = weighted_deviations(rows.close, rows.offsets, backwards / np.sum(backwards**2))
    next_bar = rows.mean(rows.close, window) + slope * (middle + 1.0)
    return {
        "linear_slope_20": slope / rows.close,
        "forecast_ratio_20": 1.0 - rows.before(next_bar, 1) / rows.close,
    }


def _ichimoku(rows: BarRows) -> dict[str, Array]:
    def middle(window: int) -> Array:
        return (rows.highest(rows.high, window) + rows.lowest(rows.low, window)) / 2.0

    return {
        "ichimoku_conversion_9": rows.close / middle(9) - 1.0,
        "ichimoku_base_26": rows.close / middle(26) - 1.0,
        "ichimoku_span_52_26": rows.close / rows.before(middle(52), 26) - 1.0,
    }


def _true_ranges(rows: BarRows) -> dict[str, Array]:
    window = 14
    low, high = true_low_and_high(rows)
    size = rows.mean(high - low, window)
    up = np.abs(rows.high - rows.before(rows.low, 1))
    down = np.abs(rows.low - rows.before(rows.high, 1))
    steps = window * size / (rows.highest(high, window) - rows.lowest(low, window))
    return {
        "vortex_14": ratio(rows.mean(up - down, window), size),
        "choppiness_14": np.where(size == 0.0, 100.0, np.clip(np.log(steps) / math.log(window), 0.0, 1.0) * 100.0),
    }


def _efficiency(rows: BarRows, window: int) -> Array:
    change = np.abs(rows.close - rows.before(rows.close, 1))
    straight = np.abs(rows.close - rows.before(rows.close, window))
    return np.minimum(ratio(straight, window * rows.mean(change, window)), 1.0)
