"""Values of the estimators of volatility."""

from __future__ import annotations

import math

import numpy as np

from trading_assets.features.bar_rows import Array, BarRows


def values(rows: BarRows) -> dict[str, Array]:
    """Compute the set; see `catalogue`."""
    year = math.sqrt(rows.bars_per_year)
    squared_range = np.log(rows.high / rows.low) ** 2
    squared_body = np.log(rows.close / rows.open) ** 2
    parkinson = rows.mean(squared_range, 21) / (4.0 * math.log(2.0))
    garman_klass = rows.mean(0.5 * squared_range - (2.0 * math.log(2.0) - 1.0) * squared_body, 21)
    return {
        **{f"realised_volatility_{n}": rows.deviation(rows.log_return, n) * year for n in (10, 21, 63)},
        "parkinson_volatility_21": np.sqrt(parkinson) * year,
        "garman_klass_volatility_21": np.sqrt(np.maximum(garman_klass, 0.0)) * year,
    }
