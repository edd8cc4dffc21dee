"""A learner of any estimator with scikit-learn's interface: a regressor, a pipeline, a stack.

Fitted estimators are stored by skops, as arrays and JSON instead of a pickle, so that a file can be compared with what
was registered before anything in it is instantiated.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.library_internals.skops import archived_content
from trading_assets.models.learner import IMPORTANCE_SCHEMA, Fitted, Learner, LearnerError, LearningRows, Scores
from trading_assets.models.learners._threads import one_thread

_ESTIMATOR, _FEATURES = "model.skops", "features.json"


class SklearnLearner(Learner):
    """Base of families whose models are estimators; a subclass says how its estimator is made.

    Missing values reach the estimator as NaN: one that cannot read them belongs in a pipeline with an imputer.
    """

    @abstractmethod
    def estimator(self, seed: int) -> Any:
        """Make the estimator, unfitted; what draws random numbers in it is given the seed."""

    def fit(self, rows: LearningRows, *, seed: int, threads: int) -> FittedEstimator:
        """Fit in double precision; `threads` are for estimators that have `n_jobs`."""
        estimator = self.estimator(seed)
        has_jobs = "n_jobs" in estimator.get_params(deep=False)
        if has_jobs:
            estimator.set_params(n_jobs=threads)
        with one_thread():
            estimator.fit(_matrix(rows.frame, rows.features), rows.target.to_numpy().astype(np.float64))
        if has_jobs:
            estimator.set_params(n_jobs=None)
        return FittedEstimator(_dump(estimator), rows.features)

    @classmethod
    def load(cls, folder: Path) -> FittedEstimator:
        """Read an archive; its content is instantiated at the first prediction."""
        try:
            features = tuple(json.loads((folder / _FEATURES).read_text(encoding="utf-8")))
            return FittedEstimator((folder / _ESTIMATOR).read_bytes(), features)
        except ValueError as error:
            raise LearnerError(f"{folder / _FEATURES} is not a list of features: {error}") from error


class FittedEstimator(Fitted):
    """A fitted estimator.

    Parameters
    ----------
    archive
        The estimator as skops stores it.
    features
        Columns it reads, in order.

    """

    def __init__(self, archive: bytes, features: tuple[str, ...]) -> None:
        self.archive = archive
        self._features = features

    @property
    def features(self) -> tuple[str, ...]:
        """Columns it reads, in order."""
        return self._features

    @cached_property
    def estimator(self) -> Any:
        """The estimator.

        The caller that loads a model compares its identity first, so the types in its archive are those registered.
        """
        from skops import io  # imports scikit-learn, which takes seconds; definitions must not pay for it

        return io.loads(self.archive, trusted=io.get_untrusted_types(data=self.archive))

    def predict(self, rows: pl.DataFrame, *, threads: int = 0) -> Scores:
        """Score the rows of one session at a time.

        The last bits of a matrix product depend on how many rows it has, so each session is a product by itself.
        """
        del threads
        estimator = self.estimator
        with one_thread():
            found = [
                pl.DataFrame({"place": one["place"], "score": estimator.predict(_matrix(one, self.features))})
                for one in rows.with_row_index("place").partition_by("date")
            ]
        scores = pl.concat(found).sort("place")["score"] if found else pl.Series(dtype=pl.Float64)
        return scores.cast(pl.Float64).to_numpy()

    def importance(self) -> pl.DataFrame:
        """Coefficients or importances of the estimator or of a pipeline's last step; no rows where it has none."""
        last = self.estimator[-1] if hasattr(self.estimator, "steps") else self.estimator
        found = getattr(last, "feature_importances_", getattr(last, "coef_", None))
        weights = np.abs(np.ravel(found)) if found is not None else np.empty(0)
        if len(weights) != len(self.features):
            return pl.DataFrame(schema=IMPORTANCE_SCHEMA)
        return pl.DataFrame({"feature": self.features, "gain": weights, "split": None}, schema=IMPORTANCE_SCHEMA).sort(
            ["gain", "feature"], descending=[True, False]
        )

    def save(self, folder: Path) -> None:
        """Write an MLflow model with the scikit-learn flavour, and the names of the columns."""
        import mlflow.sklearn
        import skops
        from skops import io

        mlflow.sklearn.save_model(
            self.estimator,
            str(folder),
            serialization_format="skops",
            skops_trusted_types=io.get_untrusted_types(data=self.archive),
            pip_requirements=[f"scikit-learn=={_sklearn_version()}", f"skops=={skops.__version__}"],
        )
        (folder / _ESTIMATOR).write_bytes(self.archive)
        (folder / _FEATURES).write_text(json.dumps(self.features), encoding="utf-8")

    def identity(self) -> bytes:
        """Features and content of the archive, without names of objects and the version that wrote it."""
        try:
            content = archived_content(self.archive)
        except ValueError as error:
            raise LearnerError(f"{_ESTIMATOR} holds no estimator: {error}") from error
        return json.dumps(self.features).encode() + content


def _matrix(rows: pl.DataFrame, features: tuple[str, ...]) -> NDArray[np.float64]:
    return rows.select(features).to_numpy().astype(np.float64)


def _dump(estimator: Any) -> bytes:
    from skops import io
    from skops.io.exceptions import UnsupportedTypeException

    try:
        archive: bytes = io.dumps(estimator)
    except (UnsupportedTypeException, TypeError) as error:
        raise LearnerError(
            f"{type(estimator).__name__} cannot be stored by skops: {error}; give its family a Fitted with its own save"
        ) from error
    return archive


def _sklearn_version() -> str:
    import sklearn

    version: str = sklearn.__version__
    return version
