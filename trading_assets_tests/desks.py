"""Whole desks for tests: a fresh database of the test process's server, a folder of their own, a small source."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dagster as dg
import polars as pl

from trading_assets.definitions import build_defs
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import Partitions, desk_partitions
from trading_assets.desk.settings import Settings
from trading_assets.desk.symbols import register_symbols, registered_symbols
from trading_assets.lake import Contract, LakeFrame
from trading_assets.lake.bridge.partition_keys import range_tags
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.lake.store.hashing import content_hash
from trading_assets.market_data.contract import SYMBOLS
from trading_assets.market_data.source_policy import primary_source
from trading_assets.market_data.sources import Source
from trading_assets.orchestration.instance import ignore_expected_warnings, keep_connections, prepare_environment
from trading_assets.orchestration.jobs import plan_stage, refresh_jobs
from trading_assets.orchestration.refresh import StageReport, refresh
from trading_assets.orchestration.stages import contracts

# The tests look at events and rows; a failure that a test asks for is not worth a page of traceback.
_SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
ignore_expected_warnings()
with tempfile.TemporaryDirectory() as _folder:
    _sample = Desk(Settings(home=Path(_folder)))
    # Contracts of the tables that any desk may have, and the jobs that refresh the lake of the sample, in order.
    CONTRACTS: Mapping[str, Contract] = contracts(_sample)
    STAGE_JOBS = refresh_jobs(_sample)

_numbers = itertools.count()
_templates: dict[tuple[str, int], str] = {}


@dataclass(frozen=True)
class Bench:
    """A desk under test: its lake, its definitions and its Dagster instance."""

    settings: Settings
    environment: Mapping[str, str]
    instance: dg.DagsterInstance
    desk: Desk
    defs: dg.Definitions

    @property
    def partitions(self) -> Partitions:
        """Partition definitions of the lake."""
        return self.desk.part(desk_partitions)

    def with_settings(self, **values: Any) -> Bench:
        """The same lake with other settings from now on."""
        settings = self.settings.with_values(**values)
        desk = Desk(settings)
        desk.__dict__["lake"] = self.desk.lake
        return replace(self, settings=settings, desk=desk, defs=build_defs(desk=desk))

    def with_source(self, source: Source | Mapping[str, Any]) -> Bench:
        """The same lake, fed by another source from now on."""
        if isinstance(source, Mapping):
            desk = Desk(self.settings.with_values(source=source))
        else:
            desk = Desk(self.settings, given={primary_source: source})
        return replace(self, desk=desk, defs=build_defs(desk=desk))

    def run(
        self, job: str, tags: Mapping[str, str] | None = None, *, only: Sequence[str] = (), raises: bool = True
    ) -> dg.ExecuteInProcessResult:
        """Run a job, or some of its tables, on the partitions that the tags name."""
        selection = [dg.AssetKey(table.split(".")) for table in only] or None
        with self.active():
            return self.defs.resolve_job_def(job).execute_in_process(
                instance=self.instance,
                tags=dict(tags or {}),
                asset_selection=selection,
                raise_on_error=raises,
                run_config=_SILENT,
            )

    def run_stage(self, job: str, first: date, last: date) -> dg.ExecuteInProcessResult:
        """Run a stage for a span of sessions."""
        planned = plan_stage(job, self.desk, registered_symbols(self.instance), first, last)
        assert planned is not None
        return self.run(job, planned.tags)

    def run_all(self, first: date, last: date) -> list[StageReport]:
        """Run every stage for a span of sessions."""
        with self.active():
            return list(refresh(self.defs, self.desk, self.instance, lambda: (first, last)))

    def list_symbols(self) -> list[str]:
        """Materialise the universe and give each name its partitions."""
        self.run("refresh_symbols")
        return register_symbols(self.instance, self.read(SYMBOLS.table)["symbol"])

    def read(self, table: str) -> pl.DataFrame:
        """All rows of a table."""
        return LakeFrame(self.desk.lake, self.desk.part(contracts)[table]).read()

    def hashes(self, *tables: str) -> dict[str, str]:
        """Content hash per table; of all tables by default."""
        stored = set(self.desk.lake.tables())
        return {
            table: content_hash(self.read(table), key=contract.key, exclude=contract.provenance)
            for table, contract in self.desk.part(contracts).items()
            if table in (tables or stored)
        }

    def quarantined(self, table: str) -> pl.DataFrame:
        """Rows in a table's quarantine, with their rules."""
        return self.desk.lake.query(f"FROM lake.{self.desk.part(contracts)[table].quarantine_table} ORDER BY ALL")

    @contextmanager
    def active(self) -> Iterator[None]:
        """Give this process the environment of this desk, and its own again afterwards."""
        with own_environment(self.environment):
            yield


