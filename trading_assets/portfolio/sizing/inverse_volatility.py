"""Weights in proportion to the inverse of volatility."""

from __future__ import annotations

from typing import Annotated, Literal

import polars as pl
from pydantic import Field

from trading_assets.portfolio.sizing import Needs, Sizing, SizingInputs, highest, share_out

# Least standard deviation of a session's return: a price that hardly moves would take the whole budget.
_LEAST_VOLATILITY = 1e-8


class InverseVolatility(Sizing):
    """The highest `top_fraction` of the scored names, each with a weight proportional to 1 / volatility.

    Volatility is the standard deviation of the total returns of the last `lookback` sessions, close to close. A name
    that has fewer than half of these returns, or whose price hardly moved, is left out before the highest are chosen.
    Among names of equal correlations these are the weights of equal risk contributions: S. Maillard, T. Roncalli,
    J. Teiletche (2010), "The properties of equally weighted risk contribution portfolios", Journal of Portfolio
    Management 36(4), 60-70, section 2.
    """

    kind: Literal["inverse_volatility"] = "inverse_volatility"
    lookback: Annotated[int, Field(ge=2, le=1_000)] = 63
    """Sessions whose returns are used, the last being the session of the decision."""

    @property
    def needs(self) -> Needs:
        """Returns of the look-back."""
        return Needs(return_sessions=self.lookback)

    def weights(self, inputs: SizingInputs) -> pl.DataFrame:
        """Weights of rebalance sessions."""
        limits, least = inputs.limits, max(-(-self.lookback // 2), 2)
        measured = inputs.returns.group_by("rebalance", "symbol", maintain_order=True).agg(
            count=pl.len(), volatility=pl.col("return").std()
        )
        named = inputs.scores.join(measured, on=["rebalance", "symbol"], how="left", maintain_order="left")
        too_few = pl.col("count").fill_null(0) < least
        causes = (
            pl.when(too_few)
            .then(pl.format("{} returns, needs {}", pl.col("count").fill_null(0), pl.lit(least)))
            .when(pl.col("volatility") < _LEAST_VOLATILITY)
            .then(pl.lit(f"no volatility in {self.lookback} sessions"))
        )
        judged = named.with_columns(left_out=causes)
        sizable = judged.filter(pl.col("left_out").is_null()).drop("left_out")
        claims = highest(sizable, limits).with_columns(leg=1.0, sign=1.0, claim=1.0 / pl.col("volatility"))
        return pl.concat(
            [
                share_out(claims, limits.gross_leverage, limits.max_weight),
                judged.filter(pl.col("left_out").is_not_null()).select("rebalance", "symbol", "left_out", weight=0.0),
            ],
            how="diagonal",
        )
