"""What a feature is, and what a set of features is: contract, asset, checks and documentation derive from these two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from trading_assets.features.bar_rows import BarRows

    Values = Mapping[str, NDArray[np.float64]]

Interval = Literal["daily", "hourly", "minute"]
INTERVALS: tuple[Interval, ...] = ("daily", "hourly", "minute")
INTRADAY: frozenset[Interval] = frozenset(("hourly", "minute"))

PRICES = ("open", "high", "low", "close")
"""Prices of a bar."""

RECURSIVE = 400
"""Look-back of exponential averages, after which the seed of the longest one weighs less than 1e-9."""

PERIODS_BEFORE: Mapping[Interval, int] = MappingProxyType({"daily": 2, "hourly": 4, "minute": 1})
"""Earlier years of daily bars, or months of intraday bars, that a partition reads for its look-back.

A month has at least 19 sessions: 7,000 minutes, or 120 hours.
"""

# Rows that a block reads before its period: only a few lengths, so that sets with similar look-backs share rows.
_HISTORIES = (0, 64, 256, RECURSIVE)
MAX_LOOKBACK = RECURSIVE


def bar_columns(interval: Interval) -> list[str]:
    """Columns of bars that features are computed from, without those of its provenance."""
    return ["symbol", "date", *([] if interval == "daily" else ["ts"]), *PRICES, "volume"]


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature column.

    Attributes
    ----------
    name
        Column name; a number in it is a window in bars.
    formula
        What it is, as a formula or in words, with the value of degenerate windows where it is not obvious.
    unit
        "log return", "ratio", "percent", "fraction", "per year", "standard deviations", ...; free of price scale.
    lookback
        Rows before its own that a value depends on.
    source
        Where the formula comes from: a paper, or a library's function such as "TA-Lib RSI"; empty for what needs none.
    group
        Family within the set, for its page.
    intervals
        Bars that it exists for.
    """

    name: str
    formula: str
    unit: str
    lookback: int
    source: str = ""
    group: str = ""
    intervals: frozenset[Interval] = frozenset(INTERVALS)

    def __post_init__(self) -> None:
        if not 0 <= self.lookback <= MAX_LOOKBACK:
            msg = f"feature {self.name!r}: lookback must lie between 0 and {MAX_LOOKBACK} bars, got {self.lookback}"
            raise ValueError(msg)


def table_of(features: Iterable[Feature]) -> Mapping[str, Feature]:
    """Features by name, in order.

    Raises
    ------
    ValueError
        Two features have the same name.
    """
    found: dict[str, Feature] = {}
    for feature in features:
        if feature.name in found:
            raise ValueError(f"there are two features named {feature.name!r}; names are columns of one matrix")
        found[feature.name] = feature
    return MappingProxyType(found)


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """Features that are computed together from bars and stored in one table.

    Attributes
    ----------
    name
        Name of the set: its daily table is ``features.<name>``, of other bars ``features.<name>_minute`` and so on.
    doc
        What the set holds, one sentence.
    features
        Its features by name.
    package
        Python package of the set; its module ``values`` has a function `values` from `BarRows` to arrays by name.
    intervals
        Bars that the set exists for.
    needs_market
        Whether it reads the return of the market beside the name's own bars.
    is_windowed
        Whether a value has the same bits from the rows of its look-back as from any longer history, so that a new
        session is computed from these alone. Values that recur from row to row, such as exponential averages, do not.
    code
        Hash of the files outside this package that compute it; empty where there are none.
    """

    name: str
    doc: str
    features: Mapping[str, Feature]
    package: str
    intervals: frozenset[Interval] = frozenset(INTERVALS)
    needs_market: bool = False
    is_windowed: bool = False
    code: str = ""

    def of(self, interval: Interval) -> Mapping[str, Feature]:
        """Features that exist for bars of an interval."""
        return {name: feature for name, feature in self.features.items() if interval in feature.intervals}

    @property
    def lookback(self) -> int:
        """Rows before its own that any value of the set depends on."""
        return max((feature.lookback for feature in self.features.values()), default=0)

    @property
    def history(self) -> int:
        """Rows that are read before a period: the look-back, rounded up so that sets share their rows."""
        return next(length for length in _HISTORIES if length >= self.lookback)

    def table(self, interval: Interval = "daily") -> str:
        """Table of the set for bars of an interval."""
        return f"features.{self.name}" + ("" if interval == "daily" else f"_{interval}")

    def values(self, rows: BarRows) -> Values:
        """Compute the features of `rows.interval`: one array per feature, as long as the rows, NaN where unknown."""
        found: Values = import_module(f"{self.package}.values").values(rows)
        return found
