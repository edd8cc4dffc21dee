"""What is computed again to prove that nothing looks ahead."""

from datetime import date

import polars as pl

from trading_assets.lake import Scope
from trading_assets.orchestration.checks import Recomputation

ROWS = pl.DataFrame({"symbol": ["A", "A"], "date": [date(2024, 1, 2), date(2024, 1, 3)], "close": [1.0, 2.0]})


def test_both_laws_share_what_the_code_gives_now():
    inputs, computed = {"bars": ROWS}, []

    def compute(frames):
        computed.append(frames is inputs)
        return frames["bars"].select("symbol", "date", value=pl.col("close"))

    again = Recomputation(compute, inputs, ROWS.rename({"close": "value"}), {"bars": "date"}, {"bars": "date"})
    assert again.look_ahead(Scope()).is_empty()
    assert again.warm_up().is_empty()
    assert computed.count(True) == 2  # once for both, and once by the law of the warm-up itself
