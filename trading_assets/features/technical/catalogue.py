"""The technical indicators, one entry each: contract, documentation and column order derive from this table."""

from collections.abc import Iterable
from functools import partial

from trading_assets.features.feature_set import RECURSIVE, Feature, FeatureSet, table_of

_trend = partial(Feature, group="trend")
_momentum = partial(Feature, group="momentum")
_volatility = partial(Feature, group="volatility")
_volume = partial(Feature, group="volume")

_AT_REST = "; 0 if the price has not moved in 63 bars"


def _averages() -> Iterable[Feature]:
    for window in (10, 20, 50, 200):
        formula = f"close / mean close of {window} bars - 1"
        yield _trend(f"sma_ratio_{window}", formula, "ratio", window - 1, "TA-Lib SMA")
    for window in (10, 20):
        yield _trend(f"ema_ratio_{window}", f"close / EMA({window}) - 1", "ratio", RECURSIVE, "TA-Lib EMA")
    weighted = "close / mean close of 20 bars, weighted 20, 19, .. 1 from the newest, - 1"
    yield _trend("wma_ratio_20", weighted, "ratio", 19, "TA-Lib WMA")
    double, triple = "1 - (2 EMA - EMA of EMA) / close", "1 - (3 EMA - 3 EMA of EMA + EMA of EMA of EMA) / close"
    yield _trend("dema_ratio_20", f"{double}, 20 bars", "ratio", RECURSIVE, "TA-Lib DEMA")
    yield _trend("tema_ratio_20", f"{triple}, 20 bars", "ratio", RECURSIVE, "TA-Lib TEMA")
    yield _trend("t3_ratio_10", "1 - Tillson's T3(10, 0.7) / close", "ratio", RECURSIVE, "TA-Lib T3")
    yield _trend("macd_12_26", "(EMA(12) - EMA(26)) / close", "ratio", RECURSIVE, "TA-Lib MACD")
    yield _trend("macd_histogram_12_26_9", "(MACD line - its EMA(9)) / close", "ratio", RECURSIVE, "TA-Lib MACD")
    yield _trend("ppo_10_30", "mean close of 10 bars over that of 30 - 1", "percent", 29, "TA-Lib PPO")


def _directions() -> Iterable[Feature]:
    yield _trend("adx_14", f"average directional index, 0..100{_AT_REST}", "percent", RECURSIVE, "TA-Lib ADX")
    yield _trend(
        "plus_di_14", f"upward directional indicator, 0..100{_AT_REST}", "percent", RECURSIVE, "TA-Lib PLUS_DI"
    )
    yield _trend(
        "minus_di_14", f"downward directional indicator, 0..100{_AT_REST}", "percent", RECURSIVE, "TA-Lib MINUS_DI"
    )
    yield _trend("dx_14", f"|+DI - -DI| / (+DI + -DI), 0..100{_AT_REST}", "percent", RECURSIVE, "TA-Lib DX")
    age = "share of 25 bars that have not passed since the {} of 26, 0..100"
    yield _trend("aroon_up_25", age.format("highest high"), "percent", 25, "TA-Lib AROON")
    yield _trend("aroon_down_25", age.format("lowest low"), "percent", 25, "TA-Lib AROON")
    yield _trend("aroon_oscillator_25", "Aroon up - Aroon down, -100..100", "percent", 25, "TA-Lib AROONOSC")
    yield _trend("sar_ratio", f"close / parabolic SAR(0.02, 0.2) - 1{_AT_REST}", "ratio", RECURSIVE, "TA-Lib SAR")
    slope = "slope per bar of the line through 20 closes / close; 0 if flat"
    yield _trend("linear_slope_20", slope, "ratio", 19, "TA-Lib LINEARREG_SLOPE")
    forecast = "1 - where the line through the 20 closes before points to / close"
    yield _trend("forecast_ratio_20", forecast, "ratio", 20, "TA-Lib TSF; Chande and Kroll (1994)")
    vortex = "VI+ - VI- of 14 bars: sums of |high - low before| less |low - high before| / true ranges; 0 if flat"
    yield _trend("vortex_14", vortex, "ratio", 14, "Botes and Siepman (2010)")
    middle = "close / middle of the range of {} bars{} - 1"
    source = "Hosoda (1969), Ichimoku {}"
    yield _trend("ichimoku_conversion_9", middle.format(9, ""), "ratio", 8, source.format("tenkan-sen"))
    yield _trend("ichimoku_base_26", middle.format(26, ""), "ratio", 25, source.format("kijun-sen"))
    before = " as of 26 bars before"
    yield _trend("ichimoku_span_52_26", middle.format(52, before), "ratio", 77, source.format("senkou span B"))
    choppy = "100 log(sum of true ranges / range) / log(14) of 14 bars, 0 straight..100; 100 if flat"
    yield _trend("choppiness_14", choppy, "percent", 14, "Dreiss (1993)")
    efficiency = "|change of 10 bars| / sum of |changes| of one, 0..1; 0 if flat"
    yield _trend("efficiency_ratio_10", efficiency, "fraction", 10, "Kaufman (1995)")


