"""Train one LightGBM model of one month, the same bytes on every machine and thread count.

Here: what a model is (`ModelSpec`), the fit, its validation figures and its hash.
Not here: the choice of rows (`walk_forward`), storing versions (`registry`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import polars as pl

from trading_assets.models._information_coefficient import session_correlations
from trading_assets.models.walk_forward import KEYS, InsufficientHistoryError, PurgedRows, purged_training_rows

_SHALLOW_TREES: Mapping[str, float | str] = MappingProxyType(
    {
        "objective": "regression",
        "learning_rate": 0.05,
        "num_leaves": 31,
        # Small enough that three names over one year still split; the L2 penalty holds small leaves back.
        "min_data_in_leaf": 30,
        "lambda_l2": 10.0,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        # 63 bins instead of 255 cost no measurable IC on daily returns and halve the histogram work.
        "max_bin": 63,
    }
)
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
class ModelSpec:
    """Everything that decides a model, apart from the data.

    Attributes
    ----------
    name
        Name of the model: partition key, registry name and column `model`.
    features
        Columns to learn from. Empty: every numeric column of the feature frame, in alphabetical order.
    params
        LightGBM parameters; those that make the fit reproducible are added and win.
    rounds
        Number of boosting rounds (trees).
    min_sessions, max_sessions
        Least and greatest length of the rolling training window, in sessions.
    embargo_sessions
        Sessions between the last label end that may be learned from and the knowledge cut, and again between the fit
        part and the validation tail.
    validation_sessions
        Decision sessions held out at the end of the window to measure the information coefficient.
    min_rows
        Least number of rows of the fit part.
    seed
        Seed of feature and row sampling.

    """

    name: str = "lgbm_daily"
    features: tuple[str, ...] = ()
    params: Mapping[str, float | str] = field(default_factory=lambda: _SHALLOW_TREES)
    rounds: int = 120
    min_sessions: int = 252
    max_sessions: int = 504
    embargo_sessions: int = 5
    validation_sessions: int = 21
    min_rows: int = 500
    seed: int = 7

    def settings(self) -> dict[str, str]:
        """Write the specification as flat name-to-text pairs, for the experiment tracker and reports."""
        own = {
            "rounds": self.rounds,
            "min_sessions": self.min_sessions,
            "max_sessions": self.max_sessions,
            "embargo_sessions": self.embargo_sessions,
            "validation_sessions": self.validation_sessions,
            "min_rows": self.min_rows,
            "seed": self.seed,
        }
        return {key: str(value) for key, value in sorted({**self.params, **own}.items())}


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
        SHA-256 of `booster_text`, hexadecimal.
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

    def booster(self) -> Any:
        """Build the `lightgbm.Booster` of this model."""
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
    if rows.fit.height < spec.min_rows:
        raise InsufficientHistoryError(
            spec.name, knowledge_cut, found=rows.fit.height, needed=spec.min_rows, unit="rows"
        )
    booster = _fit(spec, rows.fit.select(names), rows.fit["target"], num_threads=num_threads)
    text = canonical_text(booster)
    scored = rows.validation.with_columns(
        pl.Series("prediction", booster.predict(rows.validation.select(names), num_threads=num_threads))
    )
    ics = session_correlations(scored, prediction="prediction", outcome="forward_return")
    return TrainedModel(
        model=spec.name,
        trained_through=knowledge_cut,
        booster_text=text,
        model_hash=text_hash(text),
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
        feature_importance=_importance(booster, names),
    )


def training_rows(spec: ModelSpec, features: pl.DataFrame, labels: pl.DataFrame, knowledge_cut: date) -> PurgedRows:
    """Choose the rows that a model of this specification learns from and is validated on, see `walk_forward`."""
    return purged_training_rows(
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


def text_hash(canonical: str) -> str:
    """Hash a canonical booster text with SHA-256, hexadecimal."""
    return hashlib.sha256(canonical.encode()).hexdigest()


def _fit(spec: ModelSpec, features: pl.DataFrame, target: pl.Series, *, num_threads: int) -> Any:
    import lightgbm  # see TrainedModel.booster

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
