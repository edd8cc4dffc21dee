"""Assets of market data: the universe, raw daily bars, corporate actions, listing events."""

from datetime import timedelta
from functools import partial
from typing import cast

import dagster as dg
import polars as pl

from trading_assets.desk import conditions
from trading_assets.desk.calendar import first_session, sessions
from trading_assets.desk.clock import last_close, now
from trading_assets.desk.desk import Desk
from trading_assets.desk.exchange import Exchange, desk_exchange
from trading_assets.desk.partitions import Partitions, desk_partitions
from trading_assets.desk.retries import retry_when_not_ready
from trading_assets.desk.symbols import registered_symbols
from trading_assets.lake import LakeFrame
from trading_assets.lake.bridge.io_manager import Written
from trading_assets.lake.bridge.table_assets import run_scope_of, table_asset, table_in
from trading_assets.market_data.contract import (
    BARS_DAILY,
    CORPORATE_ACTIONS,
    LISTINGS,
    MEMBERSHIP,
    SOURCE_FAILURES,
    SYMBOLS,
)
from trading_assets.market_data.ingest import Table
from trading_assets.market_data.listing import all_listings, listed_names
from trading_assets.market_data.refetch import settle
from trading_assets.market_data.rows import Home, ask_bars, ask_rows, bar_rules
from trading_assets.market_data.source_assets import fill, record_failures
from trading_assets.market_data.source_policy import primary_source, source_policy
from trading_assets.market_data.universe import desk_universe, membership_of

OWNER = "market_data"
_SPELLED = 20


def build_assets(desk: Desk) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Build the universe, corporate actions, and the daily bars if a source has them."""
    partitions, exchange, policy = desk.part(desk_partitions), desk.part(desk_exchange), desk.part(source_policy)
    fresh = conditions.fresh_after_close(desk.settings, exchange)
    assets: list[dg.AssetsDefinition | dg.AssetSpec] = [*_universe_assets(partitions, exchange), _failures()]
    if policy.of("bars_daily"):
        assets.append(_bars_daily(partitions, fresh))
    return [*assets, _corporate_actions(partitions, fresh)]


def _universe_assets(partitions: Partitions, exchange: Exchange) -> list[dg.AssetsDefinition]:
    @dg.asset(
        **table_asset(SYMBOLS, owner=OWNER, kinds={"polars"}), automation_condition=conditions.after_close(exchange)
    )
    def symbols(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> pl.DataFrame:
        with retry_when_not_ready(desk.settings.retry_seconds):
            listed, failures = listed_names(desk.part(primary_source), desk.part(desk_universe))
        record_failures(desk.lake, SYMBOLS.table, [*listed["symbol"], *failures], failures, now())
        before = LakeFrame(desk.lake, SYMBOLS).read(symbol=list(failures))
        malformed = [line for one in desk.part(desk_universe).lists() for line in one.malformed]
        context.add_output_metadata(
            {
                "symbols_unanswered": len(failures),
                "unanswered": ", ".join(sorted(failures)[:_SPELLED]),
                "lines_malformed": "; ".join(malformed[:_SPELLED]),
            }
        )
        return pl.concat([listed, before])

    @dg.asset(
        **table_asset(MEMBERSHIP, owner=OWNER, kinds={"polars"}),
        automation_condition=conditions.after_upstream_changed(),
        ins={"symbols": table_in(SYMBOLS)},
    )
    def membership(desk: dg.ResourceParam[Desk], symbols: LakeFrame) -> pl.DataFrame:
        before = LakeFrame(desk.lake, MEMBERSHIP).read()
        return membership_of(
            desk.part(desk_universe), symbols.read(), before, start=desk.settings.start, today=now().date()
        )

    @dg.asset(
        **table_asset(LISTINGS, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.panel,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"symbols": table_in(SYMBOLS)},
    )
    def listings(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk], symbols: LakeFrame) -> pl.DataFrame:
        scope = run_scope_of(context, LISTINGS)
        names = scope.values["symbol"]
        with retry_when_not_ready(desk.settings.retry_seconds):
            return all_listings(
                desk.part(source_policy).of("listings"), symbols.read(symbol=names), names, *scope.window()
            )

    return [symbols, membership, listings]


def _bars_daily(partitions: Partitions, fresh: dg.FreshnessPolicy | None) -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(BARS_DAILY, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.panel,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[SYMBOLS.asset_key],
        freshness_policy=fresh,
    )
    def bars_daily(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> Written:
        code, home = desk.settings.exchange, home_of(context, partitions)
        known = (first_session(code), last_close(code, now()))
        rules = bar_rules(sessions(code, *run_scope_of(context, BARS_DAILY).window()), known[1], code)
        ask = partial(ask_bars, home=home, known=known, interval="1d")
        return fill(context, desk, Table(BARS_DAILY, ask, rules, settle, has_sessions=True))

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
        horizon = now().date() + timedelta(days=366)
        rules = {"ex_date is more than a year ahead": pl.col("ex_date") > horizon}
        ask = partial(ask_rows, method="corporate_actions", time="ex_date", home=home_of(context, partitions))
        return fill(context, desk, Table(CORPORATE_ACTIONS, ask, rules))

    return cast("dg.AssetsDefinition", corporate_actions)


def home_of(context: dg.AssetExecutionContext, partitions: Partitions) -> Home:
    """Where rows go that no partition can take."""
    return Home(min(registered_symbols(context.instance)), partitions.first_day)


def _failures() -> dg.AssetSpec:
    return dg.AssetSpec(
        SOURCE_FAILURES.asset_key,
        group_name="market_data",
        description=SOURCE_FAILURES.meaning,
        owners=[f"team:{OWNER}"],
        kinds={"parquet"},
        metadata={"dagster/table_name": SOURCE_FAILURES.table},
    )
