"""The tables of features in SQL that the desk ships, one entry each; their models are in ``dbt_features/models``."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from trading_assets.features.feature_set import Feature, table_of
from trading_assets.features.sql.fundamental import FUNDAMENTAL_RATIOS
from trading_assets.features.sql.sql_set import PROJECT, SqlSet

_MODELS = PROJECT / "models" / "features"
_daily = partial(Feature, intervals=frozenset({"daily"}))

RANKED = (
    "log_return_21",
    "log_return_252",
    "realised_volatility_63",
    "rsi_14",
    "volume_ratio_21",
)
"""Features with a rank."""
COMPARED = (
    "log_return_5",
    "log_return_21",
    "log_return_63",
    "log_return_126",
    "log_return_252",
    "distance_to_high_252",
    "sma_ratio_200",
    "rsi_14",
    "volume_ratio_21",
    "amihud_ratio_21_252",
    "realised_volatility_63",
    "parkinson_volatility_21",
    "return_skew_63",
    "beta_63",
)
"""Features that are compared across the names of a session: momentum, reversal, volatility, volume, beta."""


def _ranks() -> Iterable[Feature]:
    for of in RANKED:
        yield _daily(f"{of}_rank", f"cross-sectional rank of {of}; null where {of} is", "fraction", 0, group="ranks")


def _scores() -> Iterable[Feature]:
    unit = "standard deviations"
    for of in COMPARED:
        z = f"({of} - mean) / standard deviation over the names of the session; 0 if all are equal"
        yield _daily(f"{of}_z", z, unit, 0, group="z-scores")
    for of in COMPARED:
        z = f"z-score of {of} cut to the 2.5 % and 97.5 % quantiles of the session; 0 if all are equal"
        yield _daily(f"{of}_winsorised_z", z, unit, 0, group="winsorised z-scores")


def _residuals() -> Iterable[Feature]:
    for of in COMPARED:
        if of != "beta_63":
            formula = f"residual of the session's regression of {of} on beta_63; minus the mean if the betas are equal"
            yield _daily(f"{of}_beta_neutral", formula, _unit(of), 0, group="beta-neutral")


def _differences() -> Iterable[Feature]:
    for of in COMPARED:
        formula = f"{of} - its mean over the names of the sector as known before the session; no sector is one group"
        yield _daily(f"{of}_sector_neutral", formula, _unit(of), 0, group="sector-neutral")


def _unit(of: str) -> str:
    """Unit of a compared feature, which its residuals keep."""
    if of.startswith("log_return"):
        return "log return"
    if "volatility" in of:
        return "per year"
    return "percent" if of.startswith("rsi") else "ratio"


def _breadth() -> Iterable[Feature]:
    share = partial(_daily, unit="fraction", group="breadth")
    yield _daily("names", "names with a return of the session", "names", 0, group="breadth")
    yield share("advancers", "share of names whose log_return_1 is above 0", lookback=0)
    yield share("decliners", "share of names whose log_return_1 is below 0", lookback=0)
    net = "mean over 10 sessions of advancers - decliners"
    yield share("net_advancers_10", net, lookback=9)
    yield share("above_sma_50", "share of names above their mean close of 50 bars", lookback=0)
    yield share("above_sma_200", "share of names above their mean close of 200 bars", lookback=0)
    highs = "share of names within 1 % of their highest high of 252 bars - share within 1 % of their lowest low"
    yield share("highs_less_lows_252", highs, lookback=0)
    moves = partial(_daily, group="moves")
    yield moves("equal_weighted_return", "mean log_return_1 of the names", "log return", 0)
    dispersion = "standard deviation of log_return_1 across the names"
    yield moves("return_dispersion", dispersion, "log return", 0)
    yield moves("volatility_21_mean", "mean realised_volatility_21 of the names", "per year", 0)
    pairs = "mean product of log_return_1 over all pairs of names / mean square; 0 if nothing moved or one name"
    yield moves("co_movement", pairs, "ratio", 0)
    implied = (
        "variance of equal_weighted_return over 63 sessions, annualised / squared mean realised_volatility_63 of the "
        "names, at most 1: an average correlation; 0 if nothing moved"
    )
    yield moves("implied_correlation_63", implied, "ratio", 62, "CBOE implied correlation, with realised variances")


_SHARES = ("advancers", "decliners", "above_sma_50", "above_sma_200", "implied_correlation_63")

CROSS_SECTION = SqlSet(
    "cross_section",
    "Where each name stands among all names of the session: ranks from 0 (lowest) to 1 (highest).",
    table_of(_ranks()),
    _MODELS / "cross_section.sql",
    ranges={feature.name: (0.0, 1.0) for feature in _ranks()},
)
STANDARDISED = SqlSet(
    "standardised",
    "How many standard deviations each name is from the mean of the session, as it is and without its extremes.",
    table_of(_scores()),
    _MODELS / "standardised.sql",
)
BETA_NEUTRAL = SqlSet(
    "beta_neutral",
    "What each name shows beyond its beta: residuals of the session's regressions.",
    table_of(_residuals()),
    _MODELS / "beta_neutral.sql",
)
SECTOR_NEUTRAL = SqlSet(
    "sector_neutral",
    "What each name shows beyond its sector: differences from the sector's mean of the session.",
    table_of(_differences()),
    _MODELS / "sector_neutral.sql",
)
MARKET_BREADTH = SqlSet(
    "market_breadth",
    "How many names take part in the market's moves, one row for each session.",
    table_of(_breadth()),
    _MODELS / "market_breadth.sql",
    key=("date",),
    ranges=dict.fromkeys(_SHARES, (0.0, 1.0)) | dict.fromkeys(("net_advancers_10", "highs_less_lows_252"), (-1.0, 1.0)),
)
SHIPPED = (CROSS_SECTION, STANDARDISED, BETA_NEUTRAL, SECTOR_NEUTRAL, MARKET_BREADTH, FUNDAMENTAL_RATIOS)
