"""The set of the user's own features: Polars expressions, checked at load time, evaluated on look-back blocks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from trading_assets.desk.own_objects import objects_of
from trading_assets.desk.own_work import PACKAGE, OwnWork
from trading_assets.desk.source_files import files_stamp
from trading_assets.features.feature_set import INTERVALS, FeatureSet, Interval, table_of
from trading_assets.features.registry import Expression, FeatureError, OwnFeature

if TYPE_CHECKING:
    from trading_assets.features.bar_rows import Array, BarRows

KIND = "features"
"""Sub-folder of the user's own work that is searched."""
NAME = "own"
"""Name of the set."""
COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "open": "first price, adjusted for splits; all prices are on one scale, so only their ratios are meaningful",
        "high": "highest price",
        "low": "lowest price",
        "close": "last price",
        "volume": "shares traded (Float64), adjusted for splits",
        "log_return": "ln(close / close of the bar before)",
        "date": "session",
        "ts": "start of the bar, UTC; hourly and minute bars only",
    }
)
"""What an expression may read: columns of the name's own bars in order of time."""
_KEYS = ("symbol", "date", "ts")
_WANTED = "feature: put @feature(lookback=..., unit=...) above its function"
_EXAMPLE_ROWS = 450
_SPAN = "span"


def own_set(own: OwnWork, existing: Collection[str] = ()) -> ExpressionSet | None:
    """Set of the features that the user's files define; None where there is none.

    A file with a feature whose name is taken, or whose expression cannot be used, is left out; its fault is kept.

    Parameters
    ----------
    own
        The user's files.
    existing
        Names that other sets have taken; SQL ignores case.
    """
    taken = {name.lower() for name in (*existing, *COLUMNS, *_KEYS)}
    found: list[OwnFeature] = []
    for path, defined in own.defined(KIND, objects_of(OwnFeature), _WANTED):
        line = None
        try:
            for one in defined:
                line = one.line
                _require_free(one.value, taken | {other.value.feature.name for other in defined if other is not one})
                check_expression(one.value)
        except FeatureError as error:
            own.refuse(path, error, line)
            continue
        found += [one.value for one in defined]
        taken |= {one.value.feature.name for one in defined}
    if not found:
        return None
    sources = sorted((own.folder / KIND).rglob("*.py"))
    return ExpressionSet(
        name=NAME,
        doc="Features of your own, each a Polars expression in a file.",
        features=table_of(one.feature for one in found),
        package=f"{PACKAGE}.{KIND}",
        intervals=frozenset(interval for one in found for interval in one.feature.intervals),
        code=files_stamp(sources, own.folder),
        expressions=MappingProxyType({one.feature.name: one.expression for one in found}),
    )


def _require_free(one: OwnFeature, taken: Collection[str]) -> None:
    if one.feature.name in taken:
        raise FeatureError(f"feature {one.feature.name!r}: there is a column of this name; choose another one")


@dataclass(frozen=True, eq=False)
class ExpressionSet(FeatureSet):
    """Features given by expressions.

    Attributes
    ----------
    expressions
        Function that returns each feature's expression, by name.
    """

    expressions: Mapping[str, Expression] = field(default_factory=dict)

    def only(self, name: str) -> ExpressionSet:
        """The set of one of the features alone."""
        one = self.features[name]
        return replace(self, features={name: one}, intervals=one.intervals)

    def values(self, rows: BarRows) -> dict[str, Array]:
        """Evaluate the expressions on each span separately.

        A value is NaN if its span has fewer rows before it than the feature's look-back, or if it is not finite.

        Raises
        ------
        FeatureError
            Polars cannot evaluate an expression, or it does not give one value per row.
        """
        known = [name for name in COLUMNS if name in rows.frame.columns]
        log_return = pl.Series("log_return", rows.log_return).fill_nan(None)
        frame = rows.frame.select(*known, _SPAN, row=pl.int_range(pl.len()).over(_SPAN)).with_columns(log_return)
        return {
            name: _evaluated(name, self.expressions[name](), frame, one.lookback)
            for name, one in self.of(rows.interval).items()
        }


def _evaluated(name: str, expression: pl.Expr, frame: pl.DataFrame, lookback: int) -> Array:
    value = expression.over(_SPAN).cast(pl.Float64).alias(name)
    try:
        found = frame.select("row", value)
    except pl.exceptions.PolarsError as error:
        raise FeatureError(f"feature {name!r} cannot be evaluated on the bars of each name: {error}") from error
    usable = (pl.col("row") >= lookback) & pl.col(name).is_finite()
    return found.select(pl.when(usable).then(pl.col(name)).fill_null(float("nan"))).to_series().to_numpy()


def check_expression(own: OwnFeature) -> None:
    """Refuse an expression that cannot be a feature, judged by the columns it reads and its result on made-up bars.

    Raises
    ------
    FeatureError
        The function fails or returns no expression, or the expression reads a column that does not exist, or does not
        give one Float column with a value per row, an aggregate for instance.
    """
    name = own.feature.name
    try:
        expression = own.expression()
    except Exception as error:
        raise FeatureError(f"feature {name!r} fails: {type(error).__name__}: {error}") from error
    if not isinstance(expression, pl.Expr):
        raise FeatureError(f"feature {name!r} returns {type(expression).__name__}, not a Polars expression")
    for interval in INTERVALS:
        if interval in own.feature.intervals:
            _check_columns(own, expression, interval)
    frame = _example(is_intraday="daily" not in own.feature.intervals)
    try:
        found = frame.select(expression)
    except pl.exceptions.PolarsError as error:
        raise FeatureError(f"feature {name!r} cannot be evaluated: {error}") from error
    if found.width != 1 or not found.dtypes[0].is_float():
        given = ", ".join(f"{column} {dtype}" for column, dtype in found.schema.items())
        raise FeatureError(f"feature {name!r} gives {given}; it must give one Float column")
    if found.height != frame.height:
        raise FeatureError(
            f"feature {name!r} gives {found.height} value(s) for {frame.height} bars; it must give one for "
            "each bar: use windows such as rolling_mean(21) instead of aggregates"
        )


def _check_columns(own: OwnFeature, expression: pl.Expr, interval: Interval) -> None:
    known = [name for name in COLUMNS if name != "ts" or interval != "daily"]
    unknown = sorted(set(_read_by(expression)) - set(known))
    if unknown:
        raise FeatureError(
            f"feature {own.feature.name!r} reads {', '.join(unknown)}, which {interval} bars do not "
            f"have; there are {', '.join(known)}"
        )


def _read_by(expression: pl.Expr) -> Iterable[str]:
    return expression.meta.root_names()


@cache
def _example(*, is_intraday: bool) -> pl.DataFrame:
    """Made-up bars that any valid expression can be evaluated on."""
    row = pl.int_range(_EXAMPLE_ROWS)
    price = 100.0 + row.cast(pl.Float64).sin()
    moment = pl.datetime(2020, 1, 1, time_zone="UTC") + pl.duration(days=row)
    frame = pl.select(
        open=price,
        high=price + 1.0,
        low=price - 1.0,
        close=price.reverse(),
        volume=price * 1000.0,
        log_return=price.log().diff(),
        date=moment.dt.date(),
        ts=moment,
    )
    return frame if is_intraday else frame.drop("ts")
