"""Assets about the quality of the data: failures, coverage, anomalies, source comparison, restatements, maintenance."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import cast

import dagster as dg
import polars as pl

from trading_assets.desk import mappings
from trading_assets.desk.clock import now
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import Partitions, desk_partitions
from trading_assets.desk.retries import retry_when_not_ready
from trading_assets.desk.stage import Asset
from trading_assets.lake import Lake, LakeFrame, Scope
from trading_assets.lake.bridge.contract_check import is_tolerated
from trading_assets.lake.bridge.table_assets import run_scope_of, table_asset, table_in
from trading_assets.market_data import quality
from trading_assets.market_data.assets.common import OWNER, as_table
from trading_assets.market_data.contract import (
    ANOMALIES,
    BARS_DAILY,
    CORPORATE_ACTIONS,
    COVERAGE,
    RESTATEMENTS,
    SOURCE_COMPARISON,
    SOURCE_FAILURES,
    SYMBOL_MAINTENANCE,
    SYMBOLS,
)
from trading_assets.market_data.ingest import closed_sessions
from trading_assets.market_data.listing import listed_partitions
from trading_assets.market_data.quality import QualityRules
from trading_assets.market_data.quality.restatements import TABLES as TABLES_OF_BARS
from trading_assets.market_data.source_policy import source_policy
from trading_assets.market_data.sources import PartialAnswerError
from trading_assets.market_data.split_jumps import split_like_jumps

_SHOWN = 20
_LOOK_BACK_YEARS = quality.RELISTED_YEARS
# Metadata of market_data.restatements: the newest snapshot whose changes it has reported.
REPORTED_THROUGH = "reported_through"


def assets(desk: Desk) -> list[Asset]:
    """Define the assets of data quality; the comparison if the settings name a source to compare with."""
    partitions, settings = desk.part(desk_partitions), desk.settings
    rules = settings.quality
    comparison = [_source_comparison(partitions, rules)] if settings.compare_with is not None else []
    return [
        _source_failures(),
        _coverage(partitions),
        _anomalies(partitions, rules),
        _restatements(),
        _symbol_maintenance(rules),
        *comparison,
    ]


def _source_failures() -> dg.AssetSpec:
    """The table that every asset filled from sources writes."""
    return dg.AssetSpec(
        SOURCE_FAILURES.asset_key,
        group_name="market_data",
        description=SOURCE_FAILURES.meaning,
        owners=[f"team:{OWNER}"],
        kinds={"parquet"},
        metadata={"dagster/table_name": SOURCE_FAILURES.table},
    )


def _coverage(partitions: Partitions) -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(COVERAGE, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.panel,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"symbols": table_in(SYMBOLS), "bars_daily": table_in(BARS_DAILY)},
    )
    def coverage(
        context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk], symbols: LakeFrame, bars_daily: LakeFrame
    ) -> pl.DataFrame:
        scope = run_scope_of(context, COVERAGE)
        (first, last), names = scope.window(), scope.values["symbol"]
        listed = symbols.read(symbol=names)
        with retry_when_not_ready(desk.settings.retry_seconds):
            needed = answered_partitions(bars_daily, listed, partitions.existing_years(first.year, last.year))
            bars_daily.require_written(needed, for_what=f"{COVERAGE.table} ({scope.describe()})")
        found = quality.coverage(
            bars_daily.read(["symbol", "date"], start=first, end=last, symbol=names),
            quarantined_bars(desk.lake, names, first, last),
            listed,
            closed_sessions(desk.settings, first, last, now()),
        )
        figures = {name: int(found[name].sum()) for name in ("expected", "present", "quarantined")}
        context.add_output_metadata(figures)
        return found

    return cast("dg.AssetsDefinition", coverage)


def _anomalies(partitions: Partitions, rules: QualityRules) -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(ANOMALIES, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.panel,
        # One run per range: the sessions before a year must be there when the year is examined.
        backfill_policy=dg.BackfillPolicy.multi_run(1_000_000),
        ins={
            "symbols": table_in(SYMBOLS),
            "bars_daily": table_in(BARS_DAILY, mappings.same_symbol_with_look_back(_LOOK_BACK_YEARS)),
            "corporate_actions": table_in(CORPORATE_ACTIONS, mappings.same_symbol_with_look_back(_LOOK_BACK_YEARS)),
        },
    )
    def anomalies(
        context: dg.AssetExecutionContext,
        desk: dg.ResourceParam[Desk],
        symbols: LakeFrame,
        bars_daily: LakeFrame,
        corporate_actions: LakeFrame,
    ) -> pl.DataFrame:
        scope = run_scope_of(context, ANOMALIES)
        (first, last), names = scope.window(), scope.values["symbol"]
        start = max(first.replace(year=first.year - _LOOK_BACK_YEARS), partitions.first_day)
        listed = symbols.read(symbol=names)
        with retry_when_not_ready(desk.settings.retry_seconds):
            for upstream in (bars_daily, corporate_actions):
                needed = answered_partitions(upstream, listed, partitions.existing_years(start.year, last.year))
                upstream.require_written(needed, for_what=f"{ANOMALIES.table} ({scope.describe()})")
        bars = bars_daily.read(start=start, end=last, symbol=names)
        actions = corporate_actions.read(start=start, end=last, symbol=names)
        found = quality.anomalies(
            bars,
            actions,
            quarantined_bars(desk.lake, names, start, last),
            listed,
            closed_sessions(desk.settings, start, last, now()),
            jumps=split_like_jumps(bars, actions),
            rules=rules,
            since=partitions.first_day,
        ).filter(pl.col("date") >= first)
        counts = found.group_by("kind").agg(rows=pl.len(), names=pl.col("symbol").n_unique()).sort("kind")
        context.add_output_metadata({"anomalies": as_table(counts)})
        return found

    return cast("dg.AssetsDefinition", anomalies)


def _source_comparison(partitions: Partitions, rules: QualityRules) -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(SOURCE_COMPARISON, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.panel,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"bars_daily": table_in(BARS_DAILY)},
    )
    def source_comparison(
        context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk], bars_daily: LakeFrame
    ) -> pl.DataFrame:
        scope, other = run_scope_of(context, SOURCE_COMPARISON), desk.part(source_policy).comparison_source
        (first, last), names = scope.window(), scope.values["symbol"]
        before = LakeFrame(desk.lake, SOURCE_COMPARISON).read(start=first, end=last, symbol=names)
        days = closed_sessions(desk.settings, first, last, now())
        days = days[-rules.comparison_sessions :] if other is not None and other.is_remote else days
        if other is None or not days:
            return before
        bars, failures = quality.other_bars(other, names, days[0], days[-1])
        compared = [name for name in names if name not in failures]
        stored = bars_daily.read(start=days[0], end=days[-1], symbol=compared)
        found = quality.compare_bars(stored, bars.filter(pl.col("date").is_in(days)), rules, other_source=other.name)
        if failures:
            context.log.warning(f"not compared with {other.name}: {PartialAnswerError(bars, failures)}")
        context.add_output_metadata(
            {"bars_compared": stored.height, "differences": found.height, "names_not_compared": len(failures)}
        )
        is_again = pl.col("symbol").is_in(compared) & pl.col("date").is_between(days[0], days[-1])
        return pl.concat([before.filter(~is_again), found])

    return cast("dg.AssetsDefinition", source_comparison)


def _restatements() -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(RESTATEMENTS, owner=OWNER, kinds={"duckdb"}),
        deps=[dg.AssetDep(contract.asset_key) for contract in TABLES_OF_BARS],
    )
    def restatements(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> pl.DataFrame:
        since, until = reported_snapshot(context.instance), desk.lake.current_snapshot()
        before = LakeFrame(desk.lake, RESTATEMENTS).read()
        found = quality.restatements_between(desk.lake, since or 0, until)
        new = found.join(before, on=RESTATEMENTS.key, how="anti")
        context.add_output_metadata(
            {REPORTED_THROUGH: until, "fields_restated": new.height, "newest": as_table(new.tail(_SHOWN))}
        )
        return pl.concat([before, new])

    return cast("dg.AssetsDefinition", restatements)


def _symbol_maintenance(rules: QualityRules) -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(SYMBOL_MAINTENANCE, owner=OWNER, kinds={"polars"}),
        ins={"symbols": table_in(SYMBOLS), "bars_daily": table_in(BARS_DAILY, mappings.everything_so_far())},
        deps=[SOURCE_FAILURES.asset_key],
    )
    def symbol_maintenance(
        context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk], symbols: LakeFrame, bars_daily: LakeFrame
    ) -> pl.DataFrame:
        listed, lake, table = symbols.read(), desk.lake, bars_daily.table
        if listed.is_empty() or not lake.has_table(table):
            return SYMBOL_MAINTENANCE.empty()
        bars = f"lake.{table} SEMI JOIN lake.{SYMBOLS.table} USING (symbol)"
        traded = lake.query(f"SELECT date, count(*) AS names FROM {bars} GROUP BY date ORDER BY date")
        proposed = quality.propose_maintenance(
            listed,
            lake.query(f"SELECT symbol, max(date) AS last_bar FROM {bars} GROUP BY symbol"),
            traded,
            LakeFrame(lake, SOURCE_FAILURES).read(table_name=table),
            closed_sessions(desk.settings, traded["date"].min() or date.max, date.max, now()),  # type: ignore[arg-type]
            rules,
        )
        context.add_output_metadata({"proposals": as_table(proposed)})
        return proposed

    return cast("dg.AssetsDefinition", symbol_maintenance)


def reported_snapshot(instance: dg.DagsterInstance) -> int | None:
    """Return the newest snapshot whose restatements have been reported; None if there was no report yet."""
    event = instance.get_latest_materialization_event(dg.AssetKey(RESTATEMENTS.asset_key))
    metadata = event.asset_materialization.metadata if event and event.asset_materialization else {}
    return int(str(metadata[REPORTED_THROUGH].value)) if REPORTED_THROUGH in metadata else None


def quarantined_bars(lake: Lake, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
    """Read the quarantined daily bars of symbols in a span, without those of no symbol: symbol, date, rule."""
    if not lake.has_table(BARS_DAILY.quarantine_table):
        return pl.DataFrame(schema={"symbol": pl.String, "date": pl.Date, "rule": pl.String})
    where = Scope({"symbol": tuple(symbols)}, "date", first, last + timedelta(days=1)).sql()
    found = lake.query(f"SELECT symbol, date, rule FROM lake.{BARS_DAILY.quarantine_table} WHERE {where}")
    return found.filter(~is_tolerated(BARS_DAILY))


def answered_partitions(table: LakeFrame, listed: pl.DataFrame, years: Sequence[int]) -> list[str]:
    """List the partitions of a table that must have been written: those of listed symbols without a failure."""
    failed = LakeFrame(table.lake, SOURCE_FAILURES).read(["symbol"], table_name=table.table)["symbol"].to_list()
    answered = listed.filter(~pl.col("symbol").is_in(failed))
    return listed_partitions(answered, answered["symbol"], years)
