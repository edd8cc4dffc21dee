"""Every indicator that TA-Lib has, against a direct call over a name's whole life."""

# ruff: noqa: E741 - the letters of the field: open, high, low, close and volume

from datetime import date

import numpy as np
import pytest
import talib

from trading_assets.features.compute import compute
from trading_assets.features.technical.catalogue import SET
from trading_assets.point_in_time.adjustment import forward_adjust
from trading_assets_tests.features.extremes import OHLCV, assert_to_a_billionth
from trading_assets_tests.point_in_time.sample import real_bars, real_splits

DIRECT = {
    **{f"sma_ratio_{n}": lambda o, h, l, c, v, n=n: c / talib.SMA(c, timeperiod=n) - 1 for n in (10, 20, 50, 200)},
    **{f"ema_ratio_{n}": lambda o, h, l, c, v, n=n: c / talib.EMA(c, timeperiod=n) - 1 for n in (10, 20)},
    "wma_ratio_20": lambda o, h, l, c, v: c / talib.WMA(c, timeperiod=20) - 1,
    "dema_ratio_20": lambda o, h, l, c, v: 1 - talib.DEMA(c, timeperiod=20) / c,
    "tema_ratio_20": lambda o, h, l, c, v: 1 - talib.TEMA(c, timeperiod=20) / c,
    "t3_ratio_10": lambda o, h, l, c, v: 1 - talib.T3(c, timeperiod=10, vfactor=0.7) / c,
    "macd_12_26": lambda o, h, l, c, v: talib.MACD(c, fastperiod=12, slowperiod=26, signalperiod=9)[0] / c,
    "macd_histogram_12_26_9": lambda o, h, l, c, v: talib.MACD(c, fastperiod=12, slowperiod=26, signalperiod=9)[2] / c,
    "ppo_10_30": lambda o, h, l, c, v: talib.PPO(c, fastperiod=10, slowperiod=30, matype=0),
    "adx_14": lambda o, h, l, c, v: talib.ADX(h, l, c, timeperiod=14),
    "plus_di_14": lambda o, h, l, c, v: talib.PLUS_DI(h, l, c, timeperiod=14),
    "minus_di_14": lambda o, h, l, c, v: talib.MINUS_DI(h, l, c, timeperiod=14),
    "dx_14": lambda o, h, l, c, v: talib.DX(h, l, c, timeperiod=14),
    "aroon_up_25": lambda o, h, l, c, v: talib.AROON(h, l, timeperiod=25)[1],
    "aroon_down_25": lambda o, h, l, c, v: talib.AROON(h, l, timeperiod=25)[0],
    "aroon_oscillator_25": lambda o, h, l, c, v: talib.AROONOSC(h, l, timeperiod=25),
    "sar_ratio": lambda o, h, l, c, v: c / talib.SAR(h, l, acceleration=0.02, maximum=0.2) - 1,
    "linear_slope_20": lambda o, h, l, c, v: talib.LINEARREG_SLOPE(c, timeperiod=20) / c,
    "forecast_ratio_20": lambda o, h, l, c, v: 1 - np.roll(talib.TSF(c, timeperiod=20), 1) / c,
    **{f"rsi_{n}": lambda o, h, l, c, v, n=n: talib.RSI(c, timeperiod=n) for n in (2, 7, 14)},
    "stochastic_rsi_14": lambda o, h, l, c, v: talib.STOCHRSI(c, timeperiod=14, fastk_period=14, fastd_period=1)[0],
    **{f"cci_{n}": lambda o, h, l, c, v, n=n: talib.CCI(h, l, c, timeperiod=n) for n in (20, 50)},
    "williams_r_14": lambda o, h, l, c, v: talib.WILLR(h, l, c, timeperiod=14),
    "stochastic_k_14_3": lambda o, h, l, c, v: talib.STOCH(h, l, c, fastk_period=14, slowk_period=3, slowd_period=1)[0],
    "stochastic_fast_k_5": lambda o, h, l, c, v: talib.STOCHF(h, l, c, fastk_period=5, fastd_period=1)[0],
    "ultimate_oscillator_7_14_28": lambda o, h, l, c, v: talib.ULTOSC(h, l, c, 7, 14, 28),
    "cmo_9": lambda o, h, l, c, v: talib.CMO(c, timeperiod=9),
    "trix_15": lambda o, h, l, c, v: talib.TRIX(c, timeperiod=15),
    "balance_of_power": lambda o, h, l, c, v: talib.BOP(o, h, l, c),
    **{f"natr_{n}": lambda o, h, l, c, v, n=n: talib.NATR(h, l, c, timeperiod=n) for n in (5, 14)},
    "bollinger_position_20": lambda o, h, l, c, v: (c - bands(c)[2]) / (bands(c)[0] - bands(c)[2]),
    "bollinger_width_20": lambda o, h, l, c, v: (bands(c)[0] - bands(c)[2]) / bands(c)[1],
    **{f"mfi_{n}": lambda o, h, l, c, v, n=n: talib.MFI(h, l, c, v, timeperiod=n) for n in (14, 28)},
    "adosc_3_10": lambda o, h, l, c, v: talib.ADOSC(h, l, c, v, fastperiod=3, slowperiod=10) / talib.SMA(v, 21),
    "obv_flow_21": lambda o, h, l, c, v: (talib.OBV(c, v) - np.roll(talib.OBV(c, v), 21)) / (21 * talib.SMA(v, 21)),
}


def bands(close):
    return talib.BBANDS(close, timeperiod=20, nbdevup=2, nbdevdn=2)


@pytest.fixture(scope="module")
def computed():
    bars, window = real_bars("IBM", "MSFT"), {"start": date(2000, 1, 1), "end": date(2013, 12, 31)}
    return compute([SET], bars, real_splits(), **window, dtype=np.float64)["technical"]


@pytest.fixture(scope="module")
def whole():
    """Forward-adjusted bars of whole lives; MSFT split on the way."""
    adjusted = forward_adjust(real_bars("IBM", "MSFT"), real_splits())
    return {
        name: tuple(adjusted.filter(symbol=name)[column].to_numpy() for column in OHLCV) for name in ("IBM", "MSFT")
    }


def test_every_indicator_of_ta_lib_is_held_to_it():
    assert {name for name, feature in SET.features.items() if "TA-Lib" in feature.source} <= set(DIRECT)


@pytest.mark.parametrize("symbol", ["IBM", "MSFT"])
@pytest.mark.parametrize("name", DIRECT)
def test_indicators_are_those_of_ta_lib(name, symbol, computed, whole):
    first = SET.features[name].lookback
    actual = computed.filter(symbol=symbol)[name].to_numpy()
    assert_to_a_billionth(actual[first:], DIRECT[name](*whole[symbol])[first:], name)
