"""Rows that a learner looks back to: the sessions before a row's own, of the same name.

Here: the rows that go with those to be learned from or scored, and their windows as arrays. Sessions are counted in a
calendar, so that the window of a row is the same whichever span of sessions it is read with.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

KEYS = ("symbol", "date")
IS_WANTED = "is_wanted"


def with_history(
    rows: pl.DataFrame, panel: pl.DataFrame, *, features: Sequence[str], lookback: int, calendar: Sequence[date]
) -> pl.DataFrame:
    """Add the sessions that are looked back to, beside rows that are learned from or scored.

    Parameters
    ----------
    rows
        `symbol, date` and any columns; those among `features` are taken from the panel.
    panel
        `symbol, date, <features>`: the same rows and those of earlier sessions.
    features
        Columns that are looked back to.
    lookback
        Number of sessions of the calendar before the first of `rows`.
    calendar
        Sessions, ascending, from the first one that is looked back to.

    Returns
    -------
    polars.DataFrame
        `symbol, date, <features>`, the other columns of `rows` (null on rows that are only looked back to), `session`
        (its number in the calendar) and `is_wanted` (whether the row is among `rows`), sorted by date and symbol.
    """
    if rows.is_empty():
        first = last = None
    else:
        days = rows["date"].unique().sort()
        first, last = calendar[max(0, bisect_left(calendar, days[0]) - lookback)], days[-1]
    others = [name for name in rows.columns if name not in features]
    numbered = pl.DataFrame({"date": calendar, "session": range(len(calendar))}, schema_overrides={"date": pl.Date})
    return (
        panel.lazy()
        .filter(pl.col("date").is_between(first, last))
        .select(*KEYS, *features)
        .join(rows.lazy().select(others).with_columns(pl.lit(value=True).alias(IS_WANTED)), on=KEYS, how="left")
        .with_columns(pl.col(IS_WANTED).fill_null(value=False))
        .join(numbered.lazy(), on="date", how="inner")
        .sort("date", "symbol")
        .collect()
    )


@dataclass(frozen=True)
class Windows:
    """Windows of rows as arrays, made on request: a panel of windows would be `lookback` times its size.

    Attributes
    ----------
    values
        Features by name and session (names x sessions x features, Float32); NaN where a name has no row.
    places
        Name and session of each row, n x 2.
    lookback
        Sessions before its own in the window of a row.

    Examples
    --------
    >>> rows = pl.DataFrame({"symbol": ["A", "A", "A"], "session": [0, 1, 2], "x": [1.0, 2.0, 4.0]})
    >>> Windows.of(rows, ["x"], lookback=1)[[2]].tolist()
    [[[2.0], [4.0]]]
    """

    values: NDArray[np.float32]
    places: NDArray[np.int64]
    lookback: int

    @classmethod
    def of(cls, rows: pl.DataFrame, features: Sequence[str], *, lookback: int) -> Windows:
        """Windows of each row of a frame with `symbol, session` and the features, in its order."""
        names = rows["symbol"].rank("dense").cast(pl.Int64).to_numpy() - 1
        sessions = rows["session"].cast(pl.Int64).to_numpy()
        sessions = sessions - (sessions.min() if len(sessions) else 0) + lookback
        shape = (names.max() + 1, sessions.max() + 1, len(features)) if len(names) else (0, 0, len(features))
        values = np.full(shape, np.nan, dtype=np.float32)
        values[names, sessions] = rows.select(features).to_numpy()
        return cls(values, np.column_stack([names, sessions]), lookback)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        """Windows of some rows: rows x (lookback + 1) x features, the row's own session last."""
        names, sessions = self.places[np.asarray(rows)].T
        found: NDArray[np.float32] = self.values[
            names[:, None], sessions[:, None] + np.arange(-self.lookback, 1)[None, :]
        ]
        return found
