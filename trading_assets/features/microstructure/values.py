"""Values of the microstructure of bars within sessions."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, ndtri

from trading_assets.features.bar_rows import SPAN, Array, BarRows, ratio
from trading_assets.features.microstructure import _volume
from trading_assets.features.microstructure.catalogue import LONGEST_SESSION, LONGEST_WAIT, WINDOWS


def values(rows: BarRows) -> dict[str, Array]:
    """Compute the set; see `catalogue`."""
    typical = (rows.high + rows.low + rows.close) / 3.0
    deviation = rows.deviation(rows.log_return, 120)
    return {
        **_sessions(rows, typical),
        **_prices(rows, typical),
        **_spreads(rows, deviation),
        **_impacts(rows),
        **_flows(rows, deviation),
        **_tradings(rows),
    }


def _first_of_session(rows: BarRows) -> NDArray[np.int64]:
    """First row of each row's session within its span."""
    span, day = rows.frame[SPAN].to_numpy(), rows.frame["date"].to_numpy()
    starts = np.ones(day.size, dtype=np.bool_)
    starts[1:] = (span[1:] != span[:-1]) | (day[1:] != day[:-1])
    return np.maximum.accumulate(np.where(starts, np.arange(day.size), 0))


def _sessions(rows: BarRows, typical: Array) -> dict[str, Array]:
    first, last = _first_of_session(rows), np.arange(rows.close.size)
    prices = (typical, rows.volume, rows.low, rows.high)
    vwap, volume, low, high = _volume.session_so_far(*prices, first, LONGEST_SESSION)
    opened = rows.open[np.maximum(first, last - (LONGEST_SESSION - 1))]
    return {
        "vwap_distance": np.where(volume == 0.0, 0.0, rows.close / vwap - 1.0),
        "session_return": rows.log_close - np.log(opened),
        "session_range_position": ratio(rows.close - low, high - low, 0.5),
        "session_volume_share": ratio(rows.volume, volume),
    }


def _prices(rows: BarRows, typical: Array) -> dict[str, Array]:
    found = {}
    for n in WINDOWS:
        vwap = _volume.weighted_mean(typical, rows.volume, rows.offsets, n)
        traded = rows.highest(rows.volume, n) > 0.0
        found[f"vwap_distance_{n}"] = np.where(traded | np.isnan(vwap), rows.close / vwap - 1.0, 0.0)
    bars = (typical, rows.low, rows.high, rows.close, rows.volume)
    below, around, whole = _volume.profile(*bars, rows.offsets, 120)
    return found | {"volume_below_120": ratio(below, whole, 0.5), "volume_at_price_120": ratio(around, whole)}


def _spreads(rows: BarRows, deviation: Array) -> dict[str, Array]:
    returns = rows.log_return
    before, found = rows.before(returns, 1), {}
    for n in WINDOWS:
        found[f"roll_spread_{n}"] = 2.0 * np.sqrt(np.maximum(-rows.covariance(returns, before, n), 0.0))
    high, low, close = np.log(rows.high), np.log(rows.low), rows.log_close
    middle, earlier = 0.5 * (high + low), rows.before(close, 1)
    zeros = _zeros(rows, 120)
    product = (earlier - rows.before(middle, 1)) * (earlier - middle)
    return found | {
        "corwin_schultz_spread_30": rows.mean(_corwin_schultz(rows, high, low, earlier), 30),
        "abdi_ranaldo_spread_30": 2.0 * np.sqrt(np.maximum(rows.mean(product, 30), 0.0)),
        # all returns are 0 where the quantile is infinite
        "fht_spread_120": np.where(deviation == 0.0, 0.0, 2.0 * deviation * ndtri(0.5 + 0.5 * zeros)),
    }


def _corwin_schultz(rows: BarRows, high: Array, low: Array, close_before: Array) -> Array:
    """Spread of each bar and the one before, equations 14 and 18 of the paper, without the gap between them."""
    gap = np.maximum(low - close_before, 0.0) + np.minimum(high - close_before, 0.0)
    high_before, low_before = rows.before(high, 1), rows.before(low, 1)
    beta = (high - low) ** 2 + (high_before - low_before) ** 2
    both = np.maximum(high - gap, high_before) - np.minimum(low - gap, low_before)
    weight = 3.0 - 2.0 * math.sqrt(2.0)
    alpha = (math.sqrt(2.0) - 1.0) * np.sqrt(beta) / weight - both / math.sqrt(weight)
    spread: Array = 2.0 * np.tanh(0.5 * np.maximum(alpha, 0.0))
    return spread


def _zeros(rows: BarRows, window: int) -> Array:
    returns = rows.log_return
    return rows.mean(np.where(np.isnan(returns), np.nan, returns == 0.0), window)


def _impacts(rows: BarRows) -> dict[str, Array]:
    returns, dollars = rows.log_return, rows.close * rows.volume
    # a bar without volume has no price impact to measure and counts as zero
    impact = np.where((rows.volume > 0.0) | np.isnan(returns), np.abs(returns) / dollars, 0.0)
    jump = (rows.log_close - rows.before(rows.log_close, 5)) ** 2
    amihud = ratio(rows.mean(impact, 30), rows.mean(impact, 390), 1.0)
    return {
        "amihud_ratio_30_390": np.clip(amihud, 0.0, 13.0),
        "kyle_lambda_120": _slope(rows, rows.volume),
        "hasbrouck_lambda_120": _slope(rows, np.sqrt(dollars)),
        "variance_signature_5_120": ratio(rows.mean(jump, 116) / 5.0, rows.mean(returns**2, 120), 1.0),
    }


def _slope(rows: BarRows, size: Array) -> Array:
    """Slope of log return on a size with the sign of the return, times the mean size."""
    signed = np.sign(rows.log_return) * size
    slope = ratio(rows.covariance(rows.log_return, signed, 120), rows.deviation(signed, 120) ** 2)
    return slope * rows.mean(size, 120)


def _flows(rows: BarRows, deviation: Array) -> dict[str, Array]:
    returns, volume, found = rows.log_return, rows.volume, {}
    mean = {n: rows.mean(volume, n) for n in WINDOWS}
    signed = np.sign(returns) * volume
    for n in WINDOWS:
        found[f"tick_imbalance_{n}"] = np.clip(ratio(rows.mean(signed, n), mean[n]), -1.0, 1.0)
    # buys minus sells are 2 F(z) - 1 of the volume
    excess = erf(ratio(returns, deviation) / math.sqrt(2.0)) * volume
    toxicity = ratio(rows.mean(np.abs(excess), 120), mean[120])
    return found | {
        "bulk_imbalance_30": np.clip(ratio(rows.mean(excess, 30), mean[30]), -1.0, 1.0),
        "vpin_120": np.clip(toxicity, 0.0, 1.0),
    }


def _tradings(rows: BarRows) -> dict[str, Array]:
    volume, mean = rows.volume, rows.mean(rows.volume, 30)
    traded = volume > 0.0
    return {
        "volume_intensity_30_390": np.clip(ratio(mean, rows.mean(volume, 390), 1.0), 0.0, 13.0),
        "traded_share_30": rows.mean(traded.astype(np.float64), 30),
        "bars_since_trade": _volume.rows_since(traded, rows.offsets, LONGEST_WAIT),
        "volume_concentration_30": np.clip(ratio(rows.mean(volume**2, 30), 30.0 * mean**2), 0.0, 1.0),
        **{f"zero_return_share_{n}": _zeros(rows, n) for n in WINDOWS},
    }
