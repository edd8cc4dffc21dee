"""The technical indicators, one entry each: contract, documentation and column order derive from this table."""

from collections.abc import Iterable
from functools import partial

from trading_assets.features.feature import RECURSIVE, Feature, FeatureSet, table_of

_trend = partial(Feature, group="trend")
_momentum = partial(Feature, group="momentum")
_volatility = partial(Feature, group="volatility")
_volume = partial(Feature, group="volume")


def _trends() -> Iterable[Feature]:
    for window in (20, 50, 200):
        formula = f"close / mean close of {window} bars - 1"
        yield _trend(f"sma_ratio_{window}", formula, "ratio", window - 1, "TA-Lib SMA")
    yield _trend("macd_12_26", "(EMA(12) - EMA(26)) / close", "ratio", RECURSIVE, "TA-Lib MACD")
    yield _trend("macd_histogram_12_26_9", "(MACD line - its EMA(9)) / close", "ratio", RECURSIVE, "TA-Lib MACD")
    yield _trend("adx_14", "average directional index, 0..100", "percent", RECURSIVE, "TA-Lib ADX")
    yield _trend("plus_di_14", "upward directional indicator, 0..100", "percent", RECURSIVE, "TA-Lib PLUS_DI")
    yield _trend("minus_di_14", "downward directional indicator, 0..100", "percent", RECURSIVE, "TA-Lib MINUS_DI")
    yield _trend("aroon_oscillator_25", "Aroon up - Aroon down, -100..100", "percent", 25, "TA-Lib AROONOSC")


def _momenta() -> Iterable[Feature]:
    rsi = "relative strength index, 0..100; 0 if the price never moved"
    yield _momentum("rsi_14", rsi, "percent", RECURSIVE, "TA-Lib RSI")
    yield _momentum("cci_20", "commodity channel index; 0 if flat", "ratio", 19, "TA-Lib CCI")
    williams = "close within the range of 14 bars, -100..0; 0 if flat"
    yield _momentum("williams_r_14", williams, "percent", 13, "TA-Lib WILLR")
    yield _momentum("stochastic_k_14_3", "slow stochastic %K, 0..100; 0 if flat", "percent", 17, "TA-Lib STOCH")
    yield _momentum("trix_15", "one-bar change of the triple EMA(15) of close", "percent", RECURSIVE, "TA-Lib TRIX")
    power = "(close - open) / (high - low), -1..1; 0 if high = low"
    yield _momentum("balance_of_power", power, "fraction", 0, "TA-Lib BOP")


def _volatilities() -> Iterable[Feature]:
    yield _volatility("natr_14", "average true range / close", "percent", RECURSIVE, "TA-Lib NATR")
    position = "close within the bands of 20 bars, 2 deviations: 0 lower band, 1 upper; 0.5 if flat"
    yield _volatility("bollinger_position_20", position, "fraction", 19, "Bollinger (2001)")
    width = "(upper - lower) / middle band of 20 bars, 2 deviations"
    yield _volatility("bollinger_width_20", width, "ratio", 19, "Bollinger (2001)")


def _volumes() -> Iterable[Feature]:
    yield _volume("volume_ratio_21", "volume / its mean of 21 bars; 1 if nothing traded", "ratio", 20)
    z_score = "(volume - mean) / standard deviation over 63 bars; 0 if constant"
    yield _volume("volume_z_63", z_score, "standard deviations", 62)
    amihud = "mean |return| / dollar volume of 21 bars over that of 252, 0..12; 1 if nothing traded"
    yield _volume("amihud_ratio_21_252", amihud, "ratio", 252, "Amihud (2002)")
    yield _volume("mfi_14", "money flow index, 0..100; 0 without volume", "percent", 14, "TA-Lib MFI")
    chaikin = "Chaikin oscillator over mean volume of 21 bars; 0 if nothing traded"
    yield _volume("adosc_3_10", chaikin, "ratio", RECURSIVE, "TA-Lib ADOSC")
    flow = "on-balance volume gained in 21 bars over the volume traded in them, -1..1; 0 if nothing traded"
    yield _volume("obv_flow_21", flow, "fraction", 21, "Granville (1963)")


SET = FeatureSet(
    name="technical",
    doc="Trend, momentum, volatility and volume indicators of each name's own bars.",
    features=table_of([*_trends(), *_momenta(), *_volatilities(), *_volumes()]),
    package=__package__ or "",
)
