"""Price action, one entry per feature."""

from collections.abc import Iterable
from functools import partial

from trading_assets.features.feature_set import Feature, FeatureSet, table_of

_return = partial(Feature, group="returns")
_location = partial(Feature, group="location")
_bar = partial(Feature, group="bar")
_gap = partial(Feature, group="gaps")
_sign = partial(Feature, group="sign")


def _returns() -> Iterable[Feature]:
    for window in (1, 5, 10, 21, 63, 126, 252):
        formula = f"ln(close / close {window} bar(s) before)"
        yield _return(f"log_return_{window}", formula, "log return", window)
    for window in (1, 5, 21):
        yield _return(f"return_{window}", f"close / close {window} bar(s) before - 1", "ratio", window)
    skipped = "ln(close 21 bars before / close 252 bars before)"
    yield _return("momentum_252_21", skipped, "log return", 252, "Jegadeesh and Titman (1993)")
    for window in (5, 21):
        faster = f"log return of {window} bars - that of the {window} before"
        yield _return(f"acceleration_{window}", faster, "log return", 2 * window)
    source = "Bali, Cakici and Whitelaw (2011)"
    yield _return("max_return_21", "largest log return of 21 bars", "log return", 21, source)
    yield _return("min_return_21", "smallest log return of 21 bars", "log return", 21)


def _locations() -> Iterable[Feature]:
    for window in (21, 63, 252):
        source = "George and Hwang (2004)" if window == 252 else ""  # noqa: PLR2004 - the year of the paper
        high, low = f"close / highest high of {window} bars - 1, at most 0", f"close / lowest low of {window} bars - 1"
        yield _location(f"distance_to_high_{window}", high, "ratio", window - 1, source)
        yield _location(f"distance_to_low_{window}", f"{low}, at least 0", "ratio", window - 1)
    beyond = "1 if close is above the highest high of the 20 bars before, -1 if below their lowest low, else 0"
    yield _location("breakout_20", beyond, "sign", 20, "Donchian (1960)")


def _bars() -> Iterable[Feature]:
    yield _bar("close_to_open", "close / open - 1", "ratio", 0)
    yield _bar("high_to_low", "high / low - 1", "ratio", 0)
    location = "((close - low) - (high - close)) / (high - low), -1 at the low..1 at the high; 0 if high = low"
    yield _bar("close_location", location, "fraction", 0)
    yield _bar("body_share", "|close - open| / (high - low); 0 if high = low", "fraction", 0)
    yield _bar("upper_wick_share", "(high - max(open, close)) / (high - low); 0 if high = low", "fraction", 0)
    yield _bar("lower_wick_share", "(min(open, close) - low) / (high - low); 0 if high = low", "fraction", 0)
    yield _bar("range_expansion_21", "(high - low) / its mean of 21 bars; 1 if no bar had a range", "ratio", 20)
    yield _bar("inside_bar", "1 if high is below the high before and low above the low before, else 0", "flag", 1)
    yield _bar("outside_bar", "1 if high is above the high before and low below the low before, else 0", "flag", 1)
    narrow = "1 if high - low is smaller than that of each of the 6 bars before, else 0"
    yield _bar("narrow_range_7", narrow, "flag", 6, "Crabel (1990)")


def _gaps() -> Iterable[Feature]:
    yield _gap("overnight_gap", "ln(open / close of the bar before)", "log return", 1)
    filled = "share of the way from open back to the close before that the bar went, 0..1; 0 without a gap"
    yield _gap("gap_filled_share", filled, "fraction", 1)
    z_score = "(overnight gap - its mean) / standard deviation over 63 bars; 0 if constant"
    yield _gap("gap_z_63", z_score, "standard deviations", 63)
    share = "sum of squared gaps / (that + sum of squared ln(close / open)) of 21 bars; 0.5 if nothing moved"
    yield _gap("gap_share_21", share, "fraction", 21)


def _signs() -> Iterable[Feature]:
    yield _sign("return_sign", "sign of close - close before: -1, 0 or 1", "sign", 1)
    streak = "bars in a row with the sign of this one, times it, counted over 10 bars: -10..10"
    yield _sign("streak_10", streak, "bars", 10)
    for window in (21, 63):
        yield _sign(f"up_share_{window}", f"share of bars of {window} that closed higher", "fraction", window)


SET = FeatureSet(
    name="price_action",
    doc="Returns, ratios, gaps and their changes of each name's own bars.",
    features=table_of([*_returns(), *_locations(), *_bars(), *_gaps(), *_signs()]),
    package=__package__ or "",
    is_windowed=True,
)
