"""Private names of Dagster.

`DagsterStorage`, `ConfigurableClass`, `ConfigurableClassData`
    Bases of the storage that ``dagster.yaml`` names as custom. Dagster documents the option but exports none of them.
`DagsterAssetCheckFailedError`
    What a run in this process raises when a blocking check fails. A public result would have to tell it apart from a
    step's own error.
`UnresolvedAssetJobDefinition`
    Type of what ``dg.define_asset_job`` returns.
`run_daemon`
    The daemon with other intervals than its thirty and five seconds, for which it has no settings.

The event log (`trading_assets.orchestration.event_storage`) also relies on how `PostgresEventLogStorage` is built:
``_has_asset_key_col_on_connection`` is overridden, since Dagster looks its own schema up with most events;
``_store_asset_event`` and ``_tags_for_asset_event`` are called, since ``store_event_batch`` offers no hook between
serialising events and inserting them, and one statement with a parameter for each value is what takes the time.
"""

from __future__ import annotations

from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.errors import DagsterAssetCheckFailedError
from dagster._core.storage.base_storage import DagsterStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData

__all__ = [
    "ConfigurableClass",
    "ConfigurableClassData",
    "DagsterAssetCheckFailedError",
    "DagsterStorage",
    "UnresolvedAssetJobDefinition",
    "run_daemon",
]


def run_daemon(*, backfill_seconds: int, sensor_seconds: int) -> None:
    """Run ``dagster-daemon`` with the arguments of this process.

    Parameters
    ----------
    backfill_seconds : int
        How often it looks for requested backfills and for the end of their runs.
    sensor_seconds : int
        How often it looks for sensors that are due.
    """
    from dagster._daemon import controller, sensor
    from dagster._daemon.cli import main

    controller.DEFAULT_DAEMON_INTERVAL_SECONDS = backfill_seconds
    sensor.MIN_INTERVAL_LOOP_TIME = sensor_seconds
    main()
