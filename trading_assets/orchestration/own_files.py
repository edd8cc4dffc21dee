"""The files of the user's own work as a table: what was found, and what is wrong with those that are left out."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import polars as pl

from trading_assets.desk.checks import ScopeCheck, scope_check
from trading_assets.desk.desk import Desk
from trading_assets.desk.own_work import OwnWork, own_work
from trading_assets.desk.stage import Stage, StageJob
from trading_assets.lake import LakeFrame
from trading_assets.lake.bridge.table_assets import table_asset
from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.pandera_polars import pa
from trading_assets.lake.store.scope import Scope
from trading_assets.market_data.stage import SYMBOLS_JOB


class OwnFiles(pa.DataFrameModel):
    """Files of the user's own work when the definitions were loaded, and the fault of each that is left out."""

    file: str = column("file, relative to the folder of the user's own work if it is in there")
    place: str = column("where its fault is, as file:line; null if it is used", nullable=True)
    fault: str = column("what is wrong with it; null if it is used", nullable=True)


OWN_FILES = Contract(OwnFiles, "catalog.own_files", key=("file",))


def files_table(own: OwnWork) -> pl.DataFrame:
    """Rows of catalog.own_files; of several faults of a file the first one."""
    faults = {fault.file: fault for fault in reversed(own.faults)}
    rows = []
    for path in dict.fromkeys([*own.searched, *faults]):
        fault = faults.get(path)
        place = None if fault is None else _below(own, fault.place) + (f":{fault.line}" if fault.line else "")
        rows.append((_below(own, path), place, fault.message if fault else None))
    return pl.DataFrame(rows, schema=OWN_FILES.schema, orient="row").sort("file")


def _below(own: OwnWork, path: Path) -> str:
    return str(path.relative_to(own.folder) if path.is_relative_to(own.folder) else path)


def build_assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Build the asset, on a desk whose user has files."""
    if not desk.part(own_work).searched:
        return []

    @dg.asset(**table_asset(OWN_FILES, owner="research", kinds={"python"}))
    def own_files(desk: dg.ResourceParam[Desk]) -> pl.DataFrame:
        return files_table(desk.part(own_work))

    return [own_files]


def left_out(desk: Desk, scope: Scope, run_id: str) -> pl.DataFrame:
    """Files that are left out."""
    del scope, run_id
    return LakeFrame(desk.lake, OWN_FILES).read().drop_nulls("fault").select("file", "place", "fault")


def checks(desk: Desk) -> list[ScopeCheck]:
    """The check that no file is left out."""
    del desk
    return [
        scope_check(OWN_FILES, "loaded", "Every file of the user's own work can be used.", left_out, blocking=False)
    ]


def contracts(desk: Desk) -> tuple[Contract, ...]:
    """Contract of the table, on a desk whose user has files."""
    return (OWN_FILES,) if desk.part(own_work).searched else ()


STAGE = Stage(
    "catalog.own_files",
    contracts=contracts,
    assets=build_assets,
    checks=checks,
    jobs=(StageJob(SYMBOLS_JOB, lambda _: (OWN_FILES.table,)),),
)
