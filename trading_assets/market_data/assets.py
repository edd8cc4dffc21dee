"""Assets of market data: the universe, raw daily bars, corporate actions."""

from datetime import timedelta

import dagster as dg
import polars as pl

from trading_assets.lake.assets import run_scope_of, table_asset
from trading_assets.lake.io_manager import Rows
from trading_assets.market_data.calendar import first_session, sessions
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS, SYMBOLS
from trading_assets.market_data.rows import Home, bar_rules, read_bars, rows_of_scope
from trading_assets.orchestration import conditions
from trading_assets.orchestration.clock import last_close, now
from trading_assets.orchestration.exchange import Exchange
from trading_assets.orchestration.partitions import Partitions
from trading_assets.orchestration.resources import Desk
from trading_assets.orchestration.retries import retry_when_not_ready
from trading_assets.orchestration.settings import Settings
from trading_assets.orchestration.universe import registered_symbols

OWNER = "market_data"


def build_assets(partitions: Partitions, settings: Settings, exchange: Exchange) -> list[dg.AssetsDefinition]:
    """Build the assets of this stage."""
    fresh = conditions.fresh_after_close(settings, exchange)

    @dg.asset(
        **table_asset(SYMBOLS, owner=OWNER, kinds={"polars"}), automation_condition=conditions.after_close(exchange)
    )
    def symbols(desk: dg.ResourceParam[Desk]) -> pl.DataFrame:
        with retry_when_not_ready(desk.settings.retry_seconds):
            return desk.source.symbols()

    @dg.asset(
        **table_asset(BARS_DAILY, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.panel,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[SYMBOLS.asset_key],
        freshness_policy=fresh,
    )
    def bars_daily(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> Rows:
        scope, code = run_scope_of(context, BARS_DAILY), desk.settings.exchange
        home, known = _home(context, partitions), (first_session(code), last_close(code, now()))
        with retry_when_not_ready(desk.settings.retry_seconds):
            bars = read_bars(desk.source, scope, home, known)
        rules = bar_rules(sessions(code, *scope.window()), known[1], code)
        return Rows(rows_of_scope(bars, scope, "date", home), rules)

    @dg.asset(
        **table_asset(CORPORATE_ACTIONS, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.panel,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[SYMBOLS.asset_key],
        freshness_policy=fresh,
    )
    def corporate_actions(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> Rows:
        scope = run_scope_of(context, CORPORATE_ACTIONS)
        first, last = scope.window()
        with retry_when_not_ready(desk.settings.retry_seconds):
            actions = desk.source.corporate_actions(scope.values["symbol"], first, last)
        horizon = now().date() + timedelta(days=366)
        rules = {"ex_date is more than a year ahead": pl.col("ex_date") > horizon}
        return Rows(rows_of_scope(actions, scope, "ex_date", _home(context, partitions)), rules)

    return [symbols, bars_daily, corporate_actions]


def _home(context: dg.AssetExecutionContext, partitions: Partitions) -> Home:
    return Home(min(registered_symbols(context.instance)), partitions.first_day)
