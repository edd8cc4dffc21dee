"""Values of the estimators of volatility."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from trading_assets.features.bar_rows import Array, BarRows, ratio
from trading_assets.features.volatility import _paths
from trading_assets.features.volatility.catalogue import (
    DECAY,
    DECAY_WINDOW,
    MONTHS,
    OF_VOLATILITY,
    RANGE,
    RATIOS,
    REALISED,
    YANG_ZHANG,
)

_MEDIAN_SCALE = math.pi / (6.0 - 4.0 * math.sqrt(3.0) + math.pi)


def values(rows: BarRows) -> dict[str, Array]:
    """Compute the set; see `catalogue`."""
    year = math.sqrt(rows.bars_per_year)
    realised = {n: rows.deviation(rows.log_return, n) * year for n in REALISED}
    ranges = _ranges(rows, year)
    return {
        **{f"realised_volatility_{n}": found for n, found in realised.items()},
        **ranges,
        **_sides(rows, year),
        **_ratios(rows, realised),
        **{
            f"{name}_share_21": _share(ranges[f"{name}_volatility_21"] ** 2, realised[21] ** 2, 0.5)
            for name in ("parkinson", "yang_zhang")
        },
        **_jumps(rows, year),
        **_falls(rows),
    }


def _ranges(rows: BarRows, year: float) -> dict[str, Array]:
    """Estimators from open, high, low and close, and the exponentially weighted one."""
    opened, close = np.log(rows.open), rows.log_close
    up, down, body = np.log(rows.high) - opened, np.log(rows.low) - opened, close - opened
    gap = opened - rows.before(close, 1)
    parkinson = (up - down) ** 2 / (4.0 * math.log(2.0))
    garman_klass = 0.5 * (up - down) ** 2 - (2.0 * math.log(2.0) - 1.0) * body**2
    rogers_satchell = up * (up - body) + down * (down - body)
    variances = {
        **{f"parkinson_volatility_{n}": rows.mean(parkinson, n) for n in RANGE},
        **{f"garman_klass_volatility_{n}": np.maximum(rows.mean(garman_klass, n), 0.0) for n in RANGE},
        **{f"rogers_satchell_volatility_{n}": rows.mean(rogers_satchell, n) for n in RANGE},
    }
    for n in YANG_ZHANG:
        k = 0.34 / (1.34 + (n + 1) / (n - 1))
        inside = k * rows.deviation(body, n) ** 2 + (1.0 - k) * rows.mean(rogers_satchell, n)
        variances[f"yang_zhang_volatility_{n}"] = rows.deviation(gap, n) ** 2 + inside
    weights = DECAY ** np.arange(float(DECAY_WINDOW))
    variances["ewma_volatility"] = _paths.weighted_mean(rows.log_return**2, rows.offsets, weights)
    shares = {f"gap_variance_share_{n}": _share(rows.mean(gap**2, n), rows.mean(body**2, n)) for n in MONTHS}
    return {name: np.sqrt(variance) * year for name, variance in variances.items()} | shares


def _sides(rows: BarRows, year: float) -> dict[str, Array]:
    down, up = np.minimum(rows.log_return, 0.0) ** 2, np.maximum(rows.log_return, 0.0) ** 2
    found = {}
    for n in MONTHS:
        found[f"downside_deviation_{n}"] = np.sqrt(rows.mean(down, n)) * year
        found[f"upside_deviation_{n}"] = np.sqrt(rows.mean(up, n)) * year
    below, above = found["downside_deviation_63"] ** 2, found["upside_deviation_63"] ** 2
    return found | {"semivariance_balance_63": ratio(above - below, above + below)}


def _ratios(rows: BarRows, realised: Mapping[int, Array]) -> dict[str, Array]:
    found = {f"volatility_ratio_{short}_{long}": ratio(realised[short], realised[long], 1.0) for short, long in RATIOS}
    for short, long in OF_VOLATILITY:
        spread, level = rows.deviation(realised[short], long), rows.mean(realised[short], long)
        found[f"volatility_of_volatility_{short}_{long}"] = ratio(spread, level)
    now, before = realised[21], rows.before(realised[21], 21)
    return found | {"volatility_change_21": ratio(now - before, now + before)}


def _jumps(rows: BarRows, year: float) -> dict[str, Array]:
    """Variation of the continuous part of the price, and the share of jumps."""
    size = np.abs(rows.log_return)
    before, earlier = rows.before(size, 1), rows.before(size, 2)
    product, found = size * before, {}
    for n in MONTHS:
        bipower = 0.5 * math.pi * rows.mean(product, n - 1)
        realised = rows.mean(size**2, n)
        found[f"bipower_volatility_{n}"] = np.sqrt(bipower) * year
        found[f"jump_share_{n}"] = np.clip(1.0 - ratio(bipower, realised, 1.0), 0.0, 1.0)
    median = np.maximum(np.minimum(size, before), np.minimum(np.maximum(size, before), earlier))
    return found | {"median_volatility_21": np.sqrt(_MEDIAN_SCALE * rows.mean(median**2, 19)) * year}


def _falls(rows: BarRows) -> dict[str, Array]:
    found = {}
    for n in MONTHS:
        deepest, square = _paths.falls(rows.close, rows.offsets, n)
        found[f"maximum_drawdown_{n}"] = deepest
        found[f"ulcer_index_{n}"] = np.sqrt(square)
    return found


def _share(part: Array, rest: Array, neutral: float = 0.0) -> Array:
    return ratio(part, part + rest, neutral)
