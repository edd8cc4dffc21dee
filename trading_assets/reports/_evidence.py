"""How strong the evidence for an edge is: errors that respect overlap, and the probabilistic Sharpe ratio."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.figures import apart

# Harvey, Liu and Zhu (2016) require t > 3 instead of 2, because many factors have been tried on the same data.
CONVINCING_T = 3.0
CONVINCING_PROBABILITY = 0.95
# Below these, normal quantiles overstate a t-statistic and the Newey-West variance is biased towards zero.
LEAST_SESSIONS = 60
LEAST_HORIZONS = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the results are convincing, and why, in words.

    Attributes
    ----------
    is_convincing
        True only if every available test passes its threshold.
    text
        One paragraph for the reader.

    """

    is_convincing: bool
    text: str


def newey_west_t(values: NDArray[np.float64], *, lag: int) -> float:
    """Compute the t-statistic of a mean whose observations are correlated up to `lag` steps.

    t = mean / sqrt(S / n) with S = g(0) + 2 sum_{l=1..lag} (1 - l / (lag + 1)) g(l) and g(l) the autocovariance at
    lag l divided by n. Returns over h sessions that start every session share h - 1 sessions with the next, so their
    information coefficients need lag = h; with lag 0 it is the plain t-statistic with variance divided by n.

    Parameters
    ----------
    values
        Observations in time order.
    lag
        Steps of correlation; cut to n - 1.

    Returns
    -------
    float
        The t-statistic; NaN for fewer than two observations or no variation.

    References
    ----------
    Newey, W. and West, K. (1987), *A Simple, Positive Semi-Definite, Heteroskedasticity and Autocorrelation Consistent
    Covariance Matrix*, Econometrica 55(3).

    """
    n = values.size
    if lag < 0:
        raise ValueError(f"lag must not be negative, got {lag}")
    if n < 2 or not varies(values):  # noqa: PLR2004 - a variance needs two observations
        return math.nan
    from statsmodels.regression.linear_model import OLS  # takes a second to import

    # the mean is a regression on a constant; without the correction for a small sample, by which packages differ
    errors = {"maxlags": min(lag, n - 1), "use_correction": False}
    t = float(OLS(values, np.ones(n)).fit(cov_type="HAC", cov_kwds=errors).tvalues[0])
    return t if math.isfinite(t) else math.nan


def probabilistic_sharpe_ratio(returns: NDArray[np.float64], *, benchmark: float = 0.0) -> float:
    """Compute the probability that the true Sharpe ratio exceeds a benchmark.

    PSR = Phi((SR - SR*) sqrt(n - 1) / sqrt(1 - skew SR + (kurtosis - 1) / 4 SR^2)), with the Sharpe ratio per session
    (mean over sample standard deviation), population skew and kurtosis (normal = 3).

    Parameters
    ----------
    returns
        Returns per session, as fractions.
    benchmark
        Sharpe ratio to exceed, per session.

    Returns
    -------
    float
        Probability in [0, 1]; NaN for fewer than two returns or no variation.

    References
    ----------
    Bailey, D. and Lopez de Prado, M. (2012), *The Sharpe Ratio Efficient Frontier*, Journal of Risk 15(2).

    """
    n = returns.size
    if n < 2 or not varies(returns):  # noqa: PLR2004 - a standard deviation needs two observations
        return math.nan
    ratio = returns.mean() / returns.std(ddof=1)
    shape = 1.0 - standard_moment(returns, 3) * ratio + (standard_moment(returns, 4) - 1.0) / 4.0 * ratio**2
    if shape <= 0:
        return math.nan
    return NormalDist().cdf(float((ratio - benchmark) * math.sqrt(n - 1) / math.sqrt(shape)))


def standard_moment(values: NDArray[np.float64], order: int) -> float:
    """Compute a standardised central moment with population variance: 3 is the skew, 4 the kurtosis (normal = 3)."""
    if not varies(values):
        return math.nan
    deviations = values - values.mean()
    return float((deviations**order).mean() / (deviations**2).mean() ** (order / 2))


