"""Coverage: how many daily bars the calendar expects of each symbol and month, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from trading_assets.market_data.contract import COVERAGE
from trading_assets.market_data.quality._sessions import expected_spans, numbered
from trading_assets.market_data.quality._shape import as_rows

_KEY = ["symbol", "period"]


def coverage(
    bars: pl.DataFrame, quarantined: pl.DataFrame, symbols: pl.DataFrame, sessions: Sequence[date]
) -> pl.DataFrame:
    """Count expected, present and quarantined bars by symbol and month.

    Parameters
    ----------
    bars : polars.DataFrame
        Stored bars: symbol, date.
    quarantined : polars.DataFrame
        Quarantined bars: symbol, date.
    symbols : polars.DataFrame
        Rows of market_data.symbols: symbol, first_session, delisted_on.
    sessions : sequence of date
        Sessions of the window whose close has passed.

    Returns
    -------
    polars.DataFrame
        Rows of market_data.coverage, sorted; months without expected and without stored bars are left out.
    """
    counts = _expected(symbols, sessions)
    for name, found in (("present", _present(bars, symbols, sessions)), ("quarantined", quarantined)):
        by_month = found.group_by("symbol", period=pl.col("date").dt.truncate("1mo")).agg(pl.len().alias(name))
        counts = counts.join(by_month, on=_KEY, how="full", coalesce=True)
    figures = ("expected", "present", "quarantined")
    filled = counts.with_columns(pl.col(figures).fill_null(0)).filter(pl.max_horizontal(figures) > 0)
    return as_rows(filled, COVERAGE)


def _expected(symbols: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    months = (
        numbered(sessions)
        .group_by(period=pl.col("date").dt.truncate("1mo"))
        .agg(month_first=pl.col("session").min(), month_end=pl.col("session").max() + 1)
    )
    inside = pl.min_horizontal("end", "month_end") - pl.max_horizontal("first", "month_first")
    both = expected_spans(symbols, sessions).join(months, how="cross")
    return both.select("symbol", "period", expected=inside).filter(pl.col("expected") > 0)


def _present(bars: pl.DataFrame, symbols: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    listed = (
        bars.select("symbol", "date")
        .unique()
        .join(numbered(sessions), on="date")
        .join(expected_spans(symbols, sessions), on="symbol")
    )
    return listed.filter(pl.col("session").is_between("first", "end", closed="left"))
