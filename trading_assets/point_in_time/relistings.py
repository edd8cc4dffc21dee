"""Relistings: a symbol that returns after a long silence stands for another listing, most often of another company.

Whatever looks back treats the two as two names: nothing is carried over the silence, and no return spans it. The second
one is named by the symbol and its first day while it is computed; `together` gives it its symbol back.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

RELISTED_AFTER = 180
"""Days without a bar after which a bar begins another listing, by default."""
# Sorts before every character of a symbol, so that its listings stay together; the names of trials have another mark.
_MARK = "\x1e"


def days_silent() -> pl.Expr:
    """Days between a bar and the one of its symbol before it, of rows sorted by symbol and time; null for the first."""
    day = pl.col("date")
    return (day - day.shift(1).over("symbol")).dt.total_days()


def apart(bars: pl.DataFrame, actions: pl.DataFrame, after: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Name the later listings of a symbol differently from the first one.

    Parameters
    ----------
    bars
        symbol and date (and more), sorted by symbol and time.
    actions
        Corporate actions: symbol, ex_date, kind, value.
    after
        Days without a bar after which a bar begins another listing.

    Returns
    -------
    tuple of polars.DataFrame
        Both with the same rows in the same order, the frames themselves where no symbol has been listed again. An
        action belongs to the listing whose bars have begun, or begin next where the one before has ended.
    """
    begins = bars.select("symbol", "date", silent=days_silent()).filter(pl.col("silent") > after)
    if begins.is_empty():
        return bars, actions
    starts = begins.select("symbol", since="date").sort("since")
    ends = begins.select("symbol", "date", last=pl.col("date") - pl.duration(days=pl.col("silent")))
    # what happens after the last bar of a listing concerns the next one
    takes_over = ends.select("symbol", since="date", over=pl.col("last") + pl.duration(days=1)).sort("over")
    return _named(bars, starts, "date", "since"), _named(actions, takes_over, "ex_date", "over")


def all_apart(frames: Mapping[str, pl.DataFrame], after: int) -> dict[str, pl.DataFrame]:
    """Name the later listings of a symbol differently in several frames, alike in all of them.

    Parameters
    ----------
    frames
        Frames with symbol and date (and more), each sorted by symbol and time. A silence is one of all frames together.
    after
        Days without a row after which a row begins another listing.
    """
    if not any(frame.select((days_silent() > after).any()).item() for frame in frames.values()):
        return dict(frames)
    keys = pl.concat([frame.select("symbol", "date") for frame in frames.values()]).unique().sort("symbol", "date")
    starts = keys.filter(days_silent() > after).select("symbol", since="date").sort("since")
    return {name: _named(frame, starts, "date", "since") for name, frame in frames.items()}


def together(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with the symbols that `apart` was given."""
    if not rows["symbol"].str.contains(_MARK, literal=True).any():
        return rows
    return rows.with_columns(pl.col("symbol").str.split_exact(_MARK, 1).struct.field("field_0").alias("symbol"))


def _named(rows: pl.DataFrame, starts: pl.DataFrame, day: str, from_day: str) -> pl.DataFrame:
    """Rows with the name of the newest listing that has begun by their day."""
    row, found = "_row", "_since"
    begun = (
        rows.select("symbol", day)
        .with_row_index(row)
        .sort(day)
        .join_asof(
            starts.select("symbol", pl.col(from_day).alias("_from"), pl.col("since").alias(found)),
            left_on=day,
            right_on="_from",
            by="symbol",
            strategy="backward",
            check_sortedness=False,
        )
        .sort(row)
    )
    since = begun[found].dt.to_string("%Y-%m-%d")
    mark = pl.when(since.is_not_null()).then(pl.format("{}" + _MARK + "{}", pl.col("symbol"), since))
    return rows.with_columns(mark.otherwise(pl.col("symbol")).alias("symbol"))
