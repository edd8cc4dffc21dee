"""Growth of a book: its equity at each close as a multiple of what it began with, below zero too.

Returns compound to the growth while there is equity. A session that begins without equity has no return, so from the
first close at or below zero on the growth is the equity itself over the equity at the start. Total return and drawdown
are those of the P&L table then, and a return over a span that begins without equity is null.
"""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

_CHANGES = ("price_pnl", "dividends", "commission", "slippage_cost")


def ruined_on(rows: pl.DataFrame) -> date | None:
    """First session whose close leaves no equity, None if there is none; `rows` by date."""
    days = rows.filter(pl.col("equity") <= 0)["date"]
    return days[0] if days.len() else None


def equity_before(rows: pl.DataFrame) -> NDArray[np.float64]:
    """Equity before each session, in currency; NaN before the first where nothing says it.

    Parameters
    ----------
    rows : polars.DataFrame
        `date, daily_return, equity` of one book, by date. A first session that loses exactly everything does not say
        what it lost: then `price_pnl`, `dividends`, `commission` and `slippage_cost` do, if they are there.
    """
    equity = rows["equity"].to_numpy()
    if ruined_on(rows) is None:
        return np.asarray(equity / (1.0 + rows["daily_return"].to_numpy()), dtype=np.float64)
    return np.concatenate(([_opening(rows)], equity[:-1]))


def growth(rows: pl.DataFrame) -> NDArray[np.float64]:
    """Equity at each close over the equity before the first session.

    Parameters
    ----------
    rows : polars.DataFrame
        `date, daily_return, equity` of one book, by date.
    """
    compounded = np.cumprod(1.0 + rows["daily_return"].to_numpy())
    if ruined_on(rows) is None:
        return np.asarray(compounded, dtype=np.float64)
    equity, first = rows["equity"].to_numpy(), int(np.argmax(rows["equity"].to_numpy() <= 0))
    after = np.where(equity[first:] == 0.0, 0.0, equity[first:] / _opening(rows))
    return np.concatenate((compounded[:first], after))


def with_equity(rows: pl.DataFrame) -> pl.DataFrame:
    """Sessions that begin with equity, which are those that have a return; by date."""
    if ruined_on(rows) is None:
        return rows
    return rows.filter(pl.Series(equity_before(rows) > 0) | (pl.int_range(pl.len()) == 0))


def returns_of_spans(rows: pl.DataFrame, *spans: pl.Expr, name: str) -> pl.DataFrame:
    """Return of each span of sessions, such as a month, after costs.

    Parameters
    ----------
    rows : polars.DataFrame
        `date, daily_return, equity` of one book, by date.
    *spans : polars.Expr
        What the sessions of a span have in common.
    name : str
        Column of the returns.

    Returns
    -------
    polars.DataFrame
        The spans in their order and their returns, fractions; null for a span that begins without equity.
    """
    if ruined_on(rows) is None:
        found = rows.group_by(*spans).agg(((1.0 + pl.col("daily_return")).product() - 1.0).alias(name))
    else:
        before, change = pl.col("_before").first(), pl.col("equity").last() / pl.col("_before").first() - 1.0
        is_lost = (pl.col("equity").last() == 0) & before.is_nan()
        value = pl.when(before > 0, before.is_not_nan()).then(change).when(is_lost).then(-1.0)
        found = (
            rows.with_columns(_before=pl.Series(equity_before(rows)))
            .group_by(*spans, maintain_order=True)
            .agg(value.alias(name))
        )
    return found.sort(found.columns[:-1])


def yearly(total: float, sessions: int, sessions_per_year: int) -> float:
    """Growth per year of a total return, a fraction; NaN where the equity ends below zero."""
    if total > -1:
        return float((1.0 + total) ** (sessions_per_year / sessions) - 1.0)
    return -1.0 if total == -1 else math.nan


def _opening(rows: pl.DataFrame) -> float:
    """Equity before the first session; a session begins with equity or has a return of 0."""
    first = rows.row(0, named=True)
    if first["daily_return"] != -1.0:
        return float(first["equity"] / (1.0 + first["daily_return"]))
    if not set(_CHANGES) <= set(rows.columns):
        return math.nan
    gained, received, commission, slippage = (first[name] for name in _CHANGES)
    return float(first["equity"] - (gained + received - commission - slippage))
