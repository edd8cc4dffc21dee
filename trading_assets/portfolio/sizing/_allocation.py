"""What sizings have in common: the names with the highest scores, and a budget shared among names under a cap."""

from __future__ import annotations

import polars as pl

from trading_assets.portfolio.sizing._sizing import SizingLimits


def names_to_hold(limits: SizingLimits) -> pl.Expr:
    """Number of names in the top fraction of a session, rounded up; 1e-9 absorbs the error of the product."""
    return (pl.len().over("rebalance") * limits.top_fraction - 1e-9).ceil().cast(pl.Int64).clip(lower_bound=1)


def placed(scores: pl.DataFrame, by: pl.Expr) -> pl.DataFrame:
    """Number the names of each session as `place`, 0 for the largest `by`, ties in the order of symbols."""
    ordered = scores.with_columns(by=by).sort("rebalance", "by", "symbol", descending=[False, True, False])
    return ordered.with_columns(place=pl.int_range(pl.len()).over("rebalance"))


def highest(scores: pl.DataFrame, limits: SizingLimits, by: pl.Expr | None = None) -> pl.DataFrame:
    """The top fraction of the names of each session.

    Parameters
    ----------
    scores : polars.DataFrame
        `rebalance, symbol, score` and further columns.
    limits : SizingLimits
        The top fraction; rounded up, at least one name.
    by : polars.Expr, optional
        What they are ordered by; the score by default. Ties are broken by symbol.
    """
    ordered = placed(scores, pl.col("score") if by is None else by)
    return ordered.filter(pl.col("place") < names_to_hold(limits))


def share_out(claims: pl.DataFrame, budget: float, cap: float) -> pl.DataFrame:
    """Share the budget of each leg in proportion to `claim`, no share above `cap`, the excess to the others.

    With the claims in descending order, giving the first i the cap leaves (budget - i cap) for the rest, a rate of
    that over the sum of their claims. The rates at which the next share is within the cap are largest for the fewest
    capped names, which is the solution (water filling). Running sums and maxima follow the order of the rows, so a
    session has the same bits alone as among others.

    Parameters
    ----------
    claims : polars.DataFrame
        `rebalance, symbol, leg, sign, claim`: leg numbers the names that share a budget, sign is 1 for a long and -1
        for a short position, claim is above 0.
    budget : float
        Sum of the absolute weights of a leg, as far as the cap allows.
    cap : float
        Largest absolute weight.

    Returns
    -------
    polars.DataFrame
        `rebalance, symbol, weight`.
    """
    leg = ["rebalance", "leg"]
    place = pl.int_range(pl.len()).over(leg)
    rate = (budget - place * cap) / pl.col("claim").cum_sum(reverse=True).over(leg)
    fitting = pl.when(pl.col("rate") * pl.col("claim") <= cap).then("rate").max().over(leg)
    share = pl.min_horizontal(fitting * pl.col("claim"), pl.lit(cap))
    return (
        claims.sort("rebalance", "leg", "claim", "symbol", descending=[False, False, True, False])
        .with_columns(rate=rate)
        .select("rebalance", "symbol", weight=pl.col("sign") * share.fill_null(cap))
    )