def _momenta() -> Iterable[Feature]:
    rsi = f"relative strength index, 0..100{_AT_REST}"
    for window in (2, 7, 14):
        yield _momentum(f"rsi_{window}", rsi, "percent", RECURSIVE, "TA-Lib RSI")
    cutler = "sum of gains / sum of |changes| of 63 bars, 0..100; 50 if flat"
    yield _momentum("cutler_rsi_63", cutler, "percent", 63, "Cutler's RSI")
    stochastic = "RSI(14) within its range of 14 bars, 0..100; 0 if the price has not moved in them"
    yield _momentum("stochastic_rsi_14", stochastic, "percent", RECURSIVE, "TA-Lib STOCHRSI; Chande and Kroll (1994)")
    for window in (20, 50):
        formula = "commodity channel index; 0 if flat"
        yield _momentum(f"cci_{window}", formula, "ratio", window - 1, "TA-Lib CCI")
    williams = "close within the range of 14 bars, -100..0; 0 if flat"
    yield _momentum("williams_r_14", williams, "percent", 13, "TA-Lib WILLR")
    yield _momentum("stochastic_k_14_3", "slow stochastic %K, 0..100; 0 if flat", "percent", 15, "TA-Lib STOCH")
    fast = "close within the range of 5 bars, 0..100; 0 if flat"
    yield _momentum("stochastic_fast_k_5", fast, "percent", 4, "TA-Lib STOCHF")
    ultimate = "buying pressure / true range of 7, 14 and 28 bars, weighted 4, 2, 1, 0..100; 0 if flat"
    yield _momentum("ultimate_oscillator_7_14_28", ultimate, "percent", 28, "TA-Lib ULTOSC")
    chande = f"Chande momentum oscillator, -100..100{_AT_REST}"
    yield _momentum("cmo_9", chande, "percent", RECURSIVE, "TA-Lib CMO")
    yield _momentum("trix_15", "one-bar change of the triple EMA(15) of close", "percent", RECURSIVE, "TA-Lib TRIX")
    power = "(close - open) / (high - low), -1..1; 0 if high = low"
    yield _momentum("balance_of_power", power, "fraction", 0, "TA-Lib BOP")
    true_strength = f"EMA(13) of EMA(25) of the change over that of |change|, -100..100{_AT_REST}"
    yield _momentum("tsi_25_13", true_strength, "percent", RECURSIVE, "Blau (1991)")
    yield _momentum("bull_power_13", "(high - EMA(13) of close) / close", "ratio", RECURSIVE, "Elder (1993)")
    yield _momentum("bear_power_13", "(low - EMA(13) of close) / close", "ratio", RECURSIVE, "Elder (1993)")
    intraday = "sum of close - open where above 0 / sum of |close - open| of 14 bars, 0..100; 50 if flat"
    yield _momentum("intraday_momentum_14", intraday, "percent", 13, "Chande and Kroll (1994)")


