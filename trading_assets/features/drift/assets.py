"""The asset of drift: every ended month of every feature beside the calendar year before."""

from typing import cast

import dagster as dg
import polars as pl

from trading_assets.desk import mappings
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import desk_partitions
from trading_assets.desk.retries import retry_when_not_ready
from trading_assets.features.desk_matrix import desk_matrix
from trading_assets.features.drift.contract import DRIFT
from trading_assets.lake import LakeFrame
from trading_assets.lake.bridge.table_assets import run_scope_of, table_asset
from trading_assets.market_data.contract import SYMBOLS

OWNER = "research"


def build_assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Build the asset over the features of a desk."""
    partitions, matrix = desk.part(desk_partitions), desk.part(desk_matrix)

    @dg.asset(
        **table_asset(DRIFT, owner=OWNER, kinds={"numpy", "polars"}),
        partitions_def=partitions.ended_months,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[
            dg.AssetDep(SYMBOLS.asset_key),
            *(dg.AssetDep(table.asset_key, partition_mapping=mappings.everything_so_far()) for table in matrix.tables),
        ],
    )
    def drift(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> pl.DataFrame:
        from trading_assets.features.drift.build import drift_of_lake

        scope = run_scope_of(context, DRIFT)
        first, last = scope.window()
        listing = LakeFrame(desk.lake, SYMBOLS).read()
        years = partitions.existing_years(first.year - 1, last.year)
        what = f"{DRIFT.table} ({scope.describe()})"
        with retry_when_not_ready(desk.settings.retry_seconds):
            matrix.require_written(desk.lake, matrix.columns(), listing, years, for_what=what)
        return drift_of_lake(desk.lake, matrix, first, last)

    return [cast("dg.AssetsDefinition", drift)]
