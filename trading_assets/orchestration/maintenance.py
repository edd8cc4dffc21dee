"""Maintenance as an asset, so that it is scheduled, shown and recorded like everything else."""

import datetime as dt

import dagster as dg
import polars as pl

from trading_assets.desk.clock import now
from trading_assets.desk.desk import Desk
from trading_assets.desk.stage import Stage, StageJob
from trading_assets.lake import Lake
from trading_assets.lake.bridge.table_assets import table_asset
from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.pandera_polars import pa
from trading_assets.lake.store.frames import LakeFrame
from trading_assets.lake.store.maintenance import maintain
from trading_assets.market_data.assets.quality import reported_snapshot
from trading_assets.market_data.contract import RESTATEMENTS


class Maintenance(pa.DataFrameModel):
    """What each maintenance of the lake found and left."""

    maintained_at: pl.Datetime("us", "UTC") = column("when", unit="UTC")  # type: ignore[valid-type]
    files_before: pl.Int64 = column("Parquet files before", ge=0)
    files_after: pl.Int64 = column("Parquet files after", ge=0)
    bytes_before: pl.Int64 = column("size before", unit="bytes", ge=0)
    bytes_after: pl.Int64 = column("size after", unit="bytes", ge=0)
    snapshots_expired: pl.Int64 = column("snapshots that can no longer be read", ge=0)
    files_removed: pl.Int64 = column("files deleted", ge=0)


MAINTENANCE = Contract(Maintenance, "catalog.maintenance", key=("maintained_at",))


def build_assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Build the maintenance asset."""
    del desk

    @dg.asset(**table_asset(MAINTENANCE, owner="platform", kinds={"duckdb"}), deps=[RESTATEMENTS.asset_key])
    def maintenance(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk]) -> pl.DataFrame:
        moment = now()
        wanted = dt.timedelta(days=desk.settings.retention_days)
        retention = max(wanted, moment - reported_until(desk.lake, reported_snapshot(context.instance), moment))
        if retention > wanted:
            context.log.warning(
                f"snapshots older than {wanted.days} days are kept, because market_data.restatements has not reported "
                "their changes yet; materialise it, then this again"
            )
        report = maintain(desk.lake, now=moment, retention=retention)
        before = LakeFrame(desk.lake, MAINTENANCE).read()
        row = {"maintained_at": moment, **report.as_dict()}
        return pl.concat([before, pl.DataFrame([row], schema=MAINTENANCE.schema)])

    return [maintenance]


def reported_until(lake: Lake, reported: int | None, moment: dt.datetime) -> dt.datetime:
    """Time of the newest snapshot whose restatements have been reported; `moment` if there is no later one.

    A report compares a snapshot with the one before it, so the last one reported has to be kept for the next report.
    """
    found = lake.query(
        f"SELECT max(snapshot_time) FILTER (snapshot_id <= {reported or 0}) AS reported, min(snapshot_time) AS first, "
        f"count(*) FILTER (snapshot_id > {reported or 0}) AS unreported FROM lake.snapshots()"
    ).row(0, named=True)
    return min((found["reported"] or found["first"]).astimezone(dt.UTC), moment) if found["unreported"] else moment


MAINTENANCE_JOB = "maintain_lake"
# Restatements are read from the lake's history before maintenance expires old snapshots.
_UPKEEP = ("market_data.restatements", "market_data.symbol_maintenance", "market_data.quotes", MAINTENANCE.table)
STAGE = Stage(
    "catalog",
    contracts=lambda _: (MAINTENANCE,),
    assets=build_assets,
    jobs=(StageJob(MAINTENANCE_JOB, lambda _: _UPKEEP),),
)
