"""Train one LightGBM model of one month, the same bytes on every machine and thread count.

Here: the fit, its validation figures and its hash.
Not here: what a model is (`model_spec`), the choice of rows (`walk_forward`), storing versions (`registry`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import polars as pl

from trading_assets.models._information_coefficient import session_correlations
from trading_assets.models.model_spec import ModelSpec
from trading_assets.models.scaling import ScaledBooster, Scaler, fit_scaler
from trading_assets.models.walk_forward import KEYS, InsufficientHistoryError, PurgedRows, purged_training_rows

# `deterministic` and `force_row_wise` alone still let the last digits of leaf values depend on the number of threads:
# histograms are sums of floats, added in another order (seen on 232,000 real rows, 1 against 2 threads). Gradients
# rounded to 64 levels are summed as integers, which is exact in any order, and takes 30 % less time at the same IC
# (Shi et al. 2022, Quantized Training of Gradient Boosting Decision Trees, NeurIPS 35).
_REPRODUCIBLE: Mapping[str, float | str] = MappingProxyType(
    {
        "deterministic": True,
        "force_row_wise": True,
        "use_quantized_grad": True,
        "num_grad_quant_bins": 64,
        "stochastic_rounding": False,
        "verbosity": -1,
    }
)
_VARYING_LINES = ("[num_threads:",)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A fitted model and what is known about it.

    Attributes
    ----------
    model
        Name of its specification.
    trained_through
        Knowledge cut: the last session whose close was known.
    booster_text
        The trees in LightGBM's text format, without the lines that depend on the machine.
    model_hash
        SHA-256 of `booster_text` and, where there is one, of the scaler; hexadecimal.
    feature_names
        Columns the trees read, in their order.
    n_rows, n_features
        Size of the fit part.
    train_start, train_end
        First and last decision session of the fit part.
    last_label_exit
        Latest end of a label of the fit part: the last day the trees learned from.
    validation_start, validation_end
        First and last decision session of the validation tail.
    validation_ic, validation_rank_ic
        Mean over the tail's sessions of the Pearson and Spearman correlation between the prediction and the forward
        return; NaN if no session of the tail has a correlation.
    feature_importance
        `feature Utf8, gain Float64` (total loss reduction), `split Int64` (uses), by gain descending, then name.
    scaler
        What is done to features before the trees read them; None where nothing is.

    """

    model: str
    trained_through: date
    booster_text: str
    model_hash: str
    feature_names: tuple[str, ...]
    n_rows: int
    n_features: int
    train_start: date
    train_end: date
    last_label_exit: date
    validation_start: date
    validation_end: date
    validation_ic: float
    validation_rank_ic: float
    feature_importance: pl.DataFrame
    scaler: Scaler | None = None

    def booster(self) -> Any:
        """Build the `lightgbm.Booster` of this model, or what scales its features and asks it."""
        return with_scaler(self.trees(), self.scaler)

    def trees(self) -> Any:
        """Build the `lightgbm.Booster` of this model; it reads scaled features."""
        import lightgbm  # loading LightGBM takes seconds; definitions must not pay for it

        return lightgbm.Booster(model_str=self.booster_text)


