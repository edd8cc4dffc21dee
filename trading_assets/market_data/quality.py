"""Rules that raw bars must hold beyond their contract: what depends on the calendar and on the present."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from trading_assets.lake.scope import Scope


def bar_rules(sessions: Sequence[date], known_until: date, exchange: str) -> dict[str, pl.Expr]:
    """Rules of a write of bars: name -> expression that is true where a bar breaks it.

    Parameters
    ----------
    sessions : sequence of date
        Sessions of the exchange in the window written.
    known_until : date
        Last session whose close has passed; no bar can be known of a later one.
    exchange : str
        Calendar code, for the message.
    """
    return {
        f"date is not a session of {exchange}": ~pl.col("date").is_in(list(sessions)),
        f"date is after the last close known, {known_until}": pl.col("date") > known_until,
    }


def rows_of_scope(frame: pl.DataFrame, scope: Scope, time: str) -> pl.DataFrame:
    """Rows that belong to a scope; a row whose symbol or date cannot be read belongs to every scope it might be in."""
    inside = pl.lit(value=True)
    for column, values in scope.values.items():
        inside &= pl.col(column).is_null() | pl.col(column).is_in(values)
    if scope.start and scope.end:
        inside &= pl.col(time).is_null() | ((pl.col(time) >= scope.start) & (pl.col(time) < scope.end))
    return frame.filter(inside)