def varies(values: NDArray[np.float64]) -> bool:
    """Tell whether the values are not all equal; rounding leaves a constant a tiny standard deviation."""
    return bool(values.size) and bool(np.ptp(values) > 0)


def verdict(returns: pl.Series, ic: pl.Series | None, *, horizon: int, ruined_on: date | None = None) -> Verdict:
    """State in one paragraph whether the results are evidence of an edge.

    It is convincing only if there are results of at least 60 sessions and 10 horizons, the probabilistic Sharpe ratio
    after costs reaches 0.95, the t-statistic of the mean daily return reaches 3, and, where there are predictions, so
    does the Newey-West t-statistic of the mean rank IC. A book that has lost all of its equity is never convincing.

    Parameters
    ----------
    returns
        Returns per session after costs, in time order, as fractions.
    ic
        Rank information coefficients per session in time order, or None for a strategy without predictions.
    horizon
        Sessions a label spans: the lag of the Newey-West estimator for `ic`.
    ruined_on
        First session whose close left no equity.

    References
    ----------
    Harvey, C., Liu, Y. and Zhu, H. (2016), *... and the Cross-Section of Expected Returns*, Review of Financial
    Studies 29(1), for the threshold of 3.

    """
    values = returns.to_numpy()
    least = max(LEAST_SESSIONS, LEAST_HORIZONS * horizon)
    observed = values.size if ic is None else min(values.size, ic.len())
    probability = probabilistic_sharpe_ratio(values)
    t_return = newey_west_t(values, lag=0)
    tests = [
        _finding(f"{observed} sessions have results", passed=observed >= least, wanted=str(least)),
        _finding(
            "the probability that the Sharpe ratio after costs is above zero is "
            f"{_show(probability, CONVINCING_PROBABILITY)}",
            passed=probability >= CONVINCING_PROBABILITY,
            wanted=f"{CONVINCING_PROBABILITY:.2f}",
        ),
        _finding(
            f"the t-statistic of the mean daily return is {_show(t_return, CONVINCING_T)}",
            passed=t_return >= CONVINCING_T,
            wanted=f"{CONVINCING_T:.0f}",
        ),
    ]
    if ic is not None:
        t_ic = newey_west_t(ic.to_numpy(), lag=horizon)
        mean_ic = float(ic.to_numpy().mean()) if ic.len() else math.nan
        tests.append(
            _finding(
                f"the mean rank IC is {_show(mean_ic, 0.0, digits=4)} over {ic.len()} sessions with a "
                f"t-statistic of {_show(t_ic, CONVINCING_T)} (Newey-West, lag {horizon})",
                passed=t_ic >= CONVINCING_T,
                wanted=f"{CONVINCING_T:.0f}",
            )
        )
    if ruined_on is not None:
        lost = f"the equity was lost on {ruined_on}, and sessions that begin without equity have no return"
        tests.insert(0, (False, lost))
    is_convincing = all(passed for passed, _ in tests)
    opening = "Consistent with an edge" if is_convincing else "No evidence of edge"
    closing = (
        "These figures assume that one strategy was tried; every variant tried on the same data lowers them."
        if is_convincing
        else "Below these thresholds a result cannot be distinguished from chance."
    )
    findings = "; ".join(text for _, text in tests)
    return Verdict(is_convincing, f"{opening} in {values.size} sessions: {findings}. {closing}")


def _show(value: float, limit: float, *, digits: int = 2) -> str:
    """A figure with as many decimals as tell it from what it is compared with."""
    return apart(value, limit, digits=digits)[0] if math.isfinite(value) else "undefined"


def _finding(text: str, *, passed: bool, wanted: str) -> tuple[bool, str]:
    return passed, f"{text} ({'reaches' if passed else 'below'} the required {wanted})"
