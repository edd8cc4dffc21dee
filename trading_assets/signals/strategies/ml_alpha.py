"""The strategy ml_alpha: follow a model."""

import polars as pl

from trading_assets.signals import predictions, ranked, strategy


@strategy(
    inputs={"predicted": predictions("lgbm_daily")},
    source="Gu, Kelly and Xiu (2020), Review of Financial Studies 33(5): ranks mapped to [-1, 1]",
)
def ml_alpha(predicted: pl.DataFrame) -> pl.DataFrame:
    """Rank of the model's prediction among the names of the session, spread evenly over [-1, 1].

    The lowest prediction scores -1, the highest 1, the median 0. A rank does not depend on the scale of predictions,
    which differs between the models of two months.
    """
    return ranked(predicted, by="prediction")
