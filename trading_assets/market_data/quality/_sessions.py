"""Sessions as numbers, and those for which a symbol should have a bar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl


def numbered(sessions: Sequence[date]) -> pl.DataFrame:
    """Number sessions in order: date, session (Int64)."""
    days = pl.Series("date", list(sessions), dtype=pl.Date).unique().sort()
    return pl.DataFrame({"date": days, "session": pl.int_range(days.len(), eager=True)})


def expected_spans(symbols: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Find the sessions in which each symbol is listed, by number: symbol, first (included), end (excluded).

    A symbol is listed from its first session until its delisting: one that merely stops delivering bars is still
    expected to have them.

    Parameters
    ----------
    symbols : polars.DataFrame
        Rows of market_data.symbols: symbol, first_session, delisted_on.
    sessions : sequence of date
        Sessions of the exchange whose close has passed.
    """
    days = numbered(sessions)["date"]
    first = days.search_sorted(symbols["first_session"], side="left")
    end = days.search_sorted(symbols["delisted_on"].fill_null(date.max), side="left")
    spans = pl.DataFrame({"symbol": symbols["symbol"], "first": first, "end": end})
    return spans.with_columns(pl.col("first", "end").cast(pl.Int64)).filter(pl.col("first") < pl.col("end"))
