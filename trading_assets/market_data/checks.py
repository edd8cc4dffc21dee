"""Checks of market data: answered by its sources, of one feed, complete, plausible, unchanged since it was stored."""

from collections.abc import Mapping
from functools import partial

import dagster as dg
import polars as pl

from trading_assets.desk.checks import ScopeCheck, scope_check
from trading_assets.desk.desk import Desk
from trading_assets.desk.pictures import as_markdown_image
from trading_assets.lake import Contract, LakeFrame, Scope
from trading_assets.lake.store._literals import literal
from trading_assets.market_data.assets.common import as_table
from trading_assets.market_data.contract import (
    ANOMALIES,
    BARS_DAILY,
    BARS_HOURLY,
    BARS_MINUTE,
    COMPANIES,
    CORPORATE_ACTIONS,
    COVERAGE,
    FUNDAMENTALS,
    NEWS,
    RESTATEMENTS,
    SOURCE_COMPARISON,
    SOURCE_FAILURES,
    SYMBOL_MAINTENANCE,
)

_BARS = (BARS_DAILY, BARS_HOURLY, BARS_MINUTE)
_ANSWERED = (*_BARS, CORPORATE_ACTIONS, COMPANIES, FUNDAMENTALS, NEWS)
_WARN = dg.AssetCheckSeverity.WARN
# The most telling ones first: a check shows only the first rows.
ORDER_OF_KINDS = ("relisted", "split_without_action", "outlier", "stale", "zero_volume")


def unanswered_symbols(desk: Desk, scope: Scope, run_id: str, *, table: str) -> pl.DataFrame:
    """Symbols of the run that no source answered, with the reason and the remedy."""
    del run_id
    rows = LakeFrame(desk.lake, SOURCE_FAILURES).read(table_name=table, symbol=scope.values.get("symbol"))
    return rows.select("symbol", "source", "reason", "message")


def mixed_feeds(desk: Desk, scope: Scope, run_id: str, *, table: str) -> pl.DataFrame:
    """Bars of the whole table from another feed than most bars of the same source, by symbol."""
    del scope, run_id
    if "feed" not in desk.lake.stored_columns(table):
        return pl.DataFrame()
    return desk.lake.query(
        f"WITH feeds AS (SELECT source, feed, count(*) AS bars FROM lake.{table} WHERE feed IS NOT NULL GROUP BY ALL), "
        "ranked AS (SELECT *, row_number() OVER (PARTITION BY source ORDER BY bars DESC, feed) AS place, "
        "first_value(feed) OVER (PARTITION BY source ORDER BY bars DESC, feed) AS usual FROM feeds), "
        "strays AS (SELECT source, feed, usual FROM ranked WHERE place > 1) "
        "SELECT symbol, source, feed, usual AS feed_of_the_other_bars, count(*) AS bars, "
        "min(date) AS first_date, max(date) AS last_date, "
        "'fetch them again from one feed' AS remedy "
        f"FROM lake.{table} JOIN strays USING (source, feed) GROUP BY ALL ORDER BY symbol, source, feed"
    )


