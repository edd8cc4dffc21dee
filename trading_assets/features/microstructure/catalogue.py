"""Microstructure of bars within sessions, one entry per feature."""

from collections.abc import Iterable
from functools import partial

from trading_assets.features.feature_set import INTRADAY, Feature, FeatureSet, table_of

LONGEST_SESSION = 390
"""Most bars that "the session so far" covers: a session of minute bars in New York."""
LONGEST_WAIT = 60
WINDOWS = (30, 120)

_session = partial(Feature, lookback=LONGEST_SESSION - 1, group="session", intervals=INTRADAY)
_price = partial(Feature, group="volume at price", intervals=INTRADAY)
_spread = partial(Feature, unit="log return", group="spreads", intervals=INTRADAY)
_impact = partial(Feature, group="impact", intervals=INTRADAY)
_flow = partial(Feature, unit="fraction", group="order flow", intervals=INTRADAY)
_trading = partial(Feature, group="trading", intervals=INTRADAY)

_TYPICAL = "typical price (high + low + close) / 3"


def _sessions() -> Iterable[Feature]:
    so_far = f"the session so far (its last {LONGEST_SESSION} bars at most)"
    vwap = f"close / volume-weighted mean {_TYPICAL} of {so_far} - 1; 0 if nothing traded"
    yield _session("vwap_distance", vwap, "ratio", source="Berkowitz, Logue and Noser (1988)")
    yield _session("session_return", f"ln(close / first open of {so_far})", "log return")
    position = f"(close - low) / (high - low) of {so_far}, 0..1; 0.5 if flat"
    yield _session("session_range_position", position, "fraction")
    share = f"volume / volume of {so_far}, 0..1; 0 if nothing traded"
    yield _session("session_volume_share", share, "fraction")


def _prices() -> Iterable[Feature]:
    for n in WINDOWS:
        vwap = f"close / volume-weighted mean {_TYPICAL} of {n} bars - 1; 0 if nothing traded"
        yield _price(f"vwap_distance_{n}", vwap, "ratio", n - 1, "Berkowitz, Logue and Noser (1988)")
    below = f"share of the volume of 120 bars whose {_TYPICAL} is not above the close; 0.5 if nothing traded"
    yield _price("volume_below_120", below, "fraction", 119, "Steidlmayer (1984)")
    at = "share of the volume of 120 bars between whose low and high the close lies; 0 if nothing traded"
    yield _price("volume_at_price_120", at, "fraction", 119, "Steidlmayer (1984)")


def _spreads() -> Iterable[Feature]:
    for n in WINDOWS:
        roll = f"2 sqrt(-covariance of log return and the one before), {n} bars; 0 if that is positive"
        yield _spread(f"roll_spread_{n}", roll, lookback=n + 1, source="Roll (1984)")
    corwin = (
        "mean over 30 bars of 2 (e^a - 1) / (1 + e^a), a from the ranges of a bar, of the one before (its gap taken "
        "out) and of both together; 0 where negative"
    )
    yield _spread("corwin_schultz_spread_30", corwin, lookback=30, source="Corwin and Schultz (2012)")
    abdi = "2 sqrt(mean (c - e)(c - e of the bar after)) of 30 bars, c ln close and e the middle of ln high and ln low"
    yield _spread("abdi_ranaldo_spread_30", f"{abdi}; 0 if negative", lookback=30, source="Abdi and Ranaldo (2017)")
    fht = "2 s F^-1((1 + z) / 2), s deviation and z share of zeros of 120 log returns, F the normal distribution"
    yield _spread("fht_spread_120", f"{fht}; 0 if flat", lookback=120, source="Fong, Holden and Trzcinka (2017)")


def _impacts() -> Iterable[Feature]:
    amihud = (
        "mean |log return| / dollar volume of 30 bars over that of 390 (0 for a bar without volume), 0..13; 1 if flat"
    )
    yield _impact("amihud_ratio_30_390", amihud, "ratio", 390, "Amihud (2002)")
    kyle = "slope of log return on volume with the sign of the return, times mean volume, 120 bars; 0 if nothing moved"
    yield _impact("kyle_lambda_120", kyle, "log return", 120, "Kyle (1985)")
    root = "slope of log return on sqrt(dollar volume) with the sign of the return, times mean sqrt(dollar volume)"
    yield _impact(
        "hasbrouck_lambda_120", f"{root}, 120 bars; 0 if nothing moved", "log return", 120, "Hasbrouck (2009)"
    )
    signature = (
        "mean squared 5-bar log return / (5 mean squared 1-bar log return) of 120 bars: below 1 where prices bounce; "
        "1 if flat"
    )
    source = "Andersen, Bollerslev, Diebold and Labys (2000)"
    yield _impact("variance_signature_5_120", signature, "ratio", 120, source)


def _flows() -> Iterable[Feature]:
    for n in WINDOWS:
        ticks = f"(volume of bars that rose - that fell) / volume of {n} bars, -1..1; 0 if nothing traded"
        yield _flow(f"tick_imbalance_{n}", ticks, lookback=n, source="Lee and Ready (1991), tick test without memory")
    bulk = "bulk classification: buys are volume x F(log return / its deviation of 120), F the normal distribution"
    imbalance = f"(buys - sells) / volume of 30 bars, {bulk}; 0 if nothing traded"
    bulk_source = "Easley, Lopez de Prado and O'Hara (2012)"
    yield _flow("bulk_imbalance_30", imbalance, lookback=149, source=bulk_source)
    toxicity = f"mean |buys - sells| / mean volume of 120 bars of equal time, {bulk}; 0 if nothing traded"
    yield _flow("vpin_120", toxicity, lookback=239, source=bulk_source)


def _tradings() -> Iterable[Feature]:
    intensity = "mean volume of 30 bars over that of 390, 0..13; 1 if nothing traded"
    yield _trading("volume_intensity_30_390", intensity, "ratio", 389)
    yield _trading("traded_share_30", "share of 30 bars with volume", "fraction", 29)
    wait = f"bars since the last one with volume, at most {LONGEST_WAIT}"
    yield _trading("bars_since_trade", wait, "bars", LONGEST_WAIT - 1)
    herfindahl = "sum of squared volumes / squared sum of 30 bars, 1/30..1; 0 if nothing traded"
    yield _trading("volume_concentration_30", herfindahl, "fraction", 29, "Herfindahl (1950)")
    for n in WINDOWS:
        zeros = f"share of {n} log returns that are 0"
        yield _trading(f"zero_return_share_{n}", zeros, "fraction", n, "Lesmond, Ogden and Trzcinka (1999)")


SET = FeatureSet(
    name="microstructure",
    doc="Spreads, price impact, order flow and volume of each name's own bars within sessions.",
    features=table_of([*_sessions(), *_prices(), *_spreads(), *_impacts(), *_flows(), *_tradings()]),
    package=__package__ or "",
    intervals=INTRADAY,
    is_windowed=True,
)
