"""What the desk needs of a family of models: a learner with its parameters, and the model it fits to rows.

Here: the two contracts and the rows they read. Not here: the families (`learners`), what is done to rows before
(`walk_forward`, `scaling`), versions (`registry`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from trading_assets.errors import TradingAssetsError

Scores = NDArray[np.float64]

IMPORTANCE_SCHEMA = {"feature": pl.String(), "gain": pl.Float64(), "split": pl.Int64()}


class LearnerError(TradingAssetsError, ValueError):
    """A learner that does not exist, lacks its library, or was given parameters or files it cannot use."""


@dataclass(frozen=True, slots=True)
class Extra:
    """Optional install that a learner needs.

    Attributes
    ----------
    name
        Extra of this package, as in `pip install 'trading_assets[boost]'`.
    modules
        Modules that it brings and the learner imports.

    """

    name: str
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LearningRows:
    """Rows that a learner is fitted to.

    Attributes
    ----------
    frame
        `symbol, date, <features Float32>, target Float32`, sorted by date and symbol. For a learner that looks back
        there are more rows, without a target, and the column `session`; see `trading_assets.models.lookback`.
    features
        Columns to learn from, in order.

    """

    frame: pl.DataFrame
    features: tuple[str, ...]

    @property
    def values(self) -> pl.DataFrame:
        """The features alone."""
        return self.frame.select(self.features)

    @property
    def target(self) -> pl.Series:
        """What is to be predicted."""
        return self.frame["target"]


class Fitted(ABC):
    """What a learner made of rows."""

    @property
    @abstractmethod
    def features(self) -> tuple[str, ...]:
        """Columns that are read, in order."""

    @property
    def lookback(self) -> int:
        """Sessions before its own that a row's score depends on."""
        return 0

    @abstractmethod
    def predict(self, rows: pl.DataFrame, *, threads: int = 0) -> Scores:
        """Score every row.

        Parameters
        ----------
        rows
            As `LearningRows.frame` without the target. The score of a row depends on the rows of its session alone, and
            on those of the `lookback` sessions before, so that a range of sessions gives the scores of each by itself.
        threads
            Threads to use; 0 leaves it to the library. The scores are the same bits for any number.
        """

    @abstractmethod
    def importance(self) -> pl.DataFrame:
        """Weight of each feature.

        Returns
        -------
        pl.DataFrame
            `feature, gain, split` (`IMPORTANCE_SCHEMA`), by gain descending, then by name. `gain` is not negative and
            comparable within the model: total reduction of the loss for trees, size of the coefficient for linear
            models. `split` counts uses in trees and is null elsewhere. No rows where the learner reports none.
        """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the files of the model to a folder that is empty or does not exist."""

    @abstractmethod
    def identity(self) -> bytes:
        """Bytes that are hashed to identify the model.

        The same rows, parameters and seed give the same bytes in any process and for any number of threads, and a model
        that was saved and loaded has those of before.
        """


class Learner(BaseModel, ABC):
    """A family of models: the fields are its parameters, checked when it is made.

    A family is one module of `trading_assets.models.learners` with one subclass; the module's name is the learner's. It
    imports its library where it uses it, because definitions must load in seconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    needs_scaling: ClassVar[bool] = False
    """Whether features are standardised unless a specification says otherwise."""
    extra: ClassVar[Extra | None] = None
    """Optional install that it needs; None where the package's own dependencies are enough."""

    @property
    def lookback(self) -> int:
        """Sessions before its own that a row's score depends on; a sequence model returns the length of its window."""
        return 0

    @abstractmethod
    def fit(self, rows: LearningRows, *, seed: int, threads: int) -> Fitted:
        """Fit to rows; the result is the same bits for any number of threads."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Fitted:
        """Read what `Fitted.save` wrote.

        Nothing in the files may be run or imported before the caller has compared `Fitted.identity` with what was
        registered.

        Raises
        ------
        LearnerError
            The files are not those of such a model.
        OSError
            A file is missing.
        """

    def for_ranking(self) -> Self:
        """A cheaper variant of itself that ranks features as well; the selection of features fits it many times."""
        return self

    def parameters(self) -> dict[str, Any]:
        """Parameters by name, without those that are left to the library."""
        return self.model_dump(exclude_none=True)
