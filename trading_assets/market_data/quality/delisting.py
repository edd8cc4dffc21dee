"""Symbol maintenance: symbols that have stopped delivering bars, and what to do about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from trading_assets.desk.configuration import QualityRules
from trading_assets.market_data.contract import SYMBOL_MAINTENANCE
from trading_assets.market_data.quality._shape import as_rows, where

_DELIST_AT_ONCE = ("unknown_symbol", "delisted")
_DELIST = (
    "record its delisting (market_data.listings) or remove it from the universe; "
    "if it trades on under another ticker, record the rename"
)


def propose_maintenance(
    symbols: pl.DataFrame,
    last_bars: pl.DataFrame,
    traded: pl.DataFrame,
    failures: pl.DataFrame,
    sessions: Sequence[date],
    rules: QualityRules,
) -> pl.DataFrame:
    """Propose to watch, or to delist, symbols without new bars.

    A session counts as missed only if at least `market_share` of the symbols that used to trade have a bar of it: the
    outage of a source says nothing about a symbol.

    Parameters
    ----------
    symbols : polars.DataFrame
        Rows of market_data.symbols: symbol, first_session, delisted_on.
    last_bars : polars.DataFrame
        Last session with a bar: symbol, last_bar; symbols without any bar are absent.
    traded : polars.DataFrame
        How many symbols have a bar by session: date, names; sessions without any are absent.
    failures : polars.DataFrame
        Failures of the daily bars: symbol, source, reason, message.
    sessions : sequence of date
        Sessions of the exchange whose close has passed.
    rules : QualityRules
        Limits.

    Returns
    -------
    polars.DataFrame
        Rows of market_data.symbol_maintenance, sorted by symbol; none for a symbol whose delisting is recorded.
    """
    market = _market_sessions(traded, sessions, rules)
    listed = symbols.filter(
        pl.col("delisted_on").is_null() | (pl.col("delisted_on") > pl.lit(max(sessions, default=date.min)))
    ).join(last_bars, on="symbol", how="left")
    counted = listed.with_columns(
        missing_sessions=market.len()
        - market.search_sorted(listed["last_bar"].fill_null(date.min), side="right").cast(pl.Int64),
        since_listed=market.len() - market.search_sorted(listed["first_session"], side="left").cast(pl.Int64),
    ).with_columns(missing_sessions=pl.min_horizontal("missing_sessions", "since_listed"))
    failed = (
        failures.filter(pl.col("reason").is_in(_DELIST_AT_ONCE)).unique("symbol", keep="first", maintain_order=True)
    ).select("symbol", "reason", "message", failed_source="source")
    judged = counted.join(failed, on="symbol", how="left").with_columns(
        proposal=pl.when(pl.col("reason").is_not_null() | (pl.col("missing_sessions") >= rules.delist_after))
        .then(pl.lit("delist"))
        .when(pl.col("missing_sessions") >= rules.watch_after)
        .then(pl.lit("watch"))
    )
    proposed = where(judged, pl.col("proposal").is_not_null()).with_columns(reason=_reason(rules))
    return as_rows(proposed, SYMBOL_MAINTENANCE)


def _market_sessions(traded: pl.DataFrame, sessions: Sequence[date], rules: QualityRules) -> pl.Series:
    """Sessions in which the market traded: enough of the symbols that traded in the window before have a bar."""
    days = pl.DataFrame({"date": pl.Series(list(sessions), dtype=pl.Date)}).join(traded, on="date", how="left")
    names = pl.col("names").fill_null(0).cast(pl.Int64)
    usual = names.rolling_max(rules.window_sessions, min_samples=1)
    return days.sort("date").filter((names > 0) & (names >= rules.market_share * usual))["date"]


def _reason(rules: QualityRules) -> pl.Expr:
    last = pl.coalesce(pl.format("its last bar is of {}", "last_bar"), pl.lit("it has no bar"))
    silent = pl.format("{}: it missed {} sessions in which other symbols traded", last, "missing_sessions")
    return (
        pl.when(pl.col("reason").is_not_null())
        .then(pl.format("{} reports {}: {}; {}", "failed_source", "reason", "message", pl.lit(_DELIST)))
        .when(pl.col("proposal") == "delist")
        .then(pl.format("{}; {}", silent, pl.lit(_DELIST)))
        .otherwise(
            pl.format("{}; look for a halt; after {} sessions record a delisting", silent, pl.lit(rules.delist_after))
        )
    )
