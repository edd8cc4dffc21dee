"""Dagster's instance of a lake: its home folder, its storage in the lake's Postgres, its environment."""

from __future__ import annotations

import os
import warnings
from collections.abc import MutableMapping
from pathlib import Path

import dagster as dg
import yaml

from trading_assets.desk.desk import open_lake
from trading_assets.desk.settings import DATABASE_VARIABLE, HOME_VARIABLE, Settings
from trading_assets.files import write_if_changed

_STATEMENT_MILLISECONDS, _POOL_SECONDS, _MORE_CONNECTIONS = 600_000, 3600, 20
STORAGE_VARIABLE = "TRADING_ASSETS_DAGSTER_URL"
_ENVIRONMENT = {
    # The events of an output in one batch, so that its newest partition can be the last one, and one planned event per
    # asset: 25,000 partitions in 11 s instead of 830 s.
    "DAGSTER_EVENT_BATCH_SIZE": "1000000",
    "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS": "1",
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def prepare_environment(settings: Settings, environment: MutableMapping[str, str] = os.environ) -> None:
    """Set the environment variables that every process of a lake needs, and write ``dagster.yaml``.

    The storage URL stays in the environment: with your own DATABASE_URL it may hold a password.
    """
    environment[HOME_VARIABLE] = str(settings.home)
    if settings.database_url:
        environment[DATABASE_VARIABLE] = settings.database_url
    postgres = open_lake(settings).postgres
    environment[STORAGE_VARIABLE] = postgres.sqlalchemy("dagster")
    environment["TRADING_ASSETS_CATALOG"] = postgres.libpq()
    environment["TRADING_ASSETS_DATA_PATH"] = settings.parquet_path
    if postgres.password:
        environment["PGPASSWORD"] = postgres.password
    home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    environment["DAGSTER_HOME"] = str(home)
    for name, value in _ENVIRONMENT.items():
        environment.setdefault(name, value)
    _write_config(home / "dagster.yaml", settings)


def ignore_expected_warnings() -> None:
    """Silence warnings of Dagster that are expected, so that the others are noticed.

    Backfill policies and mappings of two-dimensional partitions are beta features. The policies differ within the panel
    on purpose: assets of one policy would share runs, one per year in any order, and look-backs would find no bars.
    """
    for category in (dg.BetaWarning, dg.PreviewWarning):
        warnings.filterwarnings("ignore", category=category)
    warnings.filterwarnings("ignore", r"Asset job \w+ materializes assets with varying BackfillPolicies", UserWarning)


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """Dagster's instance of a lake, for runs in this process."""
    prepare_environment(settings)
    instance = dg.DagsterInstance.get()
    keep_connections(instance)
    return instance


def keep_connections(instance: dg.DagsterInstance) -> None:
    """Let an instance keep its connections to Postgres, as Dagster's web server does.

    Otherwise it opens one for each statement, hundreds in a run.
    """
    instance.optimize_for_webserver(
        statement_timeout=_STATEMENT_MILLISECONDS, pool_recycle=_POOL_SECONDS, max_overflow=_MORE_CONNECTIONS
    )


def _write_config(path: Path, settings: Settings) -> None:
    config = {
        "storage": {
            "custom": {
                "module": "trading_assets.orchestration.event_storage",
                "class": "DeskStorage",
                "config": {"postgres_url": {"env": STORAGE_VARIABLE}},
            }
        },
        "local_artifact_storage": {
            "module": "dagster.core.storage.root",
            "class": "LocalArtifactStorage",
            "config": {"base_dir": str(settings.home / "dagster")},
        },
        "compute_logs": {
            "module": "dagster.core.storage.local_compute_log_manager",
            "class": "LocalComputeLogManager",
            "config": {"base_dir": str(settings.home / "dagster" / "logs")},
        },
        "run_monitoring": {
            "enabled": True,
            "start_timeout_seconds": 180,
            "poll_interval_seconds": 20,
        },
        "run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False},
        # A run that is requested starts within a second; Dagster itself would look for it every five.
        "run_coordinator": {
            "module": "dagster.core.run_coordinator",
            "class": "QueuedRunCoordinator",
            "config": {"dequeue_interval_seconds": 1},
        },
        "concurrency": {
            "runs": {"max_concurrent_runs": 4},
            "pools": {"granularity": "run"},
        },
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
    }
    write_if_changed(path, yaml.safe_dump(config, sort_keys=False))
