"""Which rows of an answer are stored: rules beyond the contract, and how an answer joins the rows that are stored.

The functions `settle_...` take an answer, the stored rows of the same symbols and window, and the keys of the answered
rows that satisfy the contract, and return the rows to store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

import polars as pl

__all__ = ["Settle", "bar_rules", "intraday_rules", "settle_bars", "settle_changes", "settle_versions"]

Settle = Callable[[pl.DataFrame, pl.DataFrame, pl.DataFrame], pl.DataFrame]

_PRICES = ("open", "high", "low", "close")
# Converting split-adjusted prices back into raw ones loses the last digits: half a cent at 1,000 is 5e-6.
_SAME_PRICE = 5e-6
_SAME_VOLUME = 1e-6


def bar_rules(sessions: Sequence[date], known_until: date, exchange: str) -> dict[str, pl.Expr]:
    """Return the rules of bars: name -> expression that is true where a bar breaks it.

    Parameters
    ----------
    sessions : sequence of date
        Sessions of the exchange in the window that is written.
    known_until : date
        Last session whose close has passed; no bar of a later one can be known.
    exchange : str
        Calendar code, for the message.
    """
    day = pl.col("date")
    return {
        f"date is not a session of {exchange}": (day <= known_until) & ~day.is_in(list(sessions)),
        f"date is after the last close known, {known_until}": day > known_until,
    }


def intraday_rules(hours: pl.DataFrame, exchange: str) -> dict[str, pl.Expr]:
    """Return the rules of intraday bars, beside `bar_rules`.

    Parameters
    ----------
    hours : polars.DataFrame
        One row per session: date, open and close in UTC.
    exchange : str
        Calendar code, for the message.
    """
    opens, closes = (
        pl.col("date").replace_strict(hours["date"], hours[name], default=None, return_dtype=hours[name].dtype)
        for name in ("open", "close")
    )
    return {
        f"ts is outside of the session's hours at {exchange}": (pl.col("ts") < opens) | (pl.col("ts") >= closes),
    }


def settle_bars(rows: pl.DataFrame, stored: pl.DataFrame, valid: pl.DataFrame) -> pl.DataFrame:
    """Store the bars that are new or restated: noise is not a restatement, and absence is not a correction.

    A bar whose prices and volume equal the stored ones, except for the noise of converting split-adjusted numbers into
    raw ones, is left as it is stored. A stored bar that the answer lacks is kept; `market_data.coverage` and the
    comparison of sources show what a source no longer has. A stored bar is also kept if the answered one breaks the
    contract; that one alone goes to quarantine.

    Parameters
    ----------
    rows, stored, valid
        Answer, stored rows, keys of the answered rows that satisfy the contract.
    """
    key = [name for name in ("symbol", "date", "ts") if name in stored.columns]
    if stored.is_empty():
        return rows
    values = [*_PRICES, "volume"]
    both = rows.join(stored.select(*key, *values), on=key, how="left", suffix="_stored")
    is_same = pl.all_horizontal(
        (pl.col("source").is_not_null()),
        *((pl.col(name) / pl.col(f"{name}_stored") - 1).abs() <= _SAME_PRICE for name in _PRICES),
        (pl.col("volume") - pl.col("volume_stored")).abs() <= 1 + _SAME_VOLUME * pl.col("volume_stored"),
    )
    changed = both.filter(~is_same.fill_null(value=False)).select(rows.columns)
    kept = stored.join(changed.join(valid, on=key, how="semi"), on=key, how="anti")
    return pl.concat([changed, kept], how="diagonal_relaxed").select(rows.columns)


def settle_versions(
    rows: pl.DataFrame,
    stored: pl.DataFrame,
    valid: pl.DataFrame,
    *,
    key: Sequence[str],
    values: Sequence[str],
    now: datetime,
) -> pl.DataFrame:
    """Add an answer about filings or news to a bitemporal table, in which what was known stays known.

    Stored rows are kept. An answered row with a new key is added. One with other values under a stored key was
    restated: it is added as known from now on, and the stored row remains what was known before.

    Parameters
    ----------
    rows, stored, valid
        Answer, stored rows, keys of the answered rows that satisfy the contract.
    key
        Columns that identify a row, `known_at` among them.
    values
        Columns that a restatement changes.
    now
        Time of the answer, UTC.
    """
    if stored.is_empty():
        return rows
    both = rows.join(stored.select(*key, *values), on=list(key), how="left", suffix="_stored", nulls_equal=True)
    known = stored.select(key).with_columns(_known=pl.lit(value=True))
    both = both.join(known, on=list(key), how="left", nulls_equal=True)
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_stored")) for name in values)
    fresh = both.filter(pl.col("_known").is_null()).select(rows.columns)
    restated = both.filter(pl.col("_known") & differs).join(valid, on=list(key), how="semi").select(rows.columns)
    day = "known_on" if "known_on" in rows.columns else "date"
    moved = {"known_at": pl.lit(now).cast(rows.schema["known_at"]), day: pl.lit(now.date())}
    if "basis" in rows.columns:
        moved["basis"] = pl.lit("first_seen")
    return pl.concat([stored, fresh, restated.with_columns(**moved)], how="diagonal_relaxed").select(rows.columns)


def settle_changes(
    rows: pl.DataFrame, stored: pl.DataFrame, valid: pl.DataFrame, *, values: Sequence[str]
) -> pl.DataFrame:
    """Add an answer about the present profiles of companies: one row for each day on which something changed.

    Parameters
    ----------
    rows, stored, valid
        Answer, stored rows, keys of the answered rows that satisfy the contract.
    values
        Columns whose change makes a row.
    """
    del valid
    last = stored.sort("symbol", "known_on").group_by("symbol").last().select("symbol", *values)
    both = rows.join(last, on="symbol", how="left", suffix="_stored")
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_stored")) for name in values)
    changed = both.filter(differs).select(rows.columns)
    kept = stored.join(changed, on=["symbol", "known_on"], how="anti")
    return pl.concat([kept, changed], how="diagonal_relaxed").select(rows.columns)
