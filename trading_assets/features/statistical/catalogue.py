"""Statistics of returns, one entry per feature."""

from collections.abc import Iterable
from functools import partial

from trading_assets.features.feature_set import Feature, FeatureSet, table_of

LAGS = (1, 5)
PERIODS = (2, 5, 10)
SCALES = (1, 2, 4, 8, 16)
"""Rows over which the increments of the Hurst exponent are taken."""
TAIL = 7
"""Returns of 126 that make up 5 %, rounded up."""

_moment = partial(Feature, group="moments")
_tail = partial(Feature, group="tails")
_memory = partial(Feature, group="memory")
_entropy = partial(Feature, unit="fraction", group="entropy")
_market = partial(Feature, group="market")
_regime = partial(Feature, group="regime")


def _moments() -> Iterable[Feature]:
    for n in (63, 126):
        skew = f"m3 / m2^1.5 of {n} log returns (population moments); 0 if flat"
        yield _moment(f"return_skew_{n}", skew, "ratio", n)
        kurtosis = f"m4 / m2^2 - 3 of {n} log returns (population moments); 0 if flat"
        yield _moment(f"return_kurtosis_{n}", kurtosis, "ratio", n)
    for n in (21, 63):
        z_score = f"(log return - mean) / standard deviation of {n} log returns; 0 if flat"
        yield _moment(f"return_z_{n}", z_score, "standard deviations", n)
    z_score = "(ln close - mean) / standard deviation of 63 ln closes; 0 if flat"
    yield _moment("price_z_63", z_score, "standard deviations", 62)


def _tails() -> Iterable[Feature]:
    share = "share of 126 log returns more than 2 standard deviations from their mean; 0 if flat"
    yield _tail("outlier_share_126", share, "fraction", 126)
    risk = f"5 % value at risk by history: the loss that {TAIL} of 126 log returns reach; negative if it is a gain"
    yield _tail("value_at_risk_126", risk, "log return", 126, "Jorion (1996)")
    shortfall = f"mean loss of the {TAIL} worst of 126 log returns; negative if it is a gain"
    yield _tail("expected_shortfall_126", shortfall, "log return", 126, "Acerbi and Tasche (2002)")
    asymmetry = f"(g - l) / (|g| + |l|), g the mean of the {TAIL} best of 126 log returns, l the mean loss of the worst"
    yield _tail("tail_asymmetry_126", f"{asymmetry}; 0 if both are 0", "fraction", 126)


def _memories() -> Iterable[Feature]:
    for lag in LAGS:
        formula = f"correlation of 63 log returns with those {lag} bar(s) before; 0 if flat"
        yield _memory(f"return_autocorrelation_63_lag_{lag}", formula, "ratio", 63 + lag)
        formula = f"correlation of 63 absolute log returns with those {lag} bar(s) before; 0 if flat"
        yield _memory(f"absolute_autocorrelation_63_lag_{lag}", formula, "ratio", 63 + lag)
    for q in PERIODS:
        formula = f"variance of {q}-bar log returns / {q} variance of 1-bar ones, of 126 log returns, overlapping and "
        source = "Lo and MacKinlay (1988)"
        yield _memory(f"variance_ratio_{q}_126", f"{formula}unbiased; 1 if flat", "ratio", 126, source)
    hurst = (
        "slope of ln sqrt(mean squared increment of ln close over s bars) on ln s, s = 1, 2, 4, 8, 16, means of 126 "
        "bars, within 0..1; 0.5 is a random walk and the value if an increment never moved"
    )
    yield _memory("hurst_exponent_126", hurst, "ratio", 125 + SCALES[-1], "Di Matteo (2007), q = 2")
    rescaled = "range of the sums of deviations from the mean / (standard deviation sqrt 63), 63 log returns; 0 if flat"
    yield _memory("rescaled_range_63", rescaled, "ratio", 63, "Hurst (1951); Lo (1991), without lags")


def _entropies() -> Iterable[Feature]:
    sign = "entropy of which of 3 neighbouring closes rose, 63 patterns / ln 8"
    yield _entropy("sign_entropy_63", sign, lookback=65, source="Shannon (1948)")
    order = "entropy of the order of 3 neighbouring closes (equal ones in order of time), 63 patterns / ln 6"
    yield _entropy("permutation_entropy_63", order, lookback=64, source="Bandt and Pompe (2002)")


def _markets() -> Iterable[Feature]:
    for n in (63, 126):
        formula = (
            f"covariance of return and market return / variance of market return, {n} bars; 0 if the market is flat"
        )
        yield _market(f"beta_{n}", formula, "ratio", n, "Sharpe (1964)")
    alpha = "mean return - beta x mean market return of 63 bars, times bars of a year"
    yield _market("alpha_63", alpha, "per year", 63, "Jensen (1968)")
    down = "beta of the bars of 126 on which the market was below its mean; 0 if it did not move on them"
    yield _market("downside_beta_126", down, "ratio", 126, "Ang, Chen and Xing (2006)")
    correlation = "correlation of return and market return, 63 bars; 0 if either is flat"
    yield _market("market_correlation_63", correlation, "ratio", 63)
    squared = "share of the variance of return that the market explains, 63 bars; 0 if either is flat"
    yield _market("market_r_squared_63", squared, "fraction", 63, "Roll (1988)")
    delay = "correlation of return and the market return of the bar before, 63 bars; 0 if either is flat"
    yield _market("market_delay_correlation_63", delay, "ratio", 64, "Hou and Moskowitz (2005)")
    residual = "standard deviation of return unexplained by the market, 63 bars, annualised"
    yield _market("idiosyncratic_volatility_63", residual, "per year", 63, "Ang, Hodrick, Xing and Zhang (2006)")
    skew = "mean (r - mean r)(m - mean m)^2 / (deviation of r x variance of m), 126 returns r, market m; 0 if flat"
    yield _market("co_skewness_126", skew, "ratio", 126, "Harvey and Siddique (2000)")
    for n in (21, 63):
        formula = f"log return - log return of the market over {n} bars"
        yield _market(f"relative_strength_{n}", formula, "log return", n)


def _regimes() -> Iterable[Feature]:
    rank = (
        "rank of the standard deviation of 21 log returns among its last 252 values, 0 lowest, 1 highest; 0.5 if flat"
    )
    yield _regime("volatility_percentile_252", rank, "fraction", 272)
    state = "0 calm, 1 usual, 2 wild: volatility_percentile_252 up to 1/3, between, from 2/3"
    yield _regime("volatility_state_252", state, "state", 272)


SET = FeatureSet(
    name="statistical",
    doc="Moments and memory of each name's returns, and how it moves with the market.",
    features=table_of([*_moments(), *_tails(), *_memories(), *_entropies(), *_markets(), *_regimes()]),
    package=__package__ or "",
    intervals=frozenset({"daily"}),
    needs_market=True,
    is_windowed=True,
)
