"""Values of the technical indicators."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import talib

from trading_assets.features.bar_rows import Array, BarRows, guarded

Bars = Mapping[str, Array]


def values(rows: BarRows) -> dict[str, Array]:
    """Compute the set; see `catalogue`."""
    found = indicators(rows)
    return found | _bands(rows) | _volumes(rows, found["adosc_3_10"])


def indicators(rows: BarRows) -> dict[str, Array]:
    """Run the TA-Lib indicators on every span by itself.

    TA-Lib works on one series at a time, hence the loop; no state passes from one span to the next. ``adosc_3_10`` is
    still in shares.
    """
    columns = {name: getattr(rows, name) for name in ("open", "high", "low", "close", "volume")}
    result: dict[str, Array] = {}
    for first, stop in [*rows.spans()] or [(0, 0)]:
        bars = {name: column[first:stop] for name, column in columns.items()}
        for family in _FAMILIES:
            for name, found in family(bars).items():
                if name not in result:
                    result[name] = np.full(columns["close"].size, np.nan)
                result[name][first:stop] = found
    return result


def _macd(bars: Bars) -> dict[str, Array]:
    line, _, histogram = talib.MACD(bars["close"], 12, 26, 9)
    return {"macd_12_26": line / bars["close"], "macd_histogram_12_26_9": histogram / bars["close"]}


def _sma_ratios(bars: Bars) -> dict[str, Array]:
    return {f"sma_ratio_{n}": bars["close"] / talib.SMA(bars["close"], n) - 1.0 for n in (20, 50, 200)}


def _oscillators(bars: Bars) -> dict[str, Array]:
    opened, high, low, close, volume = (bars[name] for name in ("open", "high", "low", "close", "volume"))
    return {
        "adx_14": talib.ADX(high, low, close, 14),
        "plus_di_14": talib.PLUS_DI(high, low, close, 14),
        "minus_di_14": talib.MINUS_DI(high, low, close, 14),
        "aroon_oscillator_25": talib.AROONOSC(high, low, 25),
        "rsi_14": talib.RSI(close, 14),
        "cci_20": talib.CCI(high, low, close, 20),
        "williams_r_14": talib.WILLR(high, low, close, 14),
        "stochastic_k_14_3": talib.STOCH(high, low, close, fastk_period=14, slowk_period=3)[0],
        "trix_15": talib.TRIX(close, 15),
        "balance_of_power": talib.BOP(opened, high, low, close),
        "natr_14": talib.NATR(high, low, close, 14),
        "mfi_14": talib.MFI(high, low, close, volume, 14),
        "adosc_3_10": talib.ADOSC(high, low, close, volume, 3, 10),
    }


_FAMILIES: tuple[Callable[[Bars], dict[str, Array]], ...] = (_macd, _sma_ratios, _oscillators)


def _bands(rows: BarRows) -> dict[str, Array]:
    middle, deviation = rows.mean(rows.close, 20), rows.deviation(rows.close, 20, ddof=0)
    position = 0.5 + (rows.close - middle) / (4.0 * deviation)
    return {
        "bollinger_position_20": guarded(position, deviation == 0.0, 0.5),
        "bollinger_width_20": 4.0 * deviation / middle,
    }


def _volumes(rows: BarRows, adosc: Array) -> dict[str, Array]:
    volume = rows.volume
    month, untraded = rows.mean(volume, 21), rows.highest(volume, 21) == 0.0
    quarter = rows.deviation(volume, 63)
    # a bar without volume has no price impact to measure and counts as zero
    impact = np.where((volume > 0.0) | np.isnan(rows.log_return), np.abs(rows.log_return) / (rows.close * volume), 0.0)
    usual_impact = rows.mean(impact, 252)
    flow = rows.mean(np.sign(rows.log_return) * volume, 21)
    return {
        "volume_ratio_21": guarded(volume / month, untraded, 1.0),
        "volume_z_63": guarded((volume - rows.mean(volume, 63)) / quarter, quarter == 0.0, 0.0),
        "amihud_ratio_21_252": guarded(
            np.clip(rows.mean(impact, 21) / usual_impact, 0.0, 12.0), rows.highest(impact, 252) == 0.0, 1.0
        ),
        "adosc_3_10": guarded(adosc / month, untraded & ~np.isnan(adosc), 0.0),
        "obv_flow_21": guarded(np.clip(flow / month, -1.0, 1.0), untraded & ~np.isnan(flow), 0.0),
    }
