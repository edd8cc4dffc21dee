"""Assets of features in Python; the SQL ones are in ``sql_assets``."""

import dagster as dg
import polars as pl

from trading_assets.features.contract import TECHNICAL
from trading_assets.lake import LakeFrame
from trading_assets.lake.assets import run_scope_of, table_asset, table_in
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS, SYMBOLS
from trading_assets.market_data.listing import listed_partitions
from trading_assets.orchestration import mappings
from trading_assets.orchestration.partitions import Partitions
from trading_assets.orchestration.resources import Desk
from trading_assets.orchestration.retries import retry_when_not_ready

OWNER = "research"


def build_assets(partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Build the assets of this stage that are written in Python."""

    @dg.asset(
        **table_asset(TECHNICAL, owner=OWNER, kinds={"polars", "talib"}),
        partitions_def=partitions.panel,
        # One run per range and never one per piece: Dagster would split a two-dimensional single-run backfill and
        # run the pieces in any order.
        backfill_policy=dg.BackfillPolicy.multi_run(1_000_000),
        ins={
            "symbols": table_in(SYMBOLS),
            "bars_daily": table_in(BARS_DAILY, mappings.same_symbol_with_look_back()),
            "corporate_actions": table_in(CORPORATE_ACTIONS, mappings.same_symbol_with_look_back()),
        },
    )
    def technical(
        context: dg.AssetExecutionContext,
        desk: dg.ResourceParam[Desk],
        symbols: LakeFrame,
        bars_daily: LakeFrame,
        corporate_actions: LakeFrame,
    ) -> pl.DataFrame:
        from trading_assets.features.technical import technical as compute

        scope = run_scope_of(context, TECHNICAL)
        first, last = scope.window()
        names = scope.values["symbol"]
        earliest = first.replace(year=first.year - mappings.LOOK_BACK_YEARS, month=1, day=1)
        needed = listed_partitions(symbols.read(), names, partitions.existing_years(earliest.year, last.year))
        with retry_when_not_ready(desk.settings.retry_seconds):
            for upstream in (bars_daily, corporate_actions):
                upstream.require_written(needed, for_what=f"{TECHNICAL.table} ({scope.describe()})")
        bars = bars_daily.read(start=earliest, end=last, symbol=names)
        actions = corporate_actions.read(start=earliest, end=last, symbol=names)
        return compute(bars, actions, start=first, end=last)

    return [technical]
