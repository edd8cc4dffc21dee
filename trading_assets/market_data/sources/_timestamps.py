"""Read a file's date column as session dates and instants, without guessing.

A stamp with a zone is an instant; its session is the date on the exchange's clock. A stamp without a zone is a date if
it has no time of day. A stamp that could be read in two ways is flagged as `ambiguous` instead:

- a time of day without a zone;
- in a file of daily bars, midnight UTC if that is the evening before on the exchange's clock (which day's bar?).

The setting `timezone`, the zone in which the file's stamps are written, resolves both: midnight there is that day.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

__all__ = ["Stamps", "read_stamps", "stamp_can_fail"]

_NAIVE = pl.Datetime("us")
_INSTANT = pl.Datetime("us", "UTC")
_DATE_ONLY = r"^\d{4}-\d{2}-\d{2}$"
_BASIC_DATE = r"^\d{8}$"
_HAS_ZONE = r"(Z|[+-]\d{2}(:?\d{2})?)$"


@dataclass(frozen=True, slots=True)
class Stamps:
    """Expressions over one file: the session date, the instant (null for a bare date), and whether it is ambiguous."""

    date: pl.Expr
    instant: pl.Expr
    ambiguous: pl.Expr


def stamp_can_fail(dtype: pl.DataType) -> bool:
    """Whether a cell of this type may be unreadable as a date; a date or datetime never is."""
    return not isinstance(dtype, pl.Date | pl.Datetime)


def read_stamps(
    column: str,
    dtype: pl.DataType,
    *,
    zone: str,
    timezone: str | None = None,
    date_format: str | None = None,
    daily: bool = True,
) -> Stamps:
    """Return how to read `column`.

    Parameters
    ----------
    column, dtype
        The file's column and its type: Date, Datetime with or without zone, String or integer (with `date_format`).
    zone
        The exchange's time zone.
    timezone
        The zone in which stamps are written, if it is set.
    date_format
        chrono format of text and integer dates; default ISO 8601.
    daily
        Whether the rows are daily bars, for which a bare date is enough; otherwise it has no instant.
    """
    value = pl.col(column)
    if isinstance(dtype, pl.Date):
        return Stamps(value, pl.lit(None, dtype=_INSTANT), pl.lit(value=False))
    if isinstance(dtype, pl.Datetime):
        aware, naive = (value.cast(_INSTANT), None) if dtype.time_zone else (None, value.cast(_NAIVE))
    else:
        aware, naive = _parse(value.cast(pl.String).str.strip_chars(), date_format)
    combine = _combine_daily if daily else _combine_intraday
    return combine(pl.lit(None, dtype=_INSTANT) if aware is None else aware, naive, zone, timezone)


def _parse(text: pl.Expr, date_format: str | None) -> tuple[pl.Expr | None, pl.Expr | None]:
    if date_format is not None:
        if "%z" in date_format or "%#z" in date_format:
            return text.str.strptime(_INSTANT, date_format, strict=False), None
        kind = _NAIVE if any(part in date_format for part in ("%H", "%I", "%T", "%R", "%s")) else pl.Date()
        return None, text.str.strptime(kind, date_format, strict=False).cast(_NAIVE)
    iso = text.str.replace(r"^(\d{4}-\d{2}-\d{2}) ", "${1}T").str.replace(r"T(\d{2}:\d{2})([Z+-]|$)", "T${1}:00${2}")
    zoned = iso.str.contains("T") & iso.str.contains(_HAS_ZONE)
    with_offset = iso.str.replace("Z$", "+00:00").str.replace(r"([+-]\d{2})$", "${1}:00")
    aware = pl.when(zoned).then(with_offset).str.strptime(_INSTANT, "%Y-%m-%dT%H:%M:%S%.f%z", strict=False)
    naive = pl.coalesce(
        pl.when(text.str.contains(_DATE_ONLY)).then(text).str.to_date("%Y-%m-%d", strict=False).cast(_NAIVE),
        pl.when(text.str.contains(_BASIC_DATE)).then(text).str.to_date("%Y%m%d", strict=False).cast(_NAIVE),
        pl.when(~zoned).then(iso).str.strptime(_NAIVE, "%Y-%m-%dT%H:%M:%S%.f", strict=False),
    )
    return aware, naive


def _combine_intraday(aware: pl.Expr, naive: pl.Expr | None, zone: str, timezone: str | None) -> Stamps:
    ambiguous = pl.lit(value=False)
    if naive is not None and timezone is None:
        ambiguous = naive.is_not_null()
    elif naive is not None and timezone is not None:
        aware = pl.coalesce(aware, _in_zone(naive, timezone))
    return Stamps(_local_date(aware, zone), aware, ambiguous)


def _combine_daily(aware: pl.Expr, naive: pl.Expr | None, zone: str, timezone: str | None) -> Stamps:
    bare_date = pl.lit(None, dtype=pl.Date)
    is_unclear = pl.lit(value=False)
    if naive is not None:
        bare_date = _date_at_midnight(naive)
        if timezone is None:
            is_unclear = naive.is_not_null() & bare_date.is_null()
        else:
            aware = pl.coalesce(aware, _in_zone(naive, timezone))
    on_exchange = _local_date(aware, zone)
    if timezone is None:
        is_other_day = (_date_at_midnight(aware) != on_exchange).fill_null(value=False)
        return Stamps(pl.coalesce(bare_date, on_exchange), aware, is_unclear | is_other_day)
    in_timezone = _date_at_midnight(aware.dt.convert_time_zone(timezone))
    return Stamps(pl.coalesce(bare_date, in_timezone, on_exchange), aware, pl.lit(value=False))


def _in_zone(naive: pl.Expr, timezone: str) -> pl.Expr:
    placed = naive.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    return placed.dt.convert_time_zone("UTC")


def _local_date(instant: pl.Expr, zone: str) -> pl.Expr:
    return instant.dt.convert_time_zone(zone).dt.date()


def _date_at_midnight(stamp: pl.Expr) -> pl.Expr:
    return pl.when(stamp.dt.time() == pl.time(0, 0)).then(stamp.dt.date())
