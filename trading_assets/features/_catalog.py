"""The technical features, one entry each: contract, documentation and column order derive from this table."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Group = Literal["trend", "momentum", "volatility", "volume"]
Source = Literal["polars", "talib"]


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature column: its name, meaning, unit, and where its formula comes from.

    Parameters
    ----------
    name
        Column name; a number in it is a window in sessions.
    doc
        Meaning, with the value of degenerate windows where it is not obvious.
    unit
        "log return", "ratio", "percent", "fraction", "per year" or "standard deviations"; all are free of price scale.
    source
        Engine that computes it: "talib" (the TA-Lib function is named in `doc`) or "polars".
    group
        Family: trend, momentum, volatility or volume.
    """

    name: str
    doc: str
    unit: str
    source: Source
    group: Group


def _table(*features: Feature) -> Mapping[str, Feature]:
    return MappingProxyType({feature.name: feature for feature in features})


def _log_return(window: int) -> Feature:
    doc = f"ln(close / close {window} session(s) before)"
    return Feature(f"log_return_{window}", doc, "log return", "polars", "momentum")


def _sma_ratio(window: int) -> Feature:
    doc = f"close / mean close of {window} sessions - 1 (TA-Lib SMA)"
    return Feature(f"sma_ratio_{window}", doc, "ratio", "talib", "trend")


def _realised_volatility(window: int) -> Feature:
    doc = f"standard deviation of {window} daily log returns, annualised with sqrt(252)"
    return Feature(f"realised_volatility_{window}", doc, "per year", "polars", "volatility")


FEATURES: Mapping[str, Feature] = _table(
    *(_log_return(window) for window in (1, 5, 10, 21, 63, 126, 252)),
    *(_sma_ratio(window) for window in (20, 50, 200)),
    Feature("macd_12_26", "MACD line EMA(12) - EMA(26), over close (TA-Lib MACD)", "ratio", "talib", "trend"),
    Feature("macd_histogram_12_26_9", "MACD line - its EMA(9), over close (TA-Lib MACD)", "ratio", "talib", "trend"),
    Feature(
        "adx_14", "average directional index, strength of the trend, 0..100 (TA-Lib ADX)", "percent", "talib", "trend"
    ),
    Feature("plus_di_14", "upward directional indicator, 0..100 (TA-Lib PLUS_DI)", "percent", "talib", "trend"),
    Feature("minus_di_14", "downward directional indicator, 0..100 (TA-Lib MINUS_DI)", "percent", "talib", "trend"),
    Feature("aroon_oscillator_25", "Aroon up - Aroon down, -100..100 (TA-Lib AROONOSC)", "percent", "talib", "trend"),
    Feature(
        "rsi_14",
        "relative strength index, 0..100; 0 if the price never moved (TA-Lib RSI)",
        "percent",
        "talib",
        "momentum",
    ),
    Feature("cci_20", "commodity channel index; 0 if flat (TA-Lib CCI)", "ratio", "talib", "momentum"),
    Feature(
        "williams_r_14",
        "close within the 14-session range, -100..0; 0 if flat (TA-Lib WILLR)",
        "percent",
        "talib",
        "momentum",
    ),
    Feature(
        "stochastic_k_14_3", "slow stochastic %K, 0..100; 0 if flat (TA-Lib STOCH)", "percent", "talib", "momentum"
    ),
    Feature(
        "trix_15", "one-session change of the triple EMA(15) of close (TA-Lib TRIX)", "percent", "talib", "momentum"
    ),
    Feature(
        "balance_of_power",
        "(close - open) / (high - low), -1..1; 0 if high = low (TA-Lib BOP)",
        "fraction",
        "talib",
        "momentum",
    ),
    Feature(
        "distance_to_high_252", "close / highest high of 252 sessions - 1, at most 0", "ratio", "polars", "momentum"
    ),
    Feature("distance_to_low_252", "close / lowest low of 252 sessions - 1, at least 0", "ratio", "polars", "momentum"),
    Feature("overnight_gap", "ln(open / close of the session before)", "log return", "polars", "momentum"),
    *(_realised_volatility(window) for window in (10, 21, 63)),
    Feature(
        "parkinson_volatility_21",
        "range volatility of 21 sessions, annualised (Parkinson 1980)",
        "per year",
        "polars",
        "volatility",
    ),
    Feature(
        "garman_klass_volatility_21",
        "open-high-low-close volatility of 21 sessions, annualised (Garman and Klass 1980)",
        "per year",
        "polars",
        "volatility",
    ),
    Feature("natr_14", "average true range over close (TA-Lib NATR)", "percent", "talib", "volatility"),
    Feature(
        "bollinger_position_20",
        "close within the Bollinger bands of 20 sessions, 2 deviations: 0 lower band, 1 upper; 0.5 if flat",
        "fraction",
        "polars",
        "volatility",
    ),
    Feature(
        "bollinger_width_20",
        "(upper - lower) / middle Bollinger band of 20 sessions, 2 deviations",
        "ratio",
        "polars",
        "volatility",
    ),
    Feature(
        "return_skew_63",
        "skewness of 63 daily log returns (population formula); 0 if flat",
        "ratio",
        "polars",
        "volatility",
    ),
    Feature("volume_ratio_21", "volume / its mean of 21 sessions; 1 if nothing traded", "ratio", "polars", "volume"),
    Feature(
        "volume_z_63",
        "(volume - mean) / standard deviation over 63 sessions; 0 if constant",
        "standard deviations",
        "polars",
        "volume",
    ),
    Feature(
        "amihud_ratio_21_252",
        "mean |return| / dollar volume of 21 sessions over that of 252 (Amihud 2002), 0..12; 1 if nothing traded",
        "ratio",
        "polars",
        "volume",
    ),
    Feature("mfi_14", "money flow index, 0..100; 0 without volume (TA-Lib MFI)", "percent", "talib", "volume"),
    Feature(
        "adosc_3_10",
        "Chaikin oscillator (TA-Lib ADOSC) over mean volume of 21 sessions; 0 if nothing traded",
        "ratio",
        "talib",
        "volume",
    ),
    Feature(
        "obv_flow_21",
        "on-balance volume gained in 21 sessions over the volume traded in them, -1..1; 0 if nothing traded",
        "fraction",
        "polars",
        "volume",
    ),
)
