"""Fit the model of one month, the same bytes on any number of threads.

Here: rows, tuning, fit and held-out scores of a month, in that order.
Not here: what a model is (`model_spec`), the choice of rows (`walk_forward`), the fit itself (`learners`), storing
versions (`registry`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast

import polars as pl

from trading_assets.models._information_coefficient import session_correlations
from trading_assets.models.fitted_model import FittedModel
from trading_assets.models.labelled_rows import InsufficientHistoryError
from trading_assets.models.learner import LearningRows
from trading_assets.models.lookback import KEYS, with_history
from trading_assets.models.model_spec import ModelError, ModelSpec
from trading_assets.models.scaling import fit_scaler
from trading_assets.models.walk_forward import TrainingRows, training_rows_of, with_target


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A fitted model and what is known about it.

    Attributes
    ----------
    spec
        Its specification, with the features and parameters it was fitted with.
    trained_through
        Knowledge cut: the last session whose close was known.
    fitted
        What predicts.
    model_hash
        `fitted.model_hash()`.
    n_rows, n_features
        Size of the fit part.
    train_start, train_end
        First and last decision session of the fit part.
    last_label_exit
        Latest end of a label of the fit part: the last day that was learned from.
    scored
        The held-out part: `symbol, date, forward_return, prediction`.
    validation_ic, validation_rank_ic
        Mean over the held-out sessions of the Pearson and Spearman correlation between the prediction and the forward
        return; NaN if none of them has a correlation.
    feature_importance
        As `Fitted.importance` gives it.

    """

    spec: ModelSpec
    trained_through: date
    fitted: FittedModel
    model_hash: str
    n_rows: int
    n_features: int
    train_start: date
    train_end: date
    last_label_exit: date
    scored: pl.DataFrame
    validation_ic: float
    validation_rank_ic: float
    feature_importance: pl.DataFrame

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.spec.name

    @property
    def scaling(self) -> str:
        """What is done to features before they are read."""
        return self.fitted.scaler.kind if self.fitted.scaler else "none"


def train(
    spec: ModelSpec, features: pl.DataFrame, labels: pl.DataFrame, *, knowledge_cut: date, threads: int = 1
) -> TrainedModel:
    """Fit a model with what was known at the close of `knowledge_cut`.

    Rows and their split come from `walk_forward.training_rows_of`. The fit is a pure function of the rows: the same for
    any row order, any number of threads, and whatever the frames hold after the cut.

    Parameters
    ----------
    spec
        The model.
    features
        `symbol, date` and numeric columns, one row per symbol and session.
    labels
        `symbol, date, exit_date, forward_return`.
    knowledge_cut
        Last session of the training month.
    threads
        Threads of the learner; 0 takes all cores. One is the default: on busy cores LightGBM's threads wait for each
        other (3.5 s became 12 to 76 s for 232,000 x 40 on two cores), and months can be trained side by side.

    Raises
    ------
    InsufficientHistoryError
        If the window has too few sessions, or the fit part fewer than `spec.min_rows` rows.
    ModelError
        If a feature of the specification is not a column of `features`, or its learner cannot be made.

    """
    names = feature_columns(spec, features)
    rows = training_rows(spec, features, labels, knowledge_cut)
    if spec.tuner:
        spec = replace(spec, params=_tuned(spec, features, names, rows, threads=threads))
    fitted = fit_model(spec, features, names, rows.fit, threads=threads)
    scored = _scored(fitted, features, rows.validation, threads=threads)
    ics = session_correlations(scored, prediction="prediction", outcome="forward_return")
    return TrainedModel(
        spec=spec,
        trained_through=knowledge_cut,
        fitted=fitted,
        model_hash=fitted.model_hash(),
        n_rows=rows.fit.height,
        n_features=len(names),
        train_start=cast("date", rows.fit["date"].min()),
        train_end=cast("date", rows.fit["date"].max()),
        last_label_exit=cast("date", rows.fit["exit_date"].max()),
        scored=scored,
        validation_ic=_mean(ics["ic"]),
        validation_rank_ic=_mean(ics["rank_ic"]),
        feature_importance=fitted.fitted.importance(),
    )


