"""Assets of the universe: its symbols, which belong to it when, and listing events."""

from typing import cast

import dagster as dg
import polars as pl

from trading_assets.desk import conditions
from trading_assets.desk.clock import now
from trading_assets.desk.desk import Desk
from trading_assets.desk.exchange import Exchange, desk_exchange
from trading_assets.desk.partitions import Partitions, desk_partitions
from trading_assets.desk.retries import retry_when_not_ready
from trading_assets.lake import LakeFrame
from trading_assets.lake.bridge.table_assets import run_scope_of, table_asset, table_in
from trading_assets.market_data.assets.common import OWNER, catch_all
from trading_assets.market_data.contract import LISTINGS, MEMBERSHIP, SYMBOLS
from trading_assets.market_data.ingest import replace_failures
from trading_assets.market_data.listing import all_listings, listed_names
from trading_assets.market_data.source_policy import primary_source, source_policy
from trading_assets.market_data.universe import member_lists, membership_of

_SHOWN = 20


def assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Define the symbols, their membership and their listing events."""
    exchange = desk.part(desk_exchange)
    return [_symbols(exchange), _membership(), _listings(desk.part(desk_partitions))]


def _symbols(exchange: Exchange) -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(SYMBOLS, owner=OWNER, kinds={"polars"}), automation_condition=conditions.after_close(exchange)
    )
    def symbols(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> pl.DataFrame:
        universe = desk.settings.universe
        with retry_when_not_ready(desk.settings.retry_seconds):
            listed, failures = listed_names(desk.part(primary_source), universe)
        replace_failures(desk.lake, SYMBOLS.table, [*listed["symbol"], *failures], failures, now())
        before = LakeFrame(desk.lake, SYMBOLS).read(symbol=list(failures))
        malformed = [line for one in member_lists(universe) for line in one.malformed]
        context.add_output_metadata(
            {
                "symbols_unanswered": len(failures),
                "unanswered": ", ".join(sorted(failures)[:_SHOWN]),
                "lines_malformed": "; ".join(malformed[:_SHOWN]),
            }
        )
        return pl.concat([listed, before])

    return cast("dg.AssetsDefinition", symbols)


def _membership() -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(MEMBERSHIP, owner=OWNER, kinds={"polars"}),
        automation_condition=conditions.after_upstream_changed(),
        ins={"symbols": table_in(SYMBOLS)},
    )
    def membership(desk: dg.ResourceParam[Desk], symbols: LakeFrame) -> pl.DataFrame:
        before = LakeFrame(desk.lake, MEMBERSHIP).read()
        return membership_of(
            desk.settings.universe, symbols.read(), before, start=desk.settings.start, today=now().date()
        )

    return cast("dg.AssetsDefinition", membership)


def _listings(partitions: Partitions) -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(LISTINGS, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.panel,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"symbols": table_in(SYMBOLS)},
    )
    def listings(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk], symbols: LakeFrame) -> pl.DataFrame:
        scope = run_scope_of(context, LISTINGS)
        with retry_when_not_ready(desk.settings.retry_seconds):
            listed = symbols.read(symbol=scope.values["symbol"])
            sources = desk.part(source_policy).of("listings")
            return all_listings(sources, listed, scope, catch_all=catch_all(context, desk))

    return cast("dg.AssetsDefinition", listings)
