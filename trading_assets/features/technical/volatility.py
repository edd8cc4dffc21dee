"""Volatility: bands around the price and the size of its ranges."""

from __future__ import annotations

from trading_assets.features.bar_rows import Array, BarRows, guarded, ratio
from trading_assets.features.technical.ranges import at_rest, range_position, true_range
from trading_assets.features.technical.series import Series


def volatility(rows: BarRows, series: Series) -> dict[str, Array]:
    """Features of the group ``volatility``; see `catalogue`."""
    window = 20
    middle, deviation = rows.mean(rows.close, window), rows.deviation(rows.close, window, ddof=0)
    ranges = true_range(rows)
    usual = rows.mean(ranges, window)
    spread = ratio(series["range_ema"], series["range_ema_of_ema"], 1.0)
    return {
        "natr_5": series["natr_5"],
        "natr_14": series["natr_14"],
        "bollinger_position_20": 0.5 + ratio(rows.close - middle, 4.0 * deviation),
        "bollinger_width_20": 4.0 * deviation / middle,
        "true_range_ratio_14": ratio(ranges, rows.mean(ranges, 14), 1.0),
        "keltner_position_20": 0.5 + ratio(rows.close - middle, 4.0 * usual),
        "donchian_position_20": range_position(rows, 20, flat=0.5),
        "donchian_position_55": range_position(rows, 55, flat=0.5),
        "squeeze_20": ratio(2.0 * deviation, 1.5 * usual),
        "mass_index_9_25": guarded(25.0 * rows.mean(spread, 25), at_rest(rows, rows.high - rows.low), 25.0),
    }
