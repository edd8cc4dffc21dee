"""Turn a model's predictions into one score per symbol and session."""

from __future__ import annotations

import polars as pl


def ml_alpha(predictions: pl.DataFrame, *, strategy: str = "ml_alpha") -> pl.DataFrame:
    """Rank the predictions of a session and spread the ranks evenly over [-1, 1].

    With average rank r of n names the score is 2 (r - 1) / (n - 1) - 1: the lowest prediction scores -1, the highest 1,
    the median 0, the sum of a session is 0. Ties share their mean rank. A session with a single name has nothing to
    compare and scores 0. A rank is unmoved by the scale of predictions, which differs between monthly models.

    Parameters
    ----------
    predictions
        `model, date, symbol, prediction` of one model; missing and non-finite predictions are left out.
    strategy
        Name written to the column `strategy`.

    Returns
    -------
    pl.DataFrame
        `strategy Utf8, date Date, symbol Utf8, score Float64`, by date and symbol.

    Raises
    ------
    ValueError
        If `predictions` mixes several models: their ranks are not comparable.

    """
    models = predictions["model"].unique().sort().to_list()
    if len(models) > 1:
        raise ValueError(f"strategy {strategy!r} needs the predictions of one model, got {models}; filter by model")
    rank = pl.col("prediction").rank().over("date")
    names = pl.len().over("date")
    score = pl.when(names > 1).then(2.0 * (rank - 1.0) / (names - 1.0) - 1.0).otherwise(0.0)
    return (
        predictions.filter(pl.col("prediction").is_finite())
        .select(pl.lit(strategy).alias("strategy"), "date", "symbol", score.alias("score"))
        .sort("date", "symbol")
    )
