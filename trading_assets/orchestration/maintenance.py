"""Maintenance as an asset, so that it is scheduled, shown and recorded like everything else."""

import datetime as dt

import dagster as dg
import polars as pl

from trading_assets.lake.assets import table_asset
from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.frames import LakeFrame
from trading_assets.lake.maintenance import maintain
from trading_assets.lake.pandera_polars import pa
from trading_assets.orchestration.clock import now
from trading_assets.orchestration.resources import Desk


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
CONTRACTS = (MAINTENANCE,)


def build_assets() -> list[dg.AssetsDefinition]:
    """Build the maintenance asset."""

    @dg.asset(**table_asset(MAINTENANCE, owner="platform", kinds={"duckdb"}))
    def maintenance(desk: dg.ResourceParam[Desk]) -> pl.DataFrame:
        moment = now()
        report = maintain(desk.lake, now=moment, retention=dt.timedelta(days=desk.settings.retention_days))
        before = LakeFrame(desk.lake, MAINTENANCE).read()
        row = {"maintained_at": moment, **report.as_dict()}
        return pl.concat([before, pl.DataFrame([row], schema=MAINTENANCE.schema)])

    return [maintenance]