def _volatilities() -> Iterable[Feature]:
    for window in (5, 14):
        yield _volatility(f"natr_{window}", "average true range / close", "percent", RECURSIVE, "TA-Lib NATR")
    position = "close within the bands of 20 bars, 2 deviations: 0 lower band, 1 upper; 0.5 if flat"
    yield _volatility("bollinger_position_20", position, "fraction", 19, "Bollinger (2001)")
    width = "(upper - lower) / middle band of 20 bars, 2 deviations"
    yield _volatility("bollinger_width_20", width, "ratio", 19, "Bollinger (2001)")
    expansion = "true range / its mean of 14 bars; 1 if flat"
    yield _volatility("true_range_ratio_14", expansion, "ratio", 14, "Wilder (1978)")
    keltner = "close within mean close of 20 bars -+ 2 mean true ranges: 0 lower band, 1 upper; 0.5 if flat"
    yield _volatility("keltner_position_20", keltner, "fraction", 20, "Keltner (1960)")
    for window in (20, 55):
        donchian = f"close within the range of {window} bars: 0 lowest low, 1 highest high; 0.5 if flat"
        yield _volatility(f"donchian_position_{window}", donchian, "fraction", window - 1, "Donchian (1960)")
    squeeze = "width of the Bollinger bands of 20 bars (2 deviations) / Keltner's (1.5 mean true ranges); 0 if flat"
    yield _volatility("squeeze_20", squeeze, "ratio", 20, "Carter (2005)")
    mass = "sum over 25 bars of EMA(9) of high - low / EMA(9) of it; 25 if none of 63 bars had a range"
    yield _volatility("mass_index_9_25", mass, "ratio", RECURSIVE, "Dorsey (1992)")


def _volumes() -> Iterable[Feature]:
    yield _volume("volume_ratio_21", "volume / its mean of 21 bars; 1 if nothing traded", "ratio", 20)
    for window in (21, 63):
        z_score = f"(volume - mean) / standard deviation over {window} bars; 0 if constant"
        yield _volume(f"volume_z_{window}", z_score, "standard deviations", window - 1)
    oscillator = "EMA(12) of volume / EMA(26) of it - 1; 0 if nothing traded in 63 bars"
    yield _volume("volume_oscillator_12_26", oscillator, "percent", RECURSIVE, "Appel (2005), PPO of volume")
    amihud = "mean |return| / dollar volume of 21 bars over that of 252, 0..12; 1 if nothing traded"
    yield _volume("amihud_ratio_21_252", amihud, "ratio", 252, "Amihud (2002)")
    for window in (14, 28):
        formula = "money flow index, 0..100; 0 without volume"
        yield _volume(f"mfi_{window}", formula, "percent", window, "TA-Lib MFI")
    chaikin = "Chaikin oscillator over mean volume of 21 bars; 0 if nothing traded"
    yield _volume("adosc_3_10", chaikin, "ratio", RECURSIVE, "TA-Lib ADOSC")
    money = "volume weighted mean of where the close lies in its bar (-1 low, 1 high), 21 bars; 0 if nothing traded"
    yield _volume("chaikin_money_flow_21", money, "fraction", 20, "Chaikin; Achelis (1995)")
    flow = "on-balance volume gained in 21 bars over the volume traded in them, -1..1; 0 if nothing traded"
    yield _volume("obv_flow_21", flow, "fraction", 21, "Granville (1963)")
    trend = "volume weighted mean of close / close before - 1, 21 bars; 0 if nothing traded"
    yield _volume("volume_price_trend_21", trend, "ratio", 21, "Achelis (1995)")
    force = "EMA(13) of change x volume / (EMA(13) of volume x close); 0 if nothing traded in 63 bars"
    yield _volume("force_index_13", force, "ratio", RECURSIVE, "Elder (1993)")
    ease = "mean over 14 bars of ln(middle / middle before) x (high - low) / close / volume relative to its mean of 21"
    yield _volume("ease_of_movement_14", f"{ease}; 0 for bars without volume", "ratio", 33, "Arms (1983)")
    weighted = "close / volume weighted mean close of 20 bars - 1; 0 if nothing traded"
    yield _volume("vwma_ratio_20", weighted, "ratio", 19)


SET = FeatureSet(
    name="technical",
    doc="Trend, momentum, volatility and volume indicators of each name's own bars.",
    features=table_of([*_averages(), *_directions(), *_momenta(), *_volatilities(), *_volumes()]),
    package=__package__ or "",
)
