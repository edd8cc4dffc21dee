"""Desks whose runs of the tables of quality are looked at: their rows, metadata and checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from trading_assets.lake import Lake
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.orchestration.maintenance import MAINTENANCE_JOB
from trading_assets_tests.desks import Bench, metadata_of, open_bench

RAW = ("bars_daily", "corporate_actions")
PANEL = (*RAW, "coverage", "anomalies")
_OF_NO_PARTITION = {"restatements", "symbol_maintenance", "maintenance"}


@dataclass(frozen=True)
class Ran:
    """What a run of some tables left."""

    result: dg.ExecuteInProcessResult

    def metadata(self, table: str) -> dict[str, Any]:
        """Metadata of a table's materialization."""
        return metadata_of(self.result, f"market_data.{table}")

    def check(self, table: str, name: str) -> dg.AssetCheckEvaluation:
        """Outcome of a check."""
        found = {(one.asset_key.path[-1], one.check_name): one for one in self.result.get_asset_check_evaluations()}
        return found[table, name]

    def violations(self, table: str, name: str) -> list[dict[str, Any]]:
        """Rows that a check shows."""
        metadata = self.check(table, name).metadata
        shown = metadata.get("first_violations")
        return [dict(record.data) for record in shown.records] if isinstance(shown, dg.TableMetadataValue) else []


@dataclass(frozen=True)
class QualityDesk:
    """A desk under test."""

    bench: Bench

    @property
    def lake(self) -> Lake:
        """Its lake."""
        return self.bench.desk.lake

    def run(self, *tables: str, tags: Mapping[str, str] | None = None) -> Ran:
        """Materialise tables of market_data, or ``maintenance``, with their checks."""
        job = MAINTENANCE_JOB if set(tables) <= _OF_NO_PARTITION else "refresh_panel"
        only = [f"catalog.{table}" if table == "maintenance" else f"market_data.{table}" for table in tables]
        return Ran(self.bench.run(job, tags, only=only))

    def read(self, table: str) -> pl.DataFrame:
        """Rows of a table of market_data."""
        return self.bench.read(f"market_data.{table}")

    def with_source(self, source: Mapping[str, Any]) -> QualityDesk:
        """The same lake, fed by another source from now on."""
        return QualityDesk(self.bench.with_source(source))


@contextmanager
def open_quality_desk(
    server: PostgresUrl, folder: Path, source: Mapping[str, Any], start: date, end: date | None, **values: Any
) -> Iterator[QualityDesk]:
    """Open a desk on a fresh database, its names registered."""
    with open_bench(server, folder, source, start, end, **values) as bench:
        bench.list_symbols()
        yield QualityDesk(bench)