@contextmanager
def open_bench(
    server: PostgresUrl, folder: Path, source: Mapping[str, Any] | Source, start: date, end: date | None, **values: Any
) -> Iterator[Bench]:
    """Open a desk on a fresh database; ``start`` and ``end`` span its partitions, the end excluded."""
    kind = source if isinstance(source, Mapping) else {"kind": "simulated"}
    with fresh_database(server, template=_template(server)) as url:
        settings = Settings(
            home=folder, database_url=url, source=kind, start=start, end=end, **{"retry_seconds": 0.0, **values}
        )
        environment = dict(os.environ)
        prepare_environment(settings, environment)
        desk = Desk(settings, given={} if isinstance(source, Mapping) else {primary_source: source})
        desk.lake.threads = 1  # DuckDB's other threads wait for work by trying: a third of the time of small queries
        with own_environment(environment):
            opened = dg.DagsterInstance.get()
        with opened as instance:
            keep_connections(instance)
            bench = Bench(settings, environment, instance, desk, build_defs(desk=desk))
            try:
                yield bench
            finally:
                desk.lake.close()


@contextmanager
def own_environment(values: Mapping[str, str] | None = None) -> Iterator[None]:
    """Let what happens inside change the environment of this process, and undo it."""
    before = dict(os.environ)
    os.environ.update(values or {})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def fresh_database(server: PostgresUrl, template: str = "template1") -> Iterator[str]:
    """DATABASE_URL of a database that is dropped afterwards."""
    name = f"desk_{next(_numbers)}"
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield f"postgresql://{server.user}@/{name}?host={quote(server.host, safe='/')}"
    finally:
        _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def multi_range(first: Mapping[str, str], last: Mapping[str, str] | None = None) -> dict[str, str]:
    """Tags of a run over a rectangle of two-dimensional partitions, given by two corners."""
    keys = [str(dg.MultiPartitionKey(corner)) for corner in (first, last or first)]
    return range_tags(keys[0], keys[1])


def metadata_of(result: dg.ExecuteInProcessResult, table: str) -> dict[str, Any]:
    """Metadata of a table's materialization in a run, as plain values."""
    key = dg.AssetKey(table.split("."))
    events = [event for event in result.get_asset_materialization_events() if event.asset_key == key]
    return {name: value.value for name, value in events[0].materialization.metadata.items()}


def _template(server: PostgresUrl) -> str:
    """A database with the empty tables of Dagster and MLflow: copying it takes 0.1 s, making them takes seconds."""
    made = (server.host, server.port)
    if made not in _templates:
        name = f"desk_template_{next(_numbers)}"
        _execute(server, f"CREATE DATABASE {name}")
        url = replace(server, database=name)
        url.ensure_schemas()
        _make_dagster_tables(url)
        _make_mlflow_tables(url)
        _execute(server, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        _templates[made] = name
    return _templates[made]


def _make_dagster_tables(url: PostgresUrl) -> None:
    from dagster_postgres import DagsterPostgresStorage

    storage = DagsterPostgresStorage(url.sqlalchemy("dagster"), should_autocreate_tables=True)
    for part in (storage.event_log_storage, storage.run_storage, storage.schedule_storage):
        part.dispose()


def _make_mlflow_tables(url: PostgresUrl) -> None:
    from trading_assets.models.registry import find

    find("none", date(2000, 1, 1), tracking_uri=url.sqlalchemy("mlflow"))


def _execute(server: PostgresUrl, statement: str) -> None:
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
