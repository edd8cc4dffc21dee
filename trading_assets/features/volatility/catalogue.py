"""Estimators of volatility, one entry per feature."""

from collections.abc import Iterable
from functools import partial

from trading_assets.features.feature_set import Feature, FeatureSet, table_of

REALISED = (5, 10, 21, 63, 126)
RANGE = (21, 63)
YANG_ZHANG = (10, 21, 63)
MONTHS = (21, 63)
RATIOS = ((5, 21), (10, 63), (21, 126))
OF_VOLATILITY = ((10, 21), (21, 63))
DECAY = 0.94
"""Weight of a bar relative to that of the next one: RiskMetrics for daily data."""
DECAY_WINDOW = 126

_estimator = partial(Feature, unit="per year", group="estimators")
_side = partial(Feature, group="sides")
_ratio = partial(Feature, group="ratios")
_jump = partial(Feature, group="jumps")
_fall = partial(Feature, unit="fraction", group="falls")


def _estimators() -> Iterable[Feature]:
    for n in REALISED:
        formula = f"standard deviation of {n} log returns, annualised"
        yield _estimator(f"realised_volatility_{n}", formula, lookback=n)
    for n in RANGE:
        parkinson = f"sqrt(mean ln(high / low)^2 / (4 ln 2)) of {n} bars, annualised"
        yield _estimator(f"parkinson_volatility_{n}", parkinson, lookback=n - 1, source="Parkinson (1980)")
        klass = (
            f"sqrt(mean 0.5 ln(high / low)^2 - (2 ln 2 - 1) ln(close / open)^2) of {n} bars, annualised; 0 if the mean "
            "is negative"
        )
        yield _estimator(f"garman_klass_volatility_{n}", klass, lookback=n - 1, source="Garman and Klass (1980)")
        rogers = f"sqrt(mean ln(high / open) ln(high / close) + ln(low / open) ln(low / close)) of {n} bars, annualised"
        satchell = "Rogers and Satchell (1991)"
        yield _estimator(f"rogers_satchell_volatility_{n}", rogers, lookback=n - 1, source=satchell)
    for n in YANG_ZHANG:
        yang_zhang = (
            f"sqrt(variance of ln(open / close before) + k variance of ln(close / open) + (1 - k) Rogers-Satchell mean)"
            f" of {n} bars, k = 0.34 / (1.34 + {n + 1} / {n - 1}), annualised"
        )
        yield _estimator(f"yang_zhang_volatility_{n}", yang_zhang, lookback=n, source="Yang and Zhang (2000)")
    yield _estimator(
        "ewma_volatility",
        f"sqrt(weighted mean of {DECAY_WINDOW} squared log returns), weights {DECAY}^age (what is older weighs 0.04 % "
        "together), annualised",
        lookback=DECAY_WINDOW,
        source="J.P. Morgan, RiskMetrics (1996)",
    )


def _sides() -> Iterable[Feature]:
    for n in MONTHS:
        down = f"sqrt(mean min(log return, 0)^2) of {n} bars, annualised"
        yield _side(f"downside_deviation_{n}", down, "per year", n, "Sortino and van der Meer (1991)")
        up = f"sqrt(mean max(log return, 0)^2) of {n} bars, annualised"
        yield _side(f"upside_deviation_{n}", up, "per year", n, "Sortino and van der Meer (1991)")
    yield _side(
        "semivariance_balance_63",
        "(upside - downside) / (upside + downside) semivariance of 63 bars, -1..1; 0 if closes did not move",
        "fraction",
        63,
        "Barndorff-Nielsen, Kinnebrock and Shephard (2010)",
    )


def _ratios() -> Iterable[Feature]:
    for short, long in RATIOS:
        formula = f"realised volatility of {short} bars / of {long}; 1 if closes did not move"
        yield _ratio(f"volatility_ratio_{short}_{long}", formula, "ratio", long)
    change = "(v - v 21 bars before) / (v + v 21 bars before), v the realised volatility of 21 bars; 0 if both are 0"
    yield _ratio("volatility_change_21", change, "fraction", 42)
    for short, long in OF_VOLATILITY:
        formula = f"standard deviation / mean over {long} bars of the realised volatility of {short}; 0 if all are 0"
        yield _ratio(f"volatility_of_volatility_{short}_{long}", formula, "ratio", short + long - 1)
    for name in ("parkinson", "yang_zhang"):
        formula = f"p / (p + variance of closes), p the variance by {name}_volatility_21; 0.5 if both are 0"
        yield _ratio(f"{name}_share_21", formula, "fraction", 21)
    for n in MONTHS:
        formula = (
            f"sum of ln(open / close before)^2 / that sum + sum of ln(close / open)^2, {n} bars: what moved while the "
            "market was closed; 0 if nothing moved"
        )
        yield _ratio(f"gap_variance_share_{n}", formula, "fraction", n)


def _jumps() -> Iterable[Feature]:
    for n in MONTHS:
        bipower = f"sqrt(pi / 2 mean |return| |return before|) over {n} log returns ({n - 1} products), annualised"
        yield _jump(f"bipower_volatility_{n}", bipower, "per year", n, "Barndorff-Nielsen and Shephard (2004)")
        share = f"1 - bipower variation / realised variance of {n} log returns, 0..1; 0 if closes did not move"
        yield _jump(f"jump_share_{n}", share, "fraction", n, "Barndorff-Nielsen and Shephard (2006)")
    median = (
        "sqrt(pi / (6 - 4 sqrt 3 + pi) mean of squared medians of 3 neighbouring |log returns|) over 21 returns, "
        "annualised: not moved by single jumps"
    )
    yield _jump("median_volatility_21", median, "per year", 21, "Andersen, Dobrev and Schaumburg (2012)")


def _falls() -> Iterable[Feature]:
    for n in MONTHS:
        deepest = f"deepest fall of the close below its highest so far within {n} bars, -1..0"
        yield _fall(f"maximum_drawdown_{n}", deepest, lookback=n - 1)
        ulcer = f"sqrt(mean (close / highest close so far within the window - 1)^2) of {n} bars"
        yield _fall(f"ulcer_index_{n}", ulcer, lookback=n - 1, source="Martin and McCann (1989)")


SET = FeatureSet(
    name="volatility",
    doc="Estimators of each name's volatility, annualised, and their ratios.",
    features=table_of([*_estimators(), *_sides(), *_ratios(), *_jumps(), *_falls()]),
    package=__package__ or "",
    is_windowed=True,
)
