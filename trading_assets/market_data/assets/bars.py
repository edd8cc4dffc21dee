"""Assets of raw daily bars and of corporate actions."""

from datetime import timedelta
from functools import partial
from typing import cast

import dagster as dg
import polars as pl

from trading_assets.desk import conditions
from trading_assets.desk.calendar import first_session, sessions
from trading_assets.desk.clock import last_close, now
from trading_assets.desk.desk import Desk
from trading_assets.desk.exchange import desk_exchange
from trading_assets.desk.partitions import Partitions, desk_partitions
from trading_assets.lake.bridge.io_manager import Written
from trading_assets.lake.bridge.table_assets import run_scope_of, table_asset
from trading_assets.market_data.assets.common import OWNER, catch_all, fill
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS, SYMBOLS
from trading_assets.market_data.ingest import SourcedTable, read_bars, read_rows
from trading_assets.market_data.ingest.settle import bar_rules, settle_bars
from trading_assets.market_data.source_policy import source_policy

_FARTHEST_EX_DATE = timedelta(days=366)


def assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Define the corporate actions, and the daily bars if a source has them."""
    partitions = desk.part(desk_partitions)
    fresh = conditions.fresh_after_close(desk.settings, desk.part(desk_exchange))
    found = [_bars_daily(partitions, fresh)] if desk.part(source_policy).of("bars_daily") else []
    return [*found, _corporate_actions(partitions, fresh)]


def _bars_daily(partitions: Partitions, fresh: dg.FreshnessPolicy | None) -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(BARS_DAILY, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.panel,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[SYMBOLS.asset_key],
        freshness_policy=fresh,
    )
    def bars_daily(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> Written:
        code = desk.settings.exchange
        known = (first_session(code), last_close(code, now()))
        rules = bar_rules(sessions(code, *run_scope_of(context, BARS_DAILY).window()), known[1], code)
        read = partial(read_bars, catch_all=catch_all(context, desk), known=known, interval="1d")
        return fill(context, desk, SourcedTable(BARS_DAILY, read, rules, settle_bars, has_sessions=True))

    return cast("dg.AssetsDefinition", bars_daily)


def _corporate_actions(partitions: Partitions, fresh: dg.FreshnessPolicy | None) -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(CORPORATE_ACTIONS, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.panel,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[SYMBOLS.asset_key],
        freshness_policy=fresh,
    )
    def corporate_actions(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> Written:
        rules = {"ex_date is more than a year ahead": pl.col("ex_date") > now().date() + _FARTHEST_EX_DATE}
        read = partial(read_rows, method="corporate_actions", time="ex_date", catch_all=catch_all(context, desk))
        return fill(context, desk, SourcedTable(CORPORATE_ACTIONS, read, rules))

    return cast("dg.AssetsDefinition", corporate_actions)
