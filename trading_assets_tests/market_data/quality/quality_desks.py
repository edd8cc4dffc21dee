"""Desks that have the assets of market data alone, so that a run of them is short."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluation

from trading_assets.lake.assets import IO_MANAGER_KEY
from trading_assets.lake.io_manager import LakeIOManager
from trading_assets.lake.postgres import PostgresUrl
from trading_assets.market_data import assets as raw_assets
from trading_assets.market_data import contract, quality_assets
from trading_assets.market_data.checks import CHECKS
from trading_assets.orchestration import maintenance
from trading_assets.orchestration.checks import asset_checks
from trading_assets.orchestration.clock import now
from trading_assets.orchestration.exchange import exchange_of
from trading_assets_tests.desks import Bench, open_bench

_ALL = (
    contract.SYMBOLS, contract.BARS_DAILY, contract.CORPORATE_ACTIONS, contract.LISTINGS, contract.MEMBERSHIP,
    contract.COVERAGE, contract.ANOMALIES, contract.SOURCE_COMPARISON, contract.RESTATEMENTS,
    contract.SYMBOL_MAINTENANCE, maintenance.MAINTENANCE,
)  # fmt: skip
CONTRACTS = {one.table: one for one in _ALL}
RAW = ("bars_daily", "corporate_actions")
PANEL = (*RAW, "coverage", "anomalies")
SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Ran:
    """What a run of some tables left: metadata by table, outcomes of the checks by table and name."""

    result: dg.ExecuteInProcessResult

    def metadata(self, table: str) -> dict[str, Any]:
        key = dg.AssetKey(["market_data", table])
        events = [event for event in self.result.get_asset_materialization_events() if event.asset_key == key]
        return {name: value.value for name, value in events[-1].materialization.metadata.items()}

    def check(self, table: str, name: str) -> AssetCheckEvaluation:
        found = {(one.asset_key.path[-1], one.check_name): one for one in self.result.get_asset_check_evaluations()}
        return found[table, name]

    def violations(self, table: str, name: str) -> list[dict[str, Any]]:
        """Rows that a check shows."""
        metadata = self.check(table, name).metadata
        return (
            [dict(record.data) for record in metadata["first_violations"].records]
            if "first_violations" in metadata
            else []
        )


@dataclass(frozen=True)
class QualityDesk:
    """A desk under test and its definitions."""

    bench: Bench
    defs: dg.Definitions

    def run(self, *tables: str, tags: Mapping[str, str] | None = None, raises: bool = True) -> Ran:
        """Materialise tables of market_data, or ``maintenance``, with their checks."""
        keys = [dg.AssetKey(["catalog" if table == "maintenance" else "market_data", table]) for table in tables]
        job = self.defs.resolve_job_def(_job_of(tables))
        with self.bench.active():
            return Ran(
                job.execute_in_process(
                    instance=self.bench.instance,
                    asset_selection=keys,
                    tags=dict(tags or {}),
                    run_config=SILENT,
                    raise_on_error=raises,
                )
            )

    def read(self, table: str) -> pl.DataFrame:
        return quality_assets.LakeFrame(self.bench.desk.lake, CONTRACTS[f"market_data.{table}"]).read()

    def with_source(self, source: Any, **values: Any) -> QualityDesk:
        """The same lake, fed by another source from now on."""
        settings = self.bench.settings.with_values(**values)
        if isinstance(source, Mapping):
            desk = type(self.bench.desk)(settings.with_values(source=source))
        else:
            desk = type(self.bench.desk)(settings, source)
        bench = replace(self.bench, desk=desk, settings=desk.settings)
        return QualityDesk(bench, _definitions(bench))


@contextmanager
def open_quality_desk(
    server: PostgresUrl, folder: Path, source: Any, start: date, end: date | None, **values: Any
) -> Iterator[QualityDesk]:
    """Open a desk on a fresh database, its names registered."""
    with open_bench(server, folder, source, start, end, **values) as bench:
        bench.list_symbols()
        yield QualityDesk(bench, _definitions(bench))


def _job_of(tables: tuple[str, ...]) -> str:
    return "panel" if set(tables) <= {*PANEL, "source_comparison"} else "others"


def _definitions(bench: Bench) -> dg.Definitions:
    exchange = exchange_of(bench.settings, now().date())
    made = [
        *raw_assets.build_assets(bench.partitions, bench.settings, exchange),
        *quality_assets.build_assets(bench.partitions, bench.settings),
        *maintenance.build_assets(),
    ]
    assets = [asset for asset in made if isinstance(asset, dg.AssetsDefinition)]
    panel = [key for asset in assets for key in asset.keys if key.path[-1] in (*PANEL, "source_comparison")]
    others = [key for asset in assets for key in asset.keys if asset.partitions_def is None]
    return dg.Definitions(
        assets=made,
        asset_checks=[asset_checks(asset, CONTRACTS, CHECKS) for asset in assets],
        jobs=[
            dg.define_asset_job("panel", selection=dg.AssetSelection.assets(*panel)),
            dg.define_asset_job("others", selection=dg.AssetSelection.assets(*others)),
        ],
        resources={
            "desk": bench.desk,
            IO_MANAGER_KEY: dg.IOManagerDefinition(
                lambda context: LakeIOManager(context.resources.desk.lake, CONTRACTS), required_resource_keys={"desk"}
            ),
        },
        executor=dg.in_process_executor,
    )
