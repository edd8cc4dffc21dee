"""Values of price action."""

from __future__ import annotations

import numpy as np

from trading_assets.features.bar_rows import Array, BarRows


def values(rows: BarRows) -> dict[str, Array]:
    """Compute the set; see `catalogue`."""
    close = rows.log_close
    found = {f"log_return_{n}": close - rows.before(close, n) for n in (1, 5, 10, 21, 63, 126, 252)}
    return found | {
        "distance_to_high_252": rows.close / rows.highest(rows.high, 252) - 1.0,
        "distance_to_low_252": rows.close / rows.lowest(rows.low, 252) - 1.0,
        "overnight_gap": np.log(rows.open) - rows.before(close, 1),
    }
