"""What was known at a moment: joins and reads of bitemporal rows, which record when each became known.

A restated figure is a later row about the same period. Rows that became known after the moment never change a result
for that moment.
"""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

__all__ = ["as_of_join", "known_from_end_of_day", "latest_known", "require_moment"]


def as_of_join(
    frame: pl.DataFrame,
    known: pl.DataFrame,
    *,
    at: str,
    on: str | Sequence[str] = "symbol",
    known_at: str = "known_at",
    newest: str | None = None,
    suffix: str = "_known",
) -> pl.DataFrame:
    """Add to each row what was known at its moment.

    Parameters
    ----------
    frame
        Rows with a moment of decision, for instance the close of their session (`session_closes` of the calendar).
    known
        Bitemporal rows, of one item of fundamentals, say; any number per entity.
    at
        Column of `frame`: moment of the decision, with a zone.
    on
        Columns of both that identify the entity.
    known_at
        Column of `known`: moment from which a decision may use the row; that moment itself counts.
    newest
        Column of `known` whose newest value wins over a later row about an older one: ``"period_end"`` keeps the figure
        of the last quarter when one of the year before is restated. Without it the row that became known last wins.
    suffix
        Appended to columns of `known` that `frame` has too.

    Returns
    -------
    polars.DataFrame
        The rows of `frame` in their order with the other columns of `known`; null where nothing was known yet.

    Raises
    ------
    ValueError
        A column of moments has no zone.

    Examples
    --------
    >>> from datetime import UTC, date, datetime
    >>> decisions = pl.DataFrame({"symbol": ["A", "A"], "at": [datetime(2016, m, 1, tzinfo=UTC) for m in (5, 9)]})
    >>> filed = [datetime(2016, 4, 20, tzinfo=UTC), datetime(2016, 8, 20, tzinfo=UTC)]
    >>> eps = pl.DataFrame({"symbol": ["A"] * 2, "period_end": [date(2016, 3, 31)] * 2, "known_at": filed,
    ...                     "value": [1.0, 0.7]})
    >>> as_of_join(decisions, eps, at="at", newest="period_end")["value"].to_list()
    [1.0, 0.7]
    """
    entity = [on] if isinstance(on, str) else list(on)
    require_moment(frame.schema[at], f"column {at!r} of the rows to join to")
    require_moment(known.schema[known_at], f"column {known_at!r} of what is known")
    order = [known_at] if newest is None else [known_at, newest]
    rows = known.drop_nulls([*entity, *order]).sort(order)
    if newest is not None:
        rows = rows.filter(pl.col(newest) == pl.col(newest).cum_max().over(entity))
    rows = rows.unique([*entity, known_at], keep="last", maintain_order=True).with_columns(
        _instant(known_at).alias("_known_at")
    )
    moments = frame.with_row_index("_row").with_columns(_instant(at).alias("_at")).sort("_at")
    joined = moments.join_asof(
        rows, left_on="_at", right_on="_known_at", by=entity, suffix=suffix, check_sortedness=False
    )
    return joined.sort("_row").drop("_row", "_at", "_known_at", strict=False)


def latest_known(
    rows: pl.DataFrame, moment: datetime, *, key: Sequence[str], known_at: str = "known_at"
) -> pl.DataFrame:
    """Last version of each row that was known at a moment.

    Parameters
    ----------
    rows
        Bitemporal rows.
    moment
        With a zone.
    key
        Columns that identify what a row is about, without `known_at`.
    known_at
        Moment from which a row is known; that moment itself counts.

    Returns
    -------
    polars.DataFrame
        One row per key, sorted by it.

    Raises
    ------
    ValueError
        The moment has no zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"the moment {moment!r} has no zone; pass it in UTC: datetime(..., tzinfo=UTC)")
    return (
        rows.filter(pl.col(known_at) <= moment)
        .sort(known_at)
        .unique(list(key), keep="last", maintain_order=True)
        .sort(list(key))
    )


def known_from_end_of_day(day: pl.Expr) -> pl.Expr:
    """Moment from which a row that is dated by its day alone may be used: midnight UTC at the end of that day."""
    return day.dt.offset_by("1d").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _instant(column: str) -> pl.Expr:
    return pl.col(column).dt.convert_time_zone("UTC").dt.cast_time_unit("us")


def require_moment(dtype: pl.DataType, what: str) -> None:
    """Refuse times without a zone, and days.

    Raises
    ------
    ValueError
        The message names the column without a zone and the remedy.
    """
    if not isinstance(dtype, pl.Datetime) or dtype.time_zone is None:
        raise ValueError(
            f"{what} is of type {dtype}, which names no moment: convert it to a time with a zone, a session to its "
            "close and a day to `known_from_end_of_day`"
        )
