"""The user's own features: the decorator that turns a function into one."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

import polars as pl

from trading_assets.errors import TradingAssetsError
from trading_assets.features.feature_set import INTERVALS, Feature, Interval

Expression = Callable[[], pl.Expr]
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_FIRST_SENTENCE = re.compile(r"\.(?=\s|$)")


class FeatureError(TradingAssetsError, ValueError):
    """A feature that cannot be used; the message names it and says what to change."""


@dataclass(frozen=True, slots=True)
class OwnFeature:
    """A feature as its file defines it.

    Attributes
    ----------
    feature
        What it is.
    expression
        Function that returns its expression.
    """

    feature: Feature
    expression: Expression


def feature(
    *, lookback: int, unit: str, source: str = "", group: str = "", intervals: Collection[Interval] = INTERVALS
) -> Callable[[Expression], OwnFeature]:
    """Make a function's expression a feature; the function's name is the feature's name, its docstring the formula.

    Parameters
    ----------
    lookback
        Rows before its own that a value depends on: 20 for a window of 21 bars. At most 400.
    unit
        "ratio", "log return", "per year", ...; the value must not depend on the scale of prices.
    source
        Where the formula comes from: a paper or a library.
    group
        Family, for the page of the set.
    intervals
        Bars that it exists for: daily, hourly, minute.

    Returns
    -------
    callable
        Decorator of a function without parameters that returns a Polars expression over the columns of
        `trading_assets.features.expressions.COLUMNS`. The expression sees the bars of one name in order of time.

    Raises
    ------
    FeatureError
        The name is not in snake_case, the docstring or the unit is missing, the look-back is too long, or an interval
        is unknown.

    Examples
    --------
    >>> @feature(lookback=20, unit="ratio")
    ... def range_21() -> pl.Expr:
    ...     '''Highest high over lowest low of 21 bars - 1.'''
    ...     return pl.col("high").rolling_max(21) / pl.col("low").rolling_min(21) - 1
    >>> range_21.feature.formula
    'Highest high over lowest low of 21 bars - 1'
    """

    def declare(function: Expression) -> OwnFeature:
        name = function.__name__
        require_name(name)
        formula = _FIRST_SENTENCE.split(" ".join((function.__doc__ or "").split()), maxsplit=1)[0]
        if not formula:
            raise FeatureError(f"feature {name!r} needs a docstring: its first sentence is the formula")
        if not unit:
            raise FeatureError(f"feature {name!r} needs a unit, for instance unit='ratio'")
        unknown = sorted(set(intervals) - set(INTERVALS))
        if unknown or not intervals:
            raise FeatureError(f"feature {name!r}: intervals are some of {INTERVALS}, got {list(intervals)}")
        try:
            entry = Feature(name, formula, unit, lookback, source, group, frozenset(intervals))
        except ValueError as error:
            raise FeatureError(str(error)) from None
        return OwnFeature(entry, function)

    return declare


def require_name(name: str) -> None:
    """Refuse a name that cannot be a column.

    Raises
    ------
    FeatureError
        It is not in snake_case, or is a Python keyword.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise FeatureError(
            f"{name!r} cannot be the name of a feature: use lower case letters, digits and single underscores, "
            "a letter first, for instance range_21"
        )
