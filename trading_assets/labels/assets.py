"""Assets of labels."""

from datetime import timedelta

import dagster as dg
import polars as pl

from trading_assets.desk import mappings
from trading_assets.desk.calendar import sessions
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import desk_partitions
from trading_assets.desk.retries import retry_when_not_ready
from trading_assets.labels.contract import FORWARD_RETURN
from trading_assets.lake import LakeFrame
from trading_assets.lake.bridge.table_assets import run_scope_of, table_asset, table_in
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS, LISTINGS, SYMBOLS
from trading_assets.market_data.listing import listed_partitions

OWNER = "research"
HORIZON_SESSIONS = 5
_REACH = timedelta(days=40)


def build_assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Build the assets of this stage."""
    partitions = desk.part(desk_partitions)

    @dg.asset(
        **table_asset(FORWARD_RETURN, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.panel,
        backfill_policy=dg.BackfillPolicy.multi_run(1_000_000),
        ins={
            "symbols": table_in(SYMBOLS),
            "bars_daily": table_in(BARS_DAILY, mappings.same_symbol_with_next_year()),
            "corporate_actions": table_in(CORPORATE_ACTIONS, mappings.same_symbol_with_next_year()),
            "listings": table_in(LISTINGS, mappings.same_symbol_with_next_year()),
        },
    )
    def forward_return(
        context: dg.AssetExecutionContext,
        desk: dg.ResourceParam[Desk],
        symbols: LakeFrame,
        bars_daily: LakeFrame,
        corporate_actions: LakeFrame,
        listings: LakeFrame,
    ) -> pl.DataFrame:
        from trading_assets.labels.forward_return import forward_return as compute

        scope = run_scope_of(context, FORWARD_RETURN)
        first, last = scope.window()
        names = scope.values["symbol"]
        needed = listed_partitions(symbols.read(), names, partitions.existing_years(first.year, last.year + 1))
        with retry_when_not_ready(desk.settings.retry_seconds):
            for upstream in (bars_daily, corporate_actions):
                upstream.require_written(needed, for_what=f"{FORWARD_RETURN.table} ({scope.describe()})")
        bars = bars_daily.read(start=first, end=last + _REACH, symbol=names)
        actions = corporate_actions.read(start=first, end=last + _REACH, symbol=names)
        calendar = sessions(desk.settings.exchange, first, last + _REACH)
        ended = listings.read(start=first, end=last + _REACH, symbol=names, kind="delisting")
        return compute(
            bars, actions, horizon=HORIZON_SESSIONS, start=first, end=last, calendar_sessions=calendar, delistings=ended
        )

    return [forward_return]
