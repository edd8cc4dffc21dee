"""Score sessions with the models that were known before them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from trading_assets.models.learner import Scores
from trading_assets.predictions.contract import DAILY

KEYS = ("symbol", "date")


class Predictor(Protocol):
    """What is needed of a fitted model; `trading_assets.models.fitted_model.FittedModel` is one."""

    @property
    def features(self) -> tuple[str, ...]:
        """Columns the model reads, in order."""
        ...

    @property
    def lookback(self) -> int:
        """Sessions before its own that a row's score depends on."""
        ...

    def predict(self, rows: pl.DataFrame, *, panel: pl.DataFrame, calendar: Sequence[date]) -> Scores:
        """Score every row of a frame with those columns."""
        ...


@dataclass(frozen=True, slots=True)
class VersionInUse:
    """A version of a model that scores the sessions of a month.

    Attributes
    ----------
    since
        Last session of the month before: it scores the sessions after it.
    trained_through
        Knowledge cut of the version; earlier than `since` where the gate kept the month's own version out of use.
    model_hash
        Hash of the version.
    model
        The version itself.

    """

    since: date
    trained_through: date
    model_hash: str
    model: Predictor


def predict(
    features: pl.DataFrame,
    versions: Sequence[VersionInUse],
    *,
    model: str,
    start: date | None = None,
    calendar: Sequence[date] | None = None,
) -> pl.DataFrame:
    """Score each session with the version in use since a month's end strictly before it: that of the month before.

    Parameters
    ----------
    features
        `symbol, date` and the columns the models read. Rows on which all of them are missing get no prediction.
    versions
        Versions in any order; one per `since`.
    model
        Name written to the column `model`.
    start
        First session to score; rows before it are what models look back to. All sessions by default.
    calendar
        Sessions from the first that a model looks back to, ascending; those of `features` by default.

    Returns
    -------
    pl.DataFrame
        Rows of predictions.daily, by date and symbol. `prediction` is a normal score (see `models.walk_forward`),
        comparable within a session, not a return. Sessions without such a version have no rows: an older one would make
        the rows of a session depend on the range of months requested.

    Raises
    ------
    ValueError
        If two versions share a `since`, or a column a model reads is missing.

    """
    by_month = {version.since: version for version in versions}
    if len(by_month) != len(versions):
        raise ValueError(f"model {model!r}: several versions are in use since the same session; keep one per month")
    calendar = features["date"].unique().sort().to_list() if calendar is None else calendar
    ends = pl.DataFrame({"since": sorted(by_month)}, schema={"since": pl.Date})
    in_use = (
        features.select(pl.col("date").unique().sort())
        .filter(pl.col("date") >= (start or date.min))
        .join_asof(ends, left_on="date", right_on="since", allow_exact_matches=False)
        .filter(pl.col("since") >= pl.col("date").dt.month_start().dt.offset_by("-1mo"))
    )
    scored = [
        _score(features, sessions["date"], by_month[since], model=model, calendar=calendar)
        for (since,), sessions in in_use.partition_by("since", as_dict=True).items()
    ]
    return pl.concat([DAILY.empty(), *scored]).sort("date", "symbol")


def _score(
    features: pl.DataFrame, sessions: pl.Series, version: VersionInUse, *, model: str, calendar: Sequence[date]
) -> pl.DataFrame:
    names = version.model.features
    missing = [name for name in names if name not in features.columns]
    if missing:
        raise ValueError(
            f"model {model!r} ({version.model_hash[:12]}) reads {missing}, which the feature frame from "
            f"{sessions[0]} does not have; rebuild the features or retrain the model"
        )
    has_any = pl.any_horizontal(pl.col(name).is_not_nan().fill_null(value=False) for name in names)
    known = (
        features.filter(pl.col("date").is_in(sessions.to_list()), has_any).select(*KEYS, *names).sort("date", "symbol")
    )
    if known.is_empty():
        return DAILY.empty()
    prediction = version.model.predict(known, panel=features, calendar=calendar)
    return known.select(
        pl.lit(model).alias("model"),
        "date",
        "symbol",
        pl.Series("prediction", prediction, dtype=pl.Float64),
        pl.lit(version.trained_through).alias("trained_through"),
        pl.lit(version.model_hash).alias("model_hash"),
    )
