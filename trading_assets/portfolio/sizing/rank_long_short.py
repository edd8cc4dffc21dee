"""Long the names with the highest scores, short those with the lowest, by the distance of their ranks."""

from __future__ import annotations

from typing import Literal

import polars as pl

from trading_assets.portfolio.sizing import Sizing, SizingInputs, SizingLimits, names_to_hold, share_out
from trading_assets.portfolio.sizing._allocation import placed

_LARGEST_LEG = 0.5


class RankLongShort(Sizing):
    """The highest `top_fraction` long and the lowest short, at most half of the names each.

    Weights are proportional to the distance of the rank from the middle, with half of `gross_leverage` on each side:
    dollar neutral.
    """

    kind: Literal["rank_long_short"] = "rank_long_short"

    def check_limits(self, limits: SizingLimits) -> None:
        """Refuse a top fraction above one half."""
        if limits.top_fraction > _LARGEST_LEG:
            raise ValueError(
                f"top_fraction is {limits.top_fraction:g}; allowed: at most {_LARGEST_LEG} for rank_long_short, which "
                "holds a name long or short, not both"
            )

    def weights(self, inputs: SizingInputs) -> pl.DataFrame:
        """Weights of rebalance sessions."""
        limits = inputs.limits
        names = pl.len().over("rebalance").cast(pl.Int64)
        chosen = pl.min_horizontal(names_to_hold(limits), names // 2)
        from_middle = (names - 1) / 2 - pl.col("place")
        claims = (
            placed(inputs.scores, pl.col("score"))
            .with_columns(leg=from_middle.sign(), sign=from_middle.sign(), claim=from_middle.abs(), chosen=chosen)
            .filter((pl.col("place") < pl.col("chosen")) | (pl.col("place") >= names - pl.col("chosen")))
        )
        return share_out(claims, limits.gross_leverage / 2, limits.max_weight)
