"""TA-Lib indicators over contiguous blocks of rows."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import talib
from numpy.typing import NDArray

Array = NDArray[np.float64]


def _macd(rows: Mapping[str, Array]) -> dict[str, Array]:
    line, _, histogram = talib.MACD(rows["close"], 12, 26, 9)
    return {"macd_12_26": line / rows["close"], "macd_histogram_12_26_9": histogram / rows["close"]}


def _sma_ratios(rows: Mapping[str, Array]) -> dict[str, Array]:
    return {f"sma_ratio_{n}": rows["close"] / talib.SMA(rows["close"], n) - 1.0 for n in (20, 50, 200)}


def _oscillators(rows: Mapping[str, Array]) -> dict[str, Array]:
    opened, high, low, close, volume = (rows[name] for name in ("open", "high", "low", "close", "volume"))
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


_FAMILIES: tuple[Callable[[Mapping[str, Array]], dict[str, Array]], ...] = (_macd, _sma_ratios, _oscillators)


def indicators(columns: Mapping[str, Array], spans: Iterable[tuple[int, int]]) -> dict[str, Array]:
    """Run the TA-Lib indicators on every span of rows by itself.

    TA-Lib works on one series at a time, hence the loop; no state passes from one span to the next.

    Parameters
    ----------
    columns
        Contiguous Float64 arrays of equal length without NaN: open, high, low, close, volume.
    spans
        Half-open row ranges, one per series.

    Returns
    -------
    dict
        Column name to an array of the same length; NaN while an indicator warms up and outside all spans.
        ``adosc_3_10`` is still in shares.
    """
    length = len(columns["close"])
    result: dict[str, Array] = {}
    for first, stop in spans:
        rows = {name: values[first:stop] for name, values in columns.items()}
        for family in _FAMILIES:
            for name, values in family(rows).items():
                if name not in result:
                    result[name] = np.full(length, np.nan)
                result[name][first:stop] = values
    return result
