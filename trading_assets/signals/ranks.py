"""Ranks as scores: what most strategies that compare names with each other end with."""

import polars as pl

from trading_assets.signals.inputs import IS_MEMBER


def ranked(rows: pl.DataFrame, by: str) -> pl.DataFrame:
    """Rank the members of each session by a column and spread the ranks evenly over [-1, 1].

    With average rank r of n names the score is 2 (r - 1) / (n - 1) - 1: the lowest value scores -1, the highest 1, the
    median 0, the sum of a session is 0. Ties share their mean rank. A session with a single name has nothing to compare
    and scores 0.

    Parameters
    ----------
    rows
        symbol, date, ``is_member`` and the column. Names that are not members, and missing and non-finite values, are
        left out of the ranking.
    by
        Column to rank by; higher is better.

    Returns
    -------
    polars.DataFrame
        `date, symbol, score`.
    """
    rank, names = pl.col(by).rank().over("date"), pl.len().over("date")
    score = pl.when(names > 1).then(2.0 * (rank - 1.0) / (names - 1.0) - 1.0).otherwise(0.0)
    return rows.filter(pl.col(IS_MEMBER) & pl.col(by).is_finite()).select("date", "symbol", score=score)
