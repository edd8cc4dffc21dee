"""Assets of intraday bars, by symbol and month, and of the longer bars that are built from shorter ones."""

from functools import partial
from typing import cast

import dagster as dg
import polars as pl

from trading_assets.desk import mappings
from trading_assets.desk.calendar import first_session, session_hours, sessions
from trading_assets.desk.clock import last_close, now
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import Partitions, desk_partitions
from trading_assets.desk.retries import retry_when_not_ready
from trading_assets.lake import Contract, LakeFrame
from trading_assets.lake.bridge.io_manager import Rows, Written
from trading_assets.lake.bridge.table_assets import run_scope_of, table_asset, table_in
from trading_assets.market_data.assets.common import OWNER, catch_all, fill
from trading_assets.market_data.contract import BARS, BARS_DAILY, BARS_HOURLY, BARS_MINUTE, SYMBOLS, Interval
from trading_assets.market_data.ingest import SourcedTable, read_bars
from trading_assets.market_data.ingest.settle import bar_rules, intraday_rules, settle_bars
from trading_assets.market_data.resample import daily, hourly
from trading_assets.market_data.source_policy import source_policy


def assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Define the bars that the sources of the desk have, and those that can be built from them."""
    partitions, policy = desk.part(desk_partitions), desk.part(source_policy)
    found = []
    if policy.of("bars_minute"):
        found.append(_fetched("1m", partitions))
    if policy.of("bars_hourly"):
        found.append(_fetched("1h", partitions))
    elif policy.of("bars_minute"):
        found.append(_hourly_from_minutes(partitions))
    if not policy.of("bars_daily"):
        found.append(_daily_from(BARS_HOURLY if policy.of("bars_hourly") else BARS_MINUTE, partitions))
    return found


def _fetched(interval: Interval, partitions: Partitions) -> dg.AssetsDefinition:
    contract = BARS[interval]

    @dg.asset(
        **table_asset(contract, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.panel_months,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[SYMBOLS.asset_key],
    )
    def bars(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> Written:
        code, (first, last) = desk.settings.exchange, run_scope_of(context, contract).window()
        known = (first_session(code), last_close(code, now()))
        rules = bar_rules(sessions(code, first, last), known[1], code)
        rules |= intraday_rules(session_hours(code, first, last), code)
        read = partial(read_bars, catch_all=catch_all(context, desk), known=known, interval=interval)
        return fill(context, desk, SourcedTable(contract, read, rules, settle_bars, has_sessions=True))

    return cast("dg.AssetsDefinition", bars)


def _hourly_from_minutes(partitions: Partitions) -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(BARS_HOURLY, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.panel_months,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"bars_minute": table_in(BARS_MINUTE)},
    )
    def bars_hourly(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk], bars_minute: LakeFrame) -> Rows:
        scope = run_scope_of(context, BARS_HOURLY)
        first, last = scope.window()
        with retry_when_not_ready(desk.settings.retry_seconds):
            bars_minute.require_written(scope.partition_keys, for_what=f"{BARS_HOURLY.table} ({scope.describe()})")
        minutes = bars_minute.read(start=first, end=last, symbol=scope.values["symbol"])
        return Rows(hourly(minutes, session_hours(desk.settings.exchange, first, last)))

    return cast("dg.AssetsDefinition", bars_hourly)


def _daily_from(shorter: Contract, partitions: Partitions) -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(BARS_DAILY, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.panel,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"bars": table_in(shorter, mappings.months_of_the_year())},
    )
    def bars_daily(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk], bars: LakeFrame) -> Rows:
        scope, code = run_scope_of(context, BARS_DAILY), desk.settings.exchange
        first, last = scope.window()
        names = scope.values["symbol"]
        months = [key for key in partitions.months_so_far() if f"{first:%Y-%m}" <= key <= f"{last:%Y-%m}"]
        with retry_when_not_ready(desk.settings.retry_seconds):
            needed = [f"{month}|{name}" for month in months for name in names]
            bars.require_written(needed, for_what=f"{BARS_DAILY.table} ({scope.describe()})")
        days = sessions(code, first, min(last, last_close(code, now())))
        found = daily(bars.read(start=first, end=last, symbol=names), session_hours(code, first, last))
        return Rows(found.filter(pl.col("date").is_in(days)))

    return cast("dg.AssetsDefinition", bars_daily)
