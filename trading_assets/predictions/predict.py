"""Score sessions with the models that were known before them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Protocol

import polars as pl

PREDICTIONS_SCHEMA = {
    "model": pl.Utf8(),
    "date": pl.Date(),
    "symbol": pl.Utf8(),
    "prediction": pl.Float64(),
    "trained_through": pl.Date(),
    "model_hash": pl.Utf8(),
}


class Booster(Protocol):
    """What is asked of a fitted model: `lightgbm.Booster` fits."""

    def feature_name(self) -> list[str]:
        """Columns the model reads, in order."""
        ...

    def predict(self, data: Any) -> Any:
        """Score every row of a frame with those columns."""
        ...


def predict(features: pl.DataFrame, models: Sequence[tuple[date, str, Booster]], *, model: str) -> pl.DataFrame:
    """Score each session with the latest model trained strictly before it, in the month before at the earliest.

    Parameters
    ----------
    features
        `symbol, date` and the columns the models read. Rows on which all of them are missing get no prediction.
    models
        Triples (trained_through, model_hash, booster) in any order; one per `trained_through`.
    model
        Name written to the column `model`.

    Returns
    -------
    pl.DataFrame
        `model, date, symbol, prediction, trained_through, model_hash`, by date and symbol. `prediction` is a normal
        score (see `models.walk_forward`), comparable within a session, not a return. Sessions without such a model
        have no rows: an older one would give a session other rows in a range of months than by itself.

    Raises
    ------
    ValueError
        If two models share a `trained_through`, or a column a model reads is missing.

    """
    by_cut = {cut: (model_hash, booster) for cut, model_hash, booster in models}
    if len(by_cut) != len(models):
        raise ValueError(f"model {model!r}: several models have the same trained_through; keep one per month")
    cuts = pl.DataFrame({"trained_through": sorted(by_cut)}, schema={"trained_through": pl.Date})
    in_use = (
        features.select(pl.col("date").unique().sort())
        .join_asof(cuts, left_on="date", right_on="trained_through", allow_exact_matches=False)
        .filter(pl.col("trained_through") >= pl.col("date").dt.month_start().dt.offset_by("-1mo"))
    )
    scored = [
        _score(features.join(sessions, on="date"), booster, model=model, model_hash=model_hash)
        for (cut,), sessions in in_use.partition_by("trained_through", as_dict=True).items()
        for model_hash, booster in (by_cut[cut],)
    ]
    return pl.concat([pl.DataFrame(schema=PREDICTIONS_SCHEMA), *scored]).sort("date", "symbol")


def _score(rows: pl.DataFrame, booster: Booster, *, model: str, model_hash: str) -> pl.DataFrame:
    names = booster.feature_name()
    missing = [name for name in names if name not in rows.columns]
    if missing:
        raise ValueError(
            f"model {model!r} ({model_hash[:12]}) reads {missing}, which the feature frame from "
            f"{rows['date'][0]} does not have; rebuild the features or retrain the model"
        )
    known = rows.filter(pl.any_horizontal(pl.col(name).is_not_nan().fill_null(value=False) for name in names))
    if known.is_empty():
        return pl.DataFrame(schema=PREDICTIONS_SCHEMA)
    prediction = booster.predict(known.select(pl.col(names).cast(pl.Float32)))
    return known.select(
        pl.lit(model).alias("model"),
        "date",
        "symbol",
        pl.Series("prediction", prediction, dtype=pl.Float64),
        "trained_through",
        pl.lit(model_hash).alias("model_hash"),
    )