def thin_coverage(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Months of the run in which a symbol has too small a share of its expected bars, the worst first."""
    del run_id
    rows = _of_scope(desk, COVERAGE, scope).filter(pl.col("expected") > 0)
    share = pl.col("present") / pl.col("expected")
    least = desk.settings.quality.min_coverage
    thin = rows.filter(share < least).with_columns(share=share.round(4))
    return thin.sort("share", "symbol", "period")


def coverage_shown(desk: Desk, scope: Scope, run_id: str) -> dict[str, dg.MetadataValue]:
    """Symbols with the least coverage, and the heat map of symbols and months."""
    del run_id
    from trading_assets.market_data.quality.heat_map import coverage_heat_map, worst_names

    rows = _of_scope(desk, COVERAGE, scope)
    if rows.is_empty():
        return {}
    picture = as_markdown_image(coverage_heat_map(rows), "coverage by name and month")
    return {"worst_names": as_table(worst_names(rows)), "heat_map": dg.MetadataValue.md(picture)}


def found_anomalies(desk: Desk, scope: Scope, run_id: str) -> Mapping[str, pl.DataFrame]:
    """Missing sessions by run, and bars that look wrong."""
    del run_id
    rows = _of_scope(desk, ANOMALIES, scope)
    missing, odd = rows.filter(kind="gap"), rows.filter(pl.col("kind") != "gap")
    runs = missing.with_columns(run=(pl.col("value") == 1).cum_sum().over("symbol"))
    by_run = runs.group_by("symbol", "run").agg(
        first_date=pl.col("date").min(),
        last_date=pl.col("date").max(),
        sessions=pl.len(),
        message=pl.col("message").last(),
    )
    place = pl.col("kind").replace_strict(ORDER_OF_KINDS, range(len(ORDER_OF_KINDS)), return_dtype=pl.Int64)
    return {
        "gaps": by_run.drop("run").sort(["sessions", "symbol", "first_date"], descending=[True, False, False]),
        "anomalies": odd.sort(place, "symbol", "date"),
    }


def other_values(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Fields of the run's bars in which another source differs."""
    del run_id
    return _of_scope(desk, SOURCE_COMPARISON, scope)


def newly_restated(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Restatements that this run has found: the rows that its snapshot added."""
    del scope
    stage, name = RESTATEMENTS.asset_key
    commits = desk.lake.query(
        f"SELECT snapshot_id FROM lake.snapshots() WHERE author = {literal(run_id)} "
        f"AND starts_with(commit_message, {literal(RESTATEMENTS.table + ' by ')})"
    )["snapshot_id"]
    found = [
        desk.lake.query(f"FROM ducklake_table_insertions('lake', '{stage}', '{name}', {commit}, {commit})")
        for commit in commits
    ]
    return pl.concat(found).sort(RESTATEMENTS.key) if found else RESTATEMENTS.empty()


def proposals(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Symbols that have stopped delivering bars."""
    del run_id
    return _of_scope(desk, SYMBOL_MAINTENANCE, scope).sort("proposal", "symbol")


def _of_scope(desk: Desk, contract: Contract, scope: Scope) -> pl.DataFrame:
    first, last = scope.window() if scope.start else (None, None)
    return LakeFrame(desk.lake, contract).read(start=first, end=last, **scope.values)


CHECKS = (
    *(
        scope_check(
            contract,
            "answered",
            "A source has answered for every symbol of the run.",
            partial(unanswered_symbols, table=contract.table),
            blocking=False,
        )
        for contract in _ANSWERED
    ),
    *(
        scope_check(
            contract,
            "one_feed",
            "All bars of a source are from one feed, for instance iex or sip.",
            partial(mixed_feeds, table=contract.table),
        )
        for contract in _BARS
    ),
    scope_check(
        COVERAGE,
        "complete",
        "Every month has enough of the expected bars of a symbol (the setting quality.min_coverage).",
        thin_coverage,
        blocking=False,
        severity=_WARN,
        shown=coverage_shown,
    ),
    ScopeCheck(
        ANOMALIES,
        {
            "gaps": "Every listed symbol has a bar of every session.",
            "anomalies": "No bar is an outlier, is stale, has no volume, or jumps like a split that is not recorded.",
        },
        found_anomalies,
        blocking=False,
        severity=_WARN,
    ),
    scope_check(
        SOURCE_COMPARISON,
        "comparison",
        "Another source has the same bars, within the tolerance.",
        other_values,
        blocking=False,
        severity=_WARN,
    ),
    scope_check(
        RESTATEMENTS,
        "restated",
        "No stored bar was changed since the last report.",
        newly_restated,
        blocking=False,
        severity=_WARN,
    ),
    scope_check(
        SYMBOL_MAINTENANCE,
        "delivering",
        "Every listed symbol continues to deliver bars.",
        proposals,
        blocking=False,
        severity=_WARN,
    ),
)
