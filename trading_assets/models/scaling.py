"""Scale features for a model: fitted on its fit part alone, kept with its version, applied wherever it predicts.

Trees do not need it; learners that measure distances do. The numbers are those of scikit-learn's scalers, taken one
column at a time: a matrix of 240,000 rows of 320 features in double precision would take 0.6 GB.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.models.model_spec import Scaling

WINSORISED_SHARE = 0.01
"""Share of the values at either end that winsorising pulls in."""


@dataclass(frozen=True, slots=True)
class Scaler:
    """``(x - centre) / scale`` of each feature, after values beyond its limits were pulled in.

    Attributes
    ----------
    kind
        "standard": mean and standard deviation. "robust": median and interquartile range. "winsorised": limits at the
        1st and 99th percentile, then mean and standard deviation of what they leave.
    features
        Names of the columns.
    lower, upper
        Limits of each feature; None where there are none.
    centre, scale
        Subtracted from each feature, and what the difference is divided by; 0 and 1 where the fit part has no value or
        no spread.

    """

    kind: Scaling
    features: tuple[str, ...]
    lower: tuple[float, ...] | None
    upper: tuple[float, ...] | None
    centre: tuple[float, ...]
    scale: tuple[float, ...]

    def apply(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Scale the features of rows to Float32, missing ones stay missing; other columns are left alone."""
        return rows.with_columns(self._scaled(place) for place in range(len(self.features)))

    def _scaled(self, place: int) -> pl.Expr:
        value = pl.col(self.features[place]).cast(pl.Float64).fill_nan(None)
        if self.lower is not None and self.upper is not None:
            value = value.clip(self.lower[place], self.upper[place])
        return ((value - self.centre[place]) / self.scale[place]).cast(pl.Float32)

    def to_json(self) -> str:
        """Write the scaler so that `from_json` reads the same bits."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Scaler:
        """Read a scaler."""
        found = json.loads(text)
        numbers = {name: found[name] and tuple(found[name]) for name in ("lower", "upper", "centre", "scale")}
        return cls(kind=found["kind"], features=tuple(found["features"]), **numbers)


def fit_scaler(scaling: Scaling, rows: pl.DataFrame, features: Sequence[str]) -> Scaler | None:
    """Fit a scaler to the rows a model learns from; None where none is wanted.

    Parameters
    ----------
    scaling
        What to do.
    rows
        The fit part, and nothing of the validation tail; its order decides the last bits.
    features
        Columns to scale.

    References
    ----------
    Hastie, T., Tibshirani, R. and Friedman, J. (2009), *The Elements of Statistical Learning*, ch. 14.3.

    """
    if scaling == "none":
        return None
    fitted = [_fitted(scaling, _known(rows[name])) for name in features]
    lower, upper, centre, scale = (tuple(column) for column in zip(*fitted, strict=True))
    has_limits = scaling == "winsorised"
    return Scaler(scaling, tuple(features), lower if has_limits else None, upper if has_limits else None, centre, scale)


def _known(column: pl.Series) -> NDArray[np.float64]:
    values: NDArray[np.float64] = column.cast(pl.Float64).drop_nulls().drop_nans().to_numpy()
    return values


def _fitted(scaling: Scaling, values: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Limits, centre and scale of one feature."""
    if not values.size:
        return 0.0, 0.0, 0.0, 1.0
    if scaling == "robust":
        first, median, third = np.percentile(values, [25.0, 50.0, 75.0]).tolist()
        return 0.0, 0.0, median, (third - first) or 1.0
    lower, upper = -np.inf, np.inf
    if scaling == "winsorised":
        ends = [100.0 * WINSORISED_SHARE, 100.0 * (1.0 - WINSORISED_SHARE)]
        lower, upper = np.percentile(values, ends).tolist()
        values = np.clip(values, lower, upper)
    # A constant column sums to a mean that is off by a rounding error, and would be scaled up to ones.
    deviation = 0.0 if values.min() == values.max() else float(values.std())
    return lower, upper, float(values.mean()), deviation or 1.0
