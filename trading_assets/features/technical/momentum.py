"""Momentum: how far and how steadily the price has moved lately."""

from __future__ import annotations

import numpy as np

from trading_assets.features.bar_rows import Array, BarRows, guarded, ratio
from trading_assets.features.technical.ranges import at_rest, range_position, true_low_and_high
from trading_assets.features.technical.series import Series

_AS_THEY_ARE = ("cci_20", "cci_50", "williams_r_14", "trix_15", "balance_of_power")
_STRENGTHS = ("rsi_2", "rsi_7", "rsi_14", "cmo_9")


def momentum(rows: BarRows, series: Series) -> dict[str, Array]:
    """Features of the group ``momentum``; see `catalogue`."""
    change = rows.close - rows.before(rows.close, 1)
    body = rows.close - rows.open
    still = at_rest(rows, change)
    strength = ratio(series["true_strength"], series["true_strength_scale"])
    return {
        **{name: series[name] for name in _AS_THEY_ARE},
        **{name: guarded(series[name], still, 0.0) for name in _STRENGTHS},
        "cutler_rsi_63": _gain_share(rows, change, 63),
        "stochastic_rsi_14": _stochastic_rsi(rows, series["rsi_14"], change),
        "stochastic_k_14_3": rows.mean(100.0 * range_position(rows, 14, flat=0.0), 3),
        "stochastic_fast_k_5": 100.0 * range_position(rows, 5, flat=0.0),
        "ultimate_oscillator_7_14_28": _ultimate(rows),
        "tsi_25_13": guarded(100.0 * np.clip(strength, -1.0, 1.0), still, 0.0),
        "bull_power_13": (rows.high - series["ema_13"]) / rows.close,
        "bear_power_13": (rows.low - series["ema_13"]) / rows.close,
        "intraday_momentum_14": _gain_share(rows, body, 14),
    }


def _gain_share(rows: BarRows, moves: Array, window: int) -> Array:
    """Sum of the gains over that of gains and losses, in percent; 50 if nothing moved."""
    gains = rows.mean(np.maximum(moves, 0.0), window)
    return 100.0 * np.minimum(ratio(gains, rows.mean(np.abs(moves), window), 0.5), 1.0)


def _stochastic_rsi(rows: BarRows, rsi: Array, change: Array) -> Array:
    window = 14
    low, high = rows.lowest(rsi, window), rows.highest(rsi, window)
    # without a change the RSI differs only by rounding, which would be stretched over the whole scale
    still = rows.highest(np.abs(change), window - 1) == 0.0
    return np.where(still & ~np.isnan(low), 0.0, 100.0 * ratio(rsi - low, high - low))


def _ultimate(rows: BarRows) -> Array:
    low, high = true_low_and_high(rows)
    shares = (ratio(rows.mean(rows.close - low, n), rows.mean(high - low, n)) for n in (7, 14, 28))
    short, middle, long = shares
    return 100.0 * (4.0 * short + 2.0 * middle + long) / 7.0
