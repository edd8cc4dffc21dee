"""Volume: how much trades, and on which side of the price."""

from __future__ import annotations

import numpy as np

from trading_assets.features.bar_rows import Array, BarRows, guarded, ratio
from trading_assets.features.technical.ranges import at_rest
from trading_assets.features.technical.series import Series


def volume(rows: BarRows, series: Series) -> dict[str, Array]:
    """Features of the group ``volume``; see `catalogue`."""
    month = rows.mean(rows.volume, 21)
    slow, untraded = series["volume_ema_26"], at_rest(rows, rows.volume)
    oscillator = 100.0 * ratio(series["volume_ema_12"] - slow, slow)
    force = ratio(series["force_ema_13"], series["traded_ema_13"]) / rows.close
    return {
        "volume_ratio_21": ratio(rows.volume, month, 1.0),
        **{f"volume_z_{n}": _z_score(rows, n) for n in (21, 63)},
        "volume_oscillator_12_26": guarded(oscillator, untraded, 0.0),
        "amihud_ratio_21_252": _amihud(rows),
        "mfi_14": series["mfi_14"],
        "mfi_28": series["mfi_28"],
        "adosc_3_10": ratio(series["adosc"], month),
        **_flows(rows, month),
        "force_index_13": guarded(force, untraded, 0.0),
        "ease_of_movement_14": _ease_of_movement(rows, month),
        "vwma_ratio_20": _volume_weighted(rows, 20),
    }


def _z_score(rows: BarRows, window: int) -> Array:
    return ratio(rows.volume - rows.mean(rows.volume, window), rows.deviation(rows.volume, window))


def _amihud(rows: BarRows) -> Array:
    size = np.abs(rows.log_return)
    # a bar without volume has no price impact to measure and counts as zero
    impact = np.where((rows.volume > 0.0) | np.isnan(size), size / (rows.close * rows.volume), 0.0)
    usual = rows.mean(impact, 252)
    return np.clip(ratio(rows.mean(impact, 21), usual, 1.0), 0.0, 12.0)


def _flows(rows: BarRows, month: Array) -> dict[str, Array]:
    """Volume of 21 bars weighted by the price move of each bar, over the total volume."""
    simple = rows.close / rows.before(rows.close, 1) - 1.0
    location = ratio((rows.close - rows.low) - (rows.high - rows.close), rows.high - rows.low)
    balance, money = (rows.mean(side * rows.volume, 21) for side in (np.sign(rows.log_return), location))
    return {
        "chaikin_money_flow_21": np.clip(ratio(money, month), -1.0, 1.0),
        "obv_flow_21": np.clip(ratio(balance, month), -1.0, 1.0),
        "volume_price_trend_21": ratio(rows.mean(simple * rows.volume, 21), month),
    }


def _ease_of_movement(rows: BarRows, month: Array) -> Array:
    middle = np.log((rows.high + rows.low) / 2.0)
    move = (middle - rows.before(middle, 1)) * (rows.high - rows.low) / rows.close
    return rows.mean(ratio(move * month, rows.volume), 14)


def _volume_weighted(rows: BarRows, window: int) -> Array:
    shares = rows.mean(rows.volume, window)
    average = rows.mean(rows.close * rows.volume, window)
    return np.where(shares == 0.0, 0.0, rows.close * shares / average - 1.0)
