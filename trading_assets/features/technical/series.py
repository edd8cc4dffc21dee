"""Indicators that TA-Lib computes, on one series at a time, and the exponential averages of the others.

Not here: simple averages and indicators made from them. TA-Lib carries their sums from bar to bar, so that after a fall
they would still contain rounding errors of prices that have left the window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import talib

from trading_assets.features.bar_rows import Array, BarRows

Series = Mapping[str, Array]


class Bars(NamedTuple):
    """Bars of one span, and the series that exponential averages are taken of; NaN while unknown."""

    open: Array
    high: Array
    low: Array
    close: Array
    volume: Array
    change: Array
    traded: Array


def by_series(rows: BarRows) -> Series:
    """Run TA-Lib on each span separately.

    TA-Lib works on one series at a time, hence the loop; no state passes from one span to the next.

    Returns
    -------
    mapping
        Name of a series -> values as long as the rows. A series named like a feature is that feature; the modules of
        the groups make features from the others, which are in prices or shares.
    """
    change = rows.close - rows.before(rows.close, 1)
    # volume from the second row on: weights must start where the weighted values start
    traded = np.where(np.isnan(change), np.nan, rows.volume)
    columns = (rows.open, rows.high, rows.low, rows.close, rows.volume, change, traded)
    found = np.empty((sum(len(names) for names in _INDICATORS), rows.frame.height))
    for first, stop in rows.spans():
        bars = Bars(*(column[first:stop] for column in columns))
        line = 0
        for names, indicator in _INDICATORS.items():
            found[line : line + len(names), first:stop] = indicator(bars)
            line += len(names)
    return dict(zip((name for names in _INDICATORS for name in names), found, strict=True))


def _true_strength(bars: Bars) -> tuple[Array, Array]:
    changes = (bars.change, np.abs(bars.change))
    up, total = (talib.EMA(talib.EMA(values, 25), 13) for values in changes)
    return up, total


def _range_averages(bars: Bars) -> tuple[Array, Array]:
    once = talib.EMA(bars.high - bars.low, 9)
    return once, talib.EMA(once, 9)


def _macd(bars: Bars) -> tuple[Array, Array]:
    line, _, histogram = talib.MACD(bars.close, 12, 26, 9)
    return line, histogram


_INDICATORS: Mapping[tuple[str, ...], Callable[[Bars], Array | tuple[Array, ...]]] = {
    ("ema_10",): lambda bars: talib.EMA(bars.close, 10),
    ("ema_13",): lambda bars: talib.EMA(bars.close, 13),
    ("ema_20",): lambda bars: talib.EMA(bars.close, 20),
    ("dema_20",): lambda bars: talib.DEMA(bars.close, 20),
    ("tema_20",): lambda bars: talib.TEMA(bars.close, 20),
    ("t3_10",): lambda bars: talib.T3(bars.close, 10, 0.7),
    ("macd", "macd_histogram"): _macd,
    ("adx_14",): lambda bars: talib.ADX(bars.high, bars.low, bars.close, 14),
    ("plus_di_14",): lambda bars: talib.PLUS_DI(bars.high, bars.low, bars.close, 14),
    ("minus_di_14",): lambda bars: talib.MINUS_DI(bars.high, bars.low, bars.close, 14),
    ("dx_14",): lambda bars: talib.DX(bars.high, bars.low, bars.close, 14),
    ("aroon_down_25", "aroon_up_25"): lambda bars: talib.AROON(bars.high, bars.low, 25),
    ("sar",): lambda bars: talib.SAR(bars.high, bars.low, 0.02, 0.2),
    ("rsi_2",): lambda bars: talib.RSI(bars.close, 2),
    ("rsi_7",): lambda bars: talib.RSI(bars.close, 7),
    ("rsi_14",): lambda bars: talib.RSI(bars.close, 14),
    ("cci_20",): lambda bars: talib.CCI(bars.high, bars.low, bars.close, 20),
    ("cci_50",): lambda bars: talib.CCI(bars.high, bars.low, bars.close, 50),
    ("williams_r_14",): lambda bars: talib.WILLR(bars.high, bars.low, bars.close, 14),
    ("cmo_9",): lambda bars: talib.CMO(bars.close, 9),
    ("trix_15",): lambda bars: talib.TRIX(bars.close, 15),
    ("balance_of_power",): lambda bars: talib.BOP(bars.open, bars.high, bars.low, bars.close),
    ("true_strength", "true_strength_scale"): _true_strength,
    ("natr_5",): lambda bars: talib.NATR(bars.high, bars.low, bars.close, 5),
    ("natr_14",): lambda bars: talib.NATR(bars.high, bars.low, bars.close, 14),
    ("range_ema", "range_ema_of_ema"): _range_averages,
    ("mfi_14",): lambda bars: talib.MFI(bars.high, bars.low, bars.close, bars.volume, 14),
    ("mfi_28",): lambda bars: talib.MFI(bars.high, bars.low, bars.close, bars.volume, 28),
    ("adosc",): lambda bars: talib.ADOSC(bars.high, bars.low, bars.close, bars.volume, 3, 10),
    ("volume_ema_12",): lambda bars: talib.EMA(bars.volume, 12),
    ("volume_ema_26",): lambda bars: talib.EMA(bars.volume, 26),
    ("traded_ema_13",): lambda bars: talib.EMA(bars.traded, 13),
    ("force_ema_13",): lambda bars: talib.EMA(bars.change * bars.traded, 13),
}
