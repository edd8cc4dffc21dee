"""Returns that a sizing may know: total returns of the sessions up to a decision, close to close."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from trading_assets.point_in_time.backward_adjustment import steps_between_bars

RETURNS_SCHEMA = pl.Schema({"rebalance": pl.Date, "symbol": pl.String, "date": pl.Date, "return": pl.Float64})


def session_returns(bars: pl.DataFrame, actions: pl.DataFrame, calendar_sessions: Sequence[date]) -> pl.DataFrame:
    """Total return of each session from the close of the session before.

    A return includes splits and cash dividends in between, and depends, to the last bit, only on its two bars and the
    actions between them.

    Parameters
    ----------
    bars
        Raw bars: `symbol, date, close`, one row for each symbol and date.
    actions
        Corporate actions: `symbol, ex_date, kind, value`.
    calendar_sessions
        The exchange's sessions that `bars` lie in.

    Returns
    -------
    polars.DataFrame
        `symbol, date, return` by symbol and date. A symbol without a bar in one of the two sessions has no row: a price
        of another session is never taken instead.
    """
    numbered = pl.DataFrame({"date": sorted(calendar_sessions)}, schema={"date": pl.Date}).with_row_index("session")
    rows = bars.select("symbol", "date", "close").join(numbered, on="date").sort("symbol", "date")
    steps = steps_between_bars(rows, actions).select("symbol", "date", "ratio", "cash")
    held = rows.join(steps, on=["symbol", "date"], how="left", maintain_order="left").with_columns(
        pl.col("ratio").fill_null(1.0), pl.col("cash").fill_null(0.0)
    )
    before = pl.col("close", "session", "ratio", "cash").shift(1).over("symbol").name.prefix("before_")
    return (
        held.with_columns(before)
        .filter(pl.col("session") == pl.col("before_session") + 1)
        .select(
            "symbol",
            "date",
            ((pl.col("close") * pl.col("before_ratio") + pl.col("before_cash")) / pl.col("before_close") - 1.0).alias(
                "return"
            ),
        )
    )


def returns_known(
    returns: pl.DataFrame, names: pl.DataFrame, calendar_sessions: Sequence[date], sessions: int
) -> pl.DataFrame:
    """Returns of some sessions up to each decision.

    Parameters
    ----------
    returns
        `symbol, date, return`, see `session_returns`.
    names
        `rebalance, symbol`: names of each rebalance session.
    calendar_sessions
        The exchange's sessions; those before the first rebalance session bound the look-back.
    sessions
        Number of sessions, the last being that of the decision.

    Returns
    -------
    polars.DataFrame
        `rebalance, symbol, date, return` by rebalance session, symbol and date.
    """
    days = pl.Series("date", sorted(calendar_sessions), dtype=pl.Date)
    decisions, symbols = (names[column].unique().sort() for column in ("rebalance", "symbol"))
    numbered, columns = _numbered(days, "date", "session"), _numbered(symbols, "symbol", "column")
    placed = returns.join(numbered, on="date").join(columns, on="symbol")
    values = np.full((days.len(), symbols.len()), np.nan)
    values[placed["session"].to_numpy(), placed["column"].to_numpy()] = placed["return"].to_numpy()
    scored = np.zeros((decisions.len(), symbols.len()), dtype=bool)
    wanted = names.join(_numbered(decisions, "rebalance", "row"), on="rebalance").join(columns, on="symbol")
    scored[wanted["row"].to_numpy(), wanted["column"].to_numpy()] = True

    ends = decisions.to_frame("date").join(numbered, on="date", maintain_order="left")["session"].to_numpy()
    windows = ends[:, None].astype(np.int64) + np.arange(1 - sessions, 1)
    # decision x symbol x session
    known = values[windows.clip(min=0)].transpose(0, 2, 1)
    is_known = np.isfinite(known) & scored[:, :, None] & (windows >= 0)[:, None, :]
    decision, column, session = np.nonzero(is_known)
    return pl.DataFrame(
        {
            "rebalance": decisions.gather(decision),
            "symbol": symbols.gather(column),
            "date": days.gather(windows[decision, session]),
            "return": known[is_known],
        },
        schema=RETURNS_SCHEMA,
    )


def _numbered(values: pl.Series, name: str, number: str) -> pl.DataFrame:
    return values.to_frame(name).with_row_index(number)
