"""What a strategy may read: a model's predictions, adjusted daily bars, features."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from trading_assets.features.feature_set import PRICES
from trading_assets.features.matrix.matrix import Matrix
from trading_assets.lake import Lake, LakeFrame
from trading_assets.lake.contracts import Contract
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS
from trading_assets.point_in_time.price_steps import adjusted_from_first_row, price_steps
from trading_assets.predictions.contract import DAILY
from trading_assets.signals.errors import StrategyError
from trading_assets.suggest import did_you_mean

KEY = ("symbol", "date")
IS_MEMBER = "is_member"
BAR_COLUMNS = (*PRICES, "volume")


class StrategyInput(Protocol):
    """Rows of the lake that a strategy reads, one per name and session."""

    def tables(self, matrix: Matrix) -> tuple[Contract, ...]:
        """Tables that the rows come from."""
        ...

    def read(self, lake: Lake, matrix: Matrix, start: date, end: date) -> pl.DataFrame:
        """Rows of a span of days as they are stored: symbol, date and further columns, sorted by these two."""
        ...

    def frame(self, rows: pl.DataFrame) -> pl.DataFrame:
        """What the strategy sees of consecutive rows of each name, with ``is_member``; a row needs no later one."""
        ...

    def __str__(self) -> str:
        """Describe it, for pages and messages."""
        ...


@dataclass(frozen=True, slots=True)
class ModelPredictions:
    """Predictions of a model, column ``prediction``.

    Attributes
    ----------
    model : str
        Name of the model.
    """

    model: str

    def tables(self, matrix: Matrix) -> tuple[Contract, ...]:
        """See `StrategyInput`."""
        del matrix
        return (DAILY,)

    def read(self, lake: Lake, matrix: Matrix, start: date, end: date) -> pl.DataFrame:
        """See `StrategyInput`."""
        del matrix
        rows = LakeFrame(lake, DAILY).read([*KEY, "prediction"], start=start, end=end, model=self.model)
        return rows.sort(KEY)

    def frame(self, rows: pl.DataFrame) -> pl.DataFrame:
        """See `StrategyInput`."""
        return rows

    def __str__(self) -> str:
        return f"predictions of the model {self.model}"


@dataclass(frozen=True, slots=True)
class AdjustedBars:
    """Daily bars, adjusted for splits and dividends.

    All prices of a name are on the scale of the first row passed: only their ratios are meaningful.

    Attributes
    ----------
    columns : tuple of str
        Some of open, high, low, close, volume (Float64).
    """

    columns: tuple[str, ...]

    def tables(self, matrix: Matrix) -> tuple[Contract, ...]:
        """See `StrategyInput`."""
        del matrix
        return (BARS_DAILY, CORPORATE_ACTIONS)

    def read(self, lake: Lake, matrix: Matrix, start: date, end: date) -> pl.DataFrame:
        """Bars with the steps of `price_steps`; see `StrategyInput`."""
        del matrix
        wanted = dict.fromkeys([*KEY, *self.columns, "close"])  # a dividend is measured by the close before it
        bars = LakeFrame(lake, BARS_DAILY).read(list(wanted), start=start, end=end)
        return price_steps(bars, LakeFrame(lake, CORPORATE_ACTIONS).read(start=start, end=end))

    def frame(self, rows: pl.DataFrame) -> pl.DataFrame:
        """See `StrategyInput`."""
        return adjusted_from_first_row(rows).select(*KEY, *self.columns, IS_MEMBER)

    def __str__(self) -> str:
        return f"daily bars, adjusted for splits and dividends: {', '.join(self.columns)}"


@dataclass(frozen=True, slots=True)
class FeatureColumns:
    """Columns of the feature matrix.

    Attributes
    ----------
    names : tuple of str
        Features, or whole tables of them such as "technical".
    """

    names: tuple[str, ...]

    def tables(self, matrix: Matrix) -> tuple[Contract, ...]:
        """See `StrategyInput`."""
        return matrix.tables_with(self.names)

    def read(self, lake: Lake, matrix: Matrix, start: date, end: date) -> pl.DataFrame:
        """See `StrategyInput`."""
        return matrix.read(lake, self.names, start, end)

    def frame(self, rows: pl.DataFrame) -> pl.DataFrame:
        """See `StrategyInput`."""
        return rows

    def __str__(self) -> str:
        return f"features {', '.join(self.names)}"


def predictions(model: str) -> ModelPredictions:
    """Read the predictions of a model: symbol, date, prediction."""
    return ModelPredictions(model)


def bars(*columns: str) -> AdjustedBars:
    """Read daily bars, adjusted for splits and dividends: symbol, date and the columns that are named, or all.

    Raises
    ------
    StrategyError
        Bars have no such column.
    """
    for name in columns:
        if name not in BAR_COLUMNS:
            said = f"daily bars have no column {name!r}{did_you_mean(name, BAR_COLUMNS)}"
            raise StrategyError(f"{said}; there are {', '.join(BAR_COLUMNS)}")
    return AdjustedBars(columns or BAR_COLUMNS)


def features(*names: str) -> FeatureColumns:
    """Read features by name, as Float32, null where unknown; a name of a table stands for all of its features.

    Raises
    ------
    StrategyError
        No feature is named.
    """
    if not names:
        raise StrategyError("features() needs the names of features, for instance features('rsi_14')")
    return FeatureColumns(names)
