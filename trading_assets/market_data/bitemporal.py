"""What an answer adds to a bitemporal table: what was known stays known, and nothing is known before it was said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl


def keep_known(
    rows: pl.DataFrame,
    stored: pl.DataFrame,
    good: pl.DataFrame,
    *,
    key: Sequence[str],
    values: Sequence[str],
    now: datetime,
) -> pl.DataFrame:
    """Rows to store of an answer about filings or news.

    Stored rows stay. An answered row of a new key is added. One that says something else under a stored key was
    restated: it is added as known from now on, and the stored row stays what was known before.

    Parameters
    ----------
    rows, stored, good
        Answer, stored rows, keys of the answered rows that hold the contract.
    key
        Columns that identify a row, `known_at` among them.
    values
        Columns that a restatement changes.
    now
        Moment of the answer, UTC.
    """
    if stored.is_empty():
        return rows
    both = rows.join(stored.select(*key, *values), on=list(key), how="left", suffix="_stored", nulls_equal=True)
    known = stored.select(key).with_columns(_known=pl.lit(value=True))
    both = both.join(known, on=list(key), how="left", nulls_equal=True)
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_stored")) for name in values)
    fresh = both.filter(pl.col("_known").is_null()).select(rows.columns)
    restated = both.filter(pl.col("_known") & differs).join(good, on=list(key), how="semi").select(rows.columns)
    day = "known_on" if "known_on" in rows.columns else "date"
    moved = {"known_at": pl.lit(now).cast(rows.schema["known_at"]), day: pl.lit(now.date())}
    if "basis" in rows.columns:
        moved["basis"] = pl.lit("first_seen")
    return pl.concat([stored, fresh, restated.with_columns(**moved)], how="diagonal_relaxed").select(rows.columns)


def keep_changes(
    rows: pl.DataFrame, stored: pl.DataFrame, good: pl.DataFrame, *, values: Sequence[str]
) -> pl.DataFrame:
    """Rows to store of an answer about what companies are today: a row for each day on which something changed.

    Parameters
    ----------
    rows, stored, good
        Answer, stored rows, keys of the answered rows that hold the contract.
    values
        Columns whose change makes a row.
    """
    del good
    last = stored.sort("symbol", "known_on").group_by("symbol").last().select("symbol", *values)
    both = rows.join(last, on="symbol", how="left", suffix="_stored")
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_stored")) for name in values)
    changed = both.filter(differs).select(rows.columns)
    kept = stored.join(changed, on=["symbol", "known_on"], how="anti")
    return pl.concat([kept, changed], how="diagonal_relaxed").select(rows.columns)
