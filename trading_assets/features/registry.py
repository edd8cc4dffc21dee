"""Your own features: the decorator that declares one, and the modules that are searched for them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

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
    """A feature as its module defines it.

    Attributes
    ----------
    feature
        What it is.
    expression
        Function that gives its expression.
    module
        Where it is defined.
    """

    feature: Feature
    expression: Expression
    module: str


def feature(
    *, lookback: int, unit: str, source: str = "", group: str = "", intervals: Collection[Interval] = INTERVALS
) -> Callable[[Expression], OwnFeature]:
    """Declare a function's expression to be a feature; the function's name is the feature's, its docstring the formula.

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
        name, where = function.__name__, function.__module__
        require_name(name)
        formula = _FIRST_SENTENCE.split(" ".join((function.__doc__ or "").split()), maxsplit=1)[0]
        if not formula:
            raise FeatureError(f"feature {name!r} of {where} needs a docstring: its first sentence is the formula")
        if not unit:
            raise FeatureError(f"feature {name!r} of {where} needs a unit, for instance unit='ratio'")
        unknown = sorted(set(intervals) - set(INTERVALS))
        if unknown or not intervals:
            raise FeatureError(f"feature {name!r} of {where}: intervals are some of {INTERVALS}, got {list(intervals)}")
        try:
            entry = Feature(name, formula, unit, lookback, source, group, frozenset(intervals))
        except ValueError as error:
            raise FeatureError(f"{error} ({where})") from None
        return OwnFeature(entry, function, where)

    return declare


def require_name(name: str) -> None:
    """Refuse a name that cannot be a column.

    Raises
    ------
    FeatureError
        It is not in snake_case, or is a word of Python.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise FeatureError(
            f"{name!r} cannot be the name of a feature: use lower case letters, digits and single underscores, "
            "a letter first, for instance range_21"
        )


def features_of(package: ModuleType) -> tuple[OwnFeature, ...]:
    """Features that the modules of a package define, in the order of the modules' names and of their definition.

    Raises
    ------
    FeatureError
        A module cannot be imported or defines no feature, or two features have the same name.
    """
    found = [own for name in _modules(package) for own in _defined_in(name)]
    by_name: dict[str, OwnFeature] = {}
    for own in found:
        other = by_name.setdefault(own.feature.name, own)
        if other is not own:
            both = f"{other.module} and {own.module}"
            raise FeatureError(f"there are two features named {own.feature.name!r}, in {both}; rename one of them")
    return tuple(found)


def _modules(package: ModuleType) -> Iterator[str]:
    names = sorted(module.name for module in iter_modules(package.__path__) if not module.name.startswith("_"))
    return (f"{package.__name__}.{name}" for name in names)


def _defined_in(name: str) -> list[OwnFeature]:
    try:
        module = import_module(name)
    except FeatureError:
        raise
    except Exception as error:
        raise FeatureError(f"{name} cannot be imported: {type(error).__name__}: {error}") from error
    found = [value for value in vars(module).values() if isinstance(value, OwnFeature) and value.module == name]
    if not found:
        raise FeatureError(
            f"{name} defines no feature: put @feature(lookback=..., unit=...) above its function, or let the name of "
            "the module begin with an underscore"
        )
    return found