def training_rows(spec: ModelSpec, features: pl.DataFrame, labels: pl.DataFrame, knowledge_cut: date) -> TrainingRows:
    """Choose the rows that a model of this specification learns from and is validated on, see `walk_forward`.

    Raises
    ------
    InsufficientHistoryError
        If the window has too few sessions, or the fit part fewer than `spec.min_rows` rows.
    """
    rows = training_rows_of(
        features,
        labels,
        knowledge_cut=knowledge_cut,
        embargo_sessions=spec.embargo_sessions,
        min_sessions=spec.min_sessions,
        max_sessions=spec.max_sessions,
        splitter=spec.splitter,
        feature_names=feature_columns(spec, features),
        model=spec.name,
    )
    if rows.fit.height < spec.min_rows:
        raise InsufficientHistoryError(
            spec.name, knowledge_cut, found=rows.fit.height, needed=spec.min_rows, unit="rows"
        )
    return rows


def feature_columns(spec: ModelSpec, features: pl.DataFrame) -> tuple[str, ...]:
    """Name the columns a model learns from: those of its specification, else every numeric one, alphabetically."""
    if not spec.features:
        numeric = (name for name, dtype in features.schema.items() if dtype.is_numeric() and name not in KEYS)
        return tuple(sorted(numeric))
    missing = [name for name in spec.features if name not in features.columns]
    if missing:
        raise ModelError(
            f"model {spec.name!r}: features {missing} are not in the feature frame; it has {sorted(features.columns)}"
        )
    return spec.features


def fit_model(
    spec: ModelSpec, panel: pl.DataFrame, names: tuple[str, ...], rows: pl.DataFrame, *, threads: int
) -> FittedModel:
    """Fit a specification's learner to rows, scaled as it requires.

    Parameters
    ----------
    spec
        The model.
    panel
        `symbol, date` and features, with the sessions before the rows; read by a learner that looks back.
    names
        Features to learn from.
    rows
        `symbol, date, <names>, target`, sorted by date and symbol.
    threads
        Threads of the learner.
    """
    learner = spec.make_learner()
    scaler = fit_scaler(spec.scaling_for(learner), rows, names)
    frame = rows.select(*KEYS, *names, "target")
    if learner.lookback:
        calendar = panel["date"].unique().sort().to_list()
        frame = with_history(frame, panel, features=names, lookback=learner.lookback, calendar=calendar)
    frame = (scaler.apply(frame) if scaler else frame).with_columns(pl.col(names).cast(pl.Float32))
    return FittedModel(learner.fit(LearningRows(frame, names), seed=spec.seed, threads=threads), scaler)


def _tuned(
    spec: ModelSpec, panel: pl.DataFrame, names: tuple[str, ...], rows: TrainingRows, *, threads: int
) -> Mapping[str, Any]:
    """Parameters that the specification's tuner chooses by looking at the fit part alone."""
    assert spec.tuner is not None
    splits = [(with_target(one.fit), one.test) for one in spec.tuner.splitter.split(rows.within)]

    def score(params: Mapping[str, Any]) -> float:
        tried = replace(spec, params=params)
        scored = (
            _scored(fit_model(tried, panel, names, fit, threads=threads), panel, test, threads=threads)
            for fit, test in splits
        )
        ics = [session_correlations(one, prediction="prediction", outcome="forward_return") for one in scored]
        return _mean(pl.concat(ics)["rank_ic"])

    return dict(spec.tuner.tune(spec, score))


def _scored(fitted: FittedModel, panel: pl.DataFrame, rows: pl.DataFrame, *, threads: int) -> pl.DataFrame:
    """Rows with the prediction of a model."""
    prediction = fitted.predict(rows, panel=panel, threads=threads)
    return rows.select(*KEYS, "forward_return", prediction=pl.Series(prediction, dtype=pl.Float64))


def _mean(values: pl.Series) -> float:
    mean = values.mean()
    return float(mean) if isinstance(mean, (int, float)) else float("nan")
