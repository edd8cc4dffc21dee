"""Equal weights of the names with the highest scores."""

from __future__ import annotations

from typing import Literal

import polars as pl

from trading_assets.portfolio.sizing import Sizing, SizingInputs, highest, share_out


class EqualWeightLong(Sizing):
    """The highest `top_fraction` of the scored names, all with the same weight."""

    kind: Literal["equal_weight_long"] = "equal_weight_long"

    def weights(self, inputs: SizingInputs) -> pl.DataFrame:
        """Weights of rebalance sessions."""
        limits = inputs.limits
        claims = highest(inputs.scores, limits).with_columns(leg=1.0, sign=1.0, claim=1.0)
        return share_out(claims, limits.gross_leverage, limits.max_weight)
