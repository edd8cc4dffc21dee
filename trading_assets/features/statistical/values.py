"""Values of the statistics of returns."""

from __future__ import annotations

import math

import numpy as np

from trading_assets.features.bar_rows import Array, BarRows, ratio
from trading_assets.features.statistical import _co_moments, _order
from trading_assets.features.statistical.catalogue import LAGS, PERIODS, SCALES, TAIL

_CALM, _WILD = 1.0 / 3.0, 2.0 / 3.0


def values(rows: BarRows) -> dict[str, Array]:
    """Compute the set; see `catalogue`."""
    return {
        **_moments(rows),
        **_tails(rows),
        **_memories(rows),
        **_entropies(rows),
        **_markets(rows),
        **_regimes(rows),
    }


def _moments(rows: BarRows) -> dict[str, Array]:
    returns, found = rows.log_return, {}
    for n in (63, 126):
        found[f"return_skew_{n}"] = rows.skewness(returns, n)
        found[f"return_kurtosis_{n}"] = rows.kurtosis(returns, n)
    for n in (21, 63):
        found[f"return_z_{n}"] = _z_score(rows, returns, n)
    return found | {"price_z_63": _z_score(rows, rows.log_close, 63)}


def _z_score(rows: BarRows, values: Array, window: int) -> Array:
    return ratio(values - rows.mean(values, window), rows.deviation(values, window))


def _tails(rows: BarRows) -> dict[str, Array]:
    returns, offsets = rows.log_return, rows.offsets
    mean, deviation = rows.mean(returns, 126), rows.deviation(returns, 126)
    threshold, worst = _order.lowest(returns, offsets, 126, TAIL)
    gain, loss = -_order.lowest(-returns, offsets, 126, TAIL)[1], -worst
    return {
        "outlier_share_126": _order.count_beyond(returns, mean, 2.0 * deviation, offsets, 126) / 126,
        "value_at_risk_126": -threshold,
        "expected_shortfall_126": loss,
        "tail_asymmetry_126": ratio(gain - loss, np.abs(gain) + np.abs(loss)),
    }


def _memories(rows: BarRows) -> dict[str, Array]:
    returns, size, found = rows.log_return, np.abs(rows.log_return), {}
    for lag in LAGS:
        for name, series in (("return", returns), ("absolute", size)):
            before = rows.before(series, lag)
            found[f"{name}_autocorrelation_63_lag_{lag}"] = rows.correlation(series, before, 63)
    for periods in PERIODS:
        found[f"variance_ratio_{periods}_126"] = _variance_ratio(rows, periods, 126)
    scatter = rows.deviation(returns, 63, ddof=0) * math.sqrt(63)
    sums = _co_moments.range_of_sums(returns, rows.mean(returns, 63), rows.offsets, 63)
    return found | {"hurst_exponent_126": _hurst(rows, 126), "rescaled_range_63": ratio(sums, scatter)}


def _variance_ratio(rows: BarRows, periods: int, window: int) -> Array:
    """Unbiased overlapping estimator: equations 12 and 13 of the paper."""
    count = window - periods + 1
    long = rows.log_close - rows.before(rows.log_close, periods)
    drift = periods * rows.mean(rows.log_return, window)
    squares = (count - 1) * rows.deviation(long, count) ** 2 + count * (rows.mean(long, count) - drift) ** 2
    variance = rows.deviation(rows.log_return, window) ** 2
    return ratio(squares / (periods * count * (1.0 - periods / window)), variance, 1.0)


def _hurst(rows: BarRows, window: int) -> Array:
    """Slope by least squares over the scales."""
    away = np.log(SCALES) - np.mean(np.log(SCALES))
    slope, still = np.zeros(rows.close.size), np.zeros(rows.close.size, dtype=np.bool_)
    for scale, weight in zip(SCALES, away / np.sum(away**2), strict=True):
        square = rows.mean((rows.log_close - rows.before(rows.log_close, scale)) ** 2, window)
        slope += 0.5 * weight * np.log(square)
        still |= square == 0.0
    unknown = np.isnan(square)
    return np.where(unknown, np.nan, np.where(still, 0.5, np.clip(slope, 0.0, 1.0)))


def _entropies(rows: BarRows) -> dict[str, Array]:
    close, returns = rows.close, rows.log_return
    before, earlier = rows.before(close, 1), rows.before(close, 2)
    rose = np.where(np.isnan(returns), np.nan, returns > 0.0)
    signs = rose + 2.0 * rows.before(rose, 1) + 4.0 * rows.before(rose, 2)
    # how many of the two earlier closes are above, and whether those two are in falling order: six kinds
    orders = 2.0 * ((close < before).astype(float) + (close < earlier)) + (before < earlier)
    orders[np.isnan(earlier)] = np.nan
    return {
        "sign_entropy_63": _order.entropy(signs, rows.offsets, 63, 8) / math.log(8.0),
        "permutation_entropy_63": _order.entropy(orders, rows.offsets, 63, 6) / math.log(6.0),
    }


def _markets(rows: BarRows) -> dict[str, Array]:
    change, market, year = np.expm1(rows.log_return), rows.column("market_return"), rows.bars_per_year
    variance = {n: rows.deviation(market, n) ** 2 for n in (63, 126)}
    beta = {n: ratio(rows.covariance(change, market, n), variance[n]) for n in (63, 126)}
    correlation = rows.correlation(change, market, 63)
    unexplained = rows.deviation(change, 63) * np.sqrt((1.0 - correlation**2) * (62 / 61) * year)
    # the previous market return, where the name itself has a return: windows are filled by the name's own bars
    delayed = rows.before(np.where(np.isnan(change), np.nan, market), 1)
    relative = rows.log_return - np.log1p(market)
    return {
        **{f"beta_{n}": found for n, found in beta.items()},
        "alpha_63": (rows.mean(change, 63) - beta[63] * rows.mean(market, 63)) * year,
        **_asymmetries(rows, change, market),
        "market_correlation_63": correlation,
        "market_r_squared_63": correlation**2,
        "market_delay_correlation_63": rows.correlation(change, delayed, 63),
        "idiosyncratic_volatility_63": unexplained,
        **{f"relative_strength_{n}": rows.mean(relative, n) * n for n in (21, 63)},
    }


def _asymmetries(rows: BarRows, change: Array, market: Array) -> dict[str, Array]:
    """How a name moves when the market falls and when it is volatile, 126 bars."""
    given = (change, market, rows.mean(change, 126), rows.mean(market, 126), rows.offsets, 126)
    spread = rows.deviation(change, 126, ddof=0) * rows.deviation(market, 126, ddof=0) ** 2
    return {
        "downside_beta_126": _co_moments.beta_below(*given),
        "co_skewness_126": ratio(_co_moments.co_skew_sum(*given) / 126, spread),
    }


def _regimes(rows: BarRows) -> dict[str, Array]:
    percentile = _order.percent_rank(rows.deviation(rows.log_return, 21), rows.offsets, 252)
    state = (percentile > _CALM).astype(float) + (percentile >= _WILD)
    return {
        "volatility_percentile_252": percentile,
        "volatility_state_252": np.where(np.isnan(percentile), np.nan, state),
    }
