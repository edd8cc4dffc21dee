"""Comparison of two results of one computation, by bits or within a tolerance."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.parallel import map_ordered

ROWS = "<rows>"
"""Column name under which a difference of the row sets is reported."""

_MARK = "\x1f"
_FLOAT32_RESOLUTION = 2.0**-23
_GONE, _NEW = ("present", "missing"), ("missing", "present")

_Finding = tuple[str, int, str, str, str]

Frames = Mapping[str, pl.DataFrame]
Compute = Callable[[Frames], pl.DataFrame]


def trials(
    compute: Compute, variants: Sequence[Callable[[], Frames]], key: Sequence[str], date_column: str, entity: str | None
) -> list[pl.DataFrame]:
    """Results of a function for each of several inputs, in order.

    If entities are computed independently of each other, all inputs are computed in one call, with renamed entities:
    for a sample of names a call costs more than its rows. Otherwise, and if an input that is common to
    all entities is not the same in all variants, the calls run side by side.
    """

    def computed(frames: Frames) -> pl.DataFrame:
        return keyed(compute(frames), key, date_column)

    if entity is None or not variants:
        return list(map_ordered(lambda variant: computed(variant()), variants))
    given = [variant() for variant in variants]
    common = {name: frame for name, frame in given[0].items() if entity not in frame.columns}
    if any(frames[name] is not common[name] for frames in given for name in common):
        return list(map_ordered(computed, given))
    named = [_renamed(frames, entity, f"{_MARK}{number}") for number, frames in enumerate(given)]
    together = common | {name: pl.concat([frames[name] for frames in named]) for name in named[0]}
    parts = pl.col(entity).str.split_exact(_MARK, 1)
    marked = computed(together).with_columns(
        parts.struct.field("field_0").alias(entity), parts.struct.field("field_1").alias(_MARK)
    )
    return [marked.filter(pl.col(_MARK) == str(number)).drop(_MARK) for number in range(len(variants))]


def _renamed(frames: Frames, entity: str, suffix: str) -> Frames:
    return {
        name: frame.with_columns(pl.col(entity) + suffix) for name, frame in frames.items() if entity in frame.columns
    }


def known_by(frame: pl.DataFrame, column: str, moment: date) -> pl.Expr:
    """Whether a row is known by a moment, which is a date or a datetime.

    Days are compared unless both sides have a time of day: a row of a date counts as known for all of that day.
    """
    if isinstance(moment, datetime) and isinstance(frame.schema[column], pl.Datetime):
        return pl.col(column) <= moment
    return pl.col(column).cast(pl.Date) <= _day(moment)


def known_at(frame: pl.DataFrame, column: str, moment: date) -> pl.Expr:
    """Whether a row is dated exactly at a moment; days are compared as in `known_by`."""
    if isinstance(moment, datetime) and isinstance(frame.schema[column], pl.Datetime):
        return pl.col(column) == moment
    return pl.col(column).cast(pl.Date) == _day(moment)


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def require_names(inputs: Frames, dated: Mapping[str, str]) -> None:
    """Raise an error if an input lacks its date column."""
    for name, column in dated.items():
        if name not in inputs or column not in inputs[name].columns:
            known = {given: frame.columns for given, frame in inputs.items()}
            raise ValueError(f"there is no date column {column!r} in an input {name!r}; the inputs are {known}")


def require_rows(full: pl.DataFrame, compared: pl.Expr, where: str) -> None:
    """Raise an error if there is no row to compare."""
    if full.filter(compared).is_empty():
        raise ValueError(f"the computed frame has no row {where}: nothing would be checked; choose other dates")


def keyed(frame: pl.DataFrame, key: Sequence[str], date_column: str) -> pl.DataFrame:
    """Return the frame if its key identifies its rows; raise an error otherwise."""
    missing = [column for column in (*key, date_column) if column not in frame.columns]
    if missing:
        raise ValueError(f"the computed frame lacks the key column(s) {missing}; it has {frame.columns}")
    repeated = frame.filter(pl.struct(*key).is_duplicated())
    if repeated.height:
        raise ValueError(
            f"the computed frame repeats the key {repeated.select(*key).row(0)}: {list(key)} does not identify its rows"
        )
    return frame


def _bits(values: pl.Series) -> NDArray[np.unsignedinteger]:
    width = np.uint32 if values.dtype == pl.Float32 else np.uint64
    return values.to_numpy().view(width)


def differing_bits(expected: pl.Series, actual: pl.Series) -> NDArray[np.bool_]:
    """Mark the rows whose values differ in any bit; null differs from every value."""
    if expected.dtype != actual.dtype:
        return np.ones(len(expected), dtype=np.bool_)
    if not expected.dtype.is_float():
        return expected.ne_missing(actual).to_numpy()
    unequal: NDArray[np.bool_] = _bits(expected) != _bits(actual)
    if expected.null_count() or actual.null_count():
        unequal |= (expected.is_null() != actual.is_null()).to_numpy()
    return unequal


def differing_beyond(
    expected: pl.Series, actual: pl.Series, *, tolerance: float, scale: Callable[[], float]
) -> NDArray[np.bool_]:
    """Mark the rows whose values are further apart than the tolerance, relative to the larger of value and scale."""
    unlike = differing_bits(expected, actual)
    if not expected.dtype.is_float() or expected.dtype != actual.dtype or not unlike.any():
        return unlike
    allowed = max(tolerance, _FLOAT32_RESOLUTION) if expected.dtype == pl.Float32 else tolerance
    a, b = (values.cast(pl.Float64).fill_null(0.0).to_numpy() for values in (expected, actual))
    distance = np.abs(np.subtract(a, b, out=np.zeros_like(a), where=a != b))
    far = ~(distance <= allowed * np.maximum(np.abs(a), scale())) & ~(np.isnan(a) & np.isnan(b))
    distant: NDArray[np.bool_] = far | (expected.is_null() != actual.is_null()).to_numpy()
    return distant


def column_scale(values: pl.Series) -> float:
    """Median magnitude of a column, 0 if it has no values."""
    median = values.fill_nan(None).abs().median()
    return float(median) if isinstance(median, float) else 0.0


def differences(
    expected: pl.DataFrame,
    actual: pl.DataFrame,
    *,
    key: Sequence[str],
    cut: date,
    mode: str,
    differing: Callable[[pl.Series, pl.Series], NDArray[np.bool_]],
) -> pl.DataFrame:
    """Compare two results row by row and list one violation per differing column, and for differing row sets."""
    keys = list(key)
    left, right = expected.sort(keys), actual.sort(keys)
    found: list[_Finding] = []
    if not left.select(keys).equals(right.select(keys)):
        found += [
            (ROWS, rows.height, _show(rows.select(keys).row(0)), *states)
            for rows, states in (
                (left.join(right, on=keys, how="anti"), _GONE),
                (right.join(left, on=keys, how="anti"), _NEW),
            )
            if rows.height
        ]
        left, right = (
            one.join(other.select(keys), on=keys, how="semi").sort(keys)
            for one, other in ((left, right), (right, left))
        )
    found.extend(
        (column, expected.height, "", *(_GONE if column in expected.columns else _NEW))
        for column in sorted(set(expected.columns) ^ set(actual.columns))
    )
    shared = set(right.columns) - set(keys)
    for column in (name for name in left.columns if name in shared):
        unlike = np.flatnonzero(differing(left[column], right[column]))
        if unlike.size:
            first = int(unlike[0])
            first_key = _show(left.select(keys).row(first))
            found.append((column, unlike.size, first_key, str(left[column][first]), str(right[column][first])))
    return pl.DataFrame([(str(cut), mode, *finding) for finding in found], schema=no_violations().schema, orient="row")


def _show(values: tuple[object, ...]) -> str:
    return ", ".join(str(value) for value in values)


def no_violations() -> pl.DataFrame:
    """The empty report."""
    return pl.DataFrame(
        schema={
            "cut": pl.String,
            "mode": pl.String,
            "column": pl.String,
            "count": pl.Int64,
            "first_key": pl.String,
            "value_full": pl.String,
            "value_cut": pl.String,
        }
    )