def train(
    spec: ModelSpec, features: pl.DataFrame, labels: pl.DataFrame, *, knowledge_cut: date, num_threads: int = 1
) -> TrainedModel:
    """Fit a model with what was known at the close of `knowledge_cut`.

    Rows and their split come from `walk_forward.purged_training_rows`. The fit is a pure function of the rows: the same
    for any row order, any number of threads, and whatever the frames hold after the cut.

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
    num_threads
        Threads of LightGBM; 0 takes all cores. One is the default: on busy cores LightGBM's threads wait for each other
        (3.5 s became 12 to 76 s for 232,000 x 40 on two cores), and months can be trained side by side.

    Raises
    ------
    InsufficientHistoryError
        If the window has too few sessions, or the fit part fewer than `spec.min_rows` rows.
    ValueError
        If a feature of the specification is not a column of `features`.

    References
    ----------
    Ke, G. et al. (2017), *LightGBM: A Highly Efficient Gradient Boosting Decision Tree*, NIPS 30.

    """
    names = feature_columns(spec, features)
    rows = training_rows(spec, features, labels, knowledge_cut)
    scaler = fit_scaler(spec.scaling, rows.fit, names)
    fit = rows.fit.select(names)
    trees = fit_trees(spec, scaler.apply(fit) if scaler else fit, rows.fit["target"], num_threads=num_threads)
    text = canonical_text(trees)
    prediction = with_scaler(trees, scaler).predict(rows.validation.select(names), num_threads=num_threads)
    scored = rows.validation.with_columns(pl.Series("prediction", prediction))
    ics = session_correlations(scored, prediction="prediction", outcome="forward_return")
    return TrainedModel(
        model=spec.name,
        trained_through=knowledge_cut,
        booster_text=text,
        model_hash=model_hash(text, scaler),
        feature_names=names,
        n_rows=rows.fit.height,
        n_features=len(names),
        train_start=cast("date", rows.fit["date"].min()),
        train_end=cast("date", rows.fit["date"].max()),
        last_label_exit=cast("date", rows.fit["exit_date"].max()),
        validation_start=cast("date", rows.validation["date"].min()),
        validation_end=cast("date", rows.validation["date"].max()),
        validation_ic=_mean(ics["ic"]),
        validation_rank_ic=_mean(ics["rank_ic"]),
        feature_importance=_importance(trees, names),
        scaler=scaler,
    )


def training_rows(spec: ModelSpec, features: pl.DataFrame, labels: pl.DataFrame, knowledge_cut: date) -> PurgedRows:
    """Choose the rows that a model of this specification learns from and is validated on, see `walk_forward`.

    Raises
    ------
    InsufficientHistoryError
        If the window has too few sessions, or the fit part fewer than `spec.min_rows` rows.
    """
    rows = purged_training_rows(
        features,
        labels,
        knowledge_cut=knowledge_cut,
        embargo_sessions=spec.embargo_sessions,
        min_sessions=spec.min_sessions,
        max_sessions=spec.max_sessions,
        validation_sessions=spec.validation_sessions,
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
        raise ValueError(
            f"model {spec.name!r}: features {missing} are not in the feature frame; it has {sorted(features.columns)}"
        )
    return spec.features


def canonical_text(booster: Any) -> str:
    """Return the text of a booster without the lines that depend on the machine that trained it."""
    lines = booster.model_to_string().split("\n")
    return "\n".join(line for line in lines if not line.startswith(_VARYING_LINES))


def model_hash(canonical: str, scaler: Scaler | None = None) -> str:
    """Hash a canonical booster text, and the scaler where there is one, with SHA-256, hexadecimal."""
    return hashlib.sha256((canonical + (scaler.to_json() if scaler else "")).encode()).hexdigest()


def with_scaler(trees: Any, scaler: Scaler | None) -> Any:
    """Let a booster be asked with unscaled features."""
    return trees if scaler is None else ScaledBooster(trees, scaler)


def fit_trees(spec: ModelSpec, features: pl.DataFrame, target: pl.Series, *, num_threads: int) -> Any:
    """Fit the trees of a specification to features and target, in the order of the rows."""
    import lightgbm  # see TrainedModel.trees

    params = {**spec.params, **_REPRODUCIBLE, "seed": spec.seed, "num_threads": num_threads}
    # Polars frames reach LightGBM through the Arrow stream interface, without a copy in Python.
    data = lightgbm.Dataset(features, label=target, params=params)
    return lightgbm.train(params, data, num_boost_round=spec.rounds)


def _importance(booster: Any, names: tuple[str, ...]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "feature": list(names),
            "gain": np.asarray(booster.feature_importance("gain"), dtype=np.float64),
            "split": np.asarray(booster.feature_importance("split"), dtype=np.int64),
        }
    ).sort(["gain", "feature"], descending=[True, False])


def _mean(values: pl.Series) -> float:
    mean = values.mean()
    return float(mean) if isinstance(mean, (int, float)) else float("nan")
