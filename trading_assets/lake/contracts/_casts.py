"""Casts that report whether a value is preserved, and rows as JSON that keep what was delivered."""

from __future__ import annotations

import polars as pl

_TIME_FORMATS = ("%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M%z", "%Y-%m-%d %H:%M")


def cast_column(given: pl.Series, target: pl.DataType) -> tuple[pl.Series, pl.Series]:
    """Cast a column, and report for each cell whether its value is preserved: 1.5 as an integer is not.

    NaN, infinities in float columns and null become null and count as preserved; -0.0 becomes 0.0, its equal. Texts are
    read as ISO 8601, times without a zone as UTC.

    Raises
    ------
    polars.exceptions.PolarsError
        No value of the given type can be cast; nor can a time without a zone, which names no moment.
    """
    if given.dtype.is_numeric() and target.is_temporal():
        msg = "the unit of a time that is given as a number is unknown"
        raise pl.exceptions.InvalidOperationError(msg)
    if (
        isinstance(given.dtype, pl.Datetime)
        and isinstance(target, pl.Datetime)
        and _has_zone(target) > _has_zone(given.dtype)
    ):
        msg = "a time without a zone names no moment; convert it to UTC first"
        raise pl.exceptions.InvalidOperationError(msg)
    if isinstance(given.dtype, pl.Datetime) and target == pl.Date:
        given = given.dt.replace_time_zone(None)  # the day on the clock of the exchange
    raw = given.set(given.is_nan(), None) if given.dtype.is_float() else given
    cast = raw.to_frame("value").select(_cast(pl.col("value"), raw.dtype, target)).to_series().alias(given.name)
    return cast, _is_kept(raw, cast)


def _has_zone(dtype: pl.Datetime) -> bool:
    return dtype.time_zone is not None


def rows_as_json(frame: pl.DataFrame) -> pl.Series:
    """Each row as a JSON object, independent of the other rows.

    What JSON cannot express (bytes, objects) becomes text, and in a row with NaN or infinity its other floats too.
    """
    known = pl.DataFrame([column if _has_json(column.dtype) else _as_text(column) for column in frame])
    floats = [column for column in known if column.dtype.is_float()]
    spelled = known.with_columns([_as_text(column) for column in floats])
    is_finite = [pl.col(column.name).is_finite().fill_null(value=True) for column in floats]
    return pl.select(
        row=pl.when(known.select(pl.all_horizontal(pl.lit(value=True), *is_finite)).to_series())
        .then(known.to_struct().struct.json_encode())
        .otherwise(spelled.to_struct().struct.json_encode())
    )["row"]


def _cast(raw: pl.Expr, given: pl.DataType, target: pl.DataType) -> pl.Expr:
    if given == pl.String and target == pl.Date:
        return raw.str.to_date("%Y-%m-%d", strict=False)
    if given == pl.String and isinstance(target, pl.Datetime):
        return _parse_time(raw).dt.replace_time_zone(target.time_zone).cast(target)
    if isinstance(given, pl.Datetime) and isinstance(target, pl.Datetime):
        moment = raw.dt.convert_time_zone("UTC") if given.time_zone else raw
        return moment.dt.replace_time_zone(target.time_zone and "UTC").cast(target)
    cast = raw.cast(target, strict=False)
    if target.is_float():
        return pl.when(cast == 0).then(pl.lit(0.0, dtype=target)).when(cast.is_finite()).then(cast)
    return cast


def _parse_time(raw: pl.Expr) -> pl.Expr:
    text = raw.str.replace("T", " ", literal=True).str.replace("Z$", "+00:00")
    moments = [
        text.str.to_datetime(form, time_unit="us", strict=False).dt.replace_time_zone(None) for form in _TIME_FORMATS
    ]
    return pl.coalesce(*moments, text.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")))


def _is_kept(raw: pl.Series, cast: pl.Series) -> pl.Series:
    if cast.dtype.is_float() and raw.dtype.is_float():
        return raw.is_null() | raw.is_infinite().fill_null(value=False) | cast.is_not_null()
    if raw.dtype != pl.String and (cast.dtype.is_integer() or cast.dtype in (pl.Date, pl.Boolean)):
        return raw.is_null() | (cast.cast(raw.dtype, strict=False) == raw).fill_null(value=False)
    return raw.is_null() | cast.is_not_null()


def _has_json(dtype: pl.DataType) -> bool:
    if isinstance(dtype, pl.List | pl.Array):
        return _has_json(dtype.inner)  # type: ignore[arg-type]
    if isinstance(dtype, pl.Struct):
        return all(_has_json(field.dtype) for field in dtype.fields)  # type: ignore[arg-type]
    known = (pl.String, pl.Boolean, pl.Null, pl.Date, pl.Datetime, pl.Time, pl.Categorical, pl.Enum)
    return dtype.is_numeric() or dtype in known


def _as_text(column: pl.Series) -> pl.Series:
    texts = [None if value is None else str(value) for value in column.to_list()]
    return pl.Series(column.name, texts, dtype=pl.String)
