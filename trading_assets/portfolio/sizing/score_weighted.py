"""Weights in proportion to the score, with its sign."""

from __future__ import annotations

from typing import Literal

import polars as pl

from trading_assets.portfolio.sizing import Sizing, SizingInputs, highest, share_out


class ScoreWeighted(Sizing):
    """The `top_fraction` with the largest absolute score, weights proportional to it; a negative score is a short."""

    kind: Literal["score_weighted"] = "score_weighted"

    def weights(self, inputs: SizingInputs) -> pl.DataFrame:
        """Weights of rebalance sessions."""
        limits, size = inputs.limits, pl.col("score").abs()
        claims = (
            highest(inputs.scores, limits, by=size)
            .filter(size > 0)
            .with_columns(leg=1.0, sign=pl.col("score").sign(), claim=size / size.max().over("rebalance"))
        )
        return share_out(claims, limits.gross_leverage, limits.max_weight)
