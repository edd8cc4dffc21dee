"""Assets of bars within sessions, by name and month; hours are joined from minutes where no source has them."""

from functools import partial
from typing import cast

import dagster as dg

from trading_assets.lake import Contract, LakeFrame
from trading_assets.lake.assets import run_scope_of, table_asset, table_in
from trading_assets.lake.io_manager import Rows, Written
from trading_assets.market_data.assets import OWNER, home_of
from trading_assets.market_data.calendar import first_session, session_hours, sessions
from trading_assets.market_data.contract import BARS_HOURLY, BARS_MINUTE, SYMBOLS
from trading_assets.market_data.ingest import Table
from trading_assets.market_data.refetch import settle
from trading_assets.market_data.resample import hourly
from trading_assets.market_data.rows import ask_bars, bar_rules, intraday_rules
from trading_assets.market_data.source_assets import fill
from trading_assets.market_data.source_policy import SourcePolicy
from trading_assets.market_data.sources import Interval
from trading_assets.orchestration.clock import last_close, now
from trading_assets.orchestration.partitions import Partitions
from trading_assets.orchestration.resources import Desk
from trading_assets.orchestration.retries import retry_when_not_ready


def build_assets(partitions: Partitions, policy: SourcePolicy) -> list[dg.AssetsDefinition]:
    """Build the assets of intraday bars that the sources of the desk can fill."""
    found = []
    if policy.of("bars_minute"):
        found.append(_asked(BARS_MINUTE, "1m", partitions))
    if policy.of("bars_hourly"):
        found.append(_asked(BARS_HOURLY, "1h", partitions))
    elif policy.of("bars_minute"):
        found.append(_joined(partitions))
    return found


def _asked(contract: Contract, interval: Interval, partitions: Partitions) -> dg.AssetsDefinition:
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
        ask = partial(ask_bars, home=home_of(context, partitions), known=known, interval=interval)
        return fill(context, desk, Table(contract, ask, rules, settle, has_sessions=True))

    return cast("dg.AssetsDefinition", bars)


def _joined(partitions: Partitions) -> dg.AssetsDefinition:
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
