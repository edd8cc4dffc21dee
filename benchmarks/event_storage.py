"""One run of 2,000 partitions: with the desk's settings and event log, with Dagster's log, without the settings."""

import os
from functools import partial
from pathlib import Path

import dagster as dg
from dagster_postgres import PostgresEventLogStorage

from benchmarks.measure import Comparison, Timing, repeat, scratch_settings
from trading_assets.lake.bridge.partition_keys import range_tags
from trading_assets.orchestration.event_storage import DeskEventLog
from trading_assets.orchestration.instance import open_instance

_N_PARTITIONS = 2000
_AS_SHIPPED = {"DAGSTER_EVENT_BATCH_SIZE": "0", "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS": "0"}


def _run(folder: Path, *, environment: dict[str, str], is_dagsters: bool = False) -> Timing:
    os.environ.update(environment)
    keys = [f"{number:05d}" for number in range(_N_PARTITIONS)]

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(keys), backfill_policy=dg.BackfillPolicy.single_run())
    def panel() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult()

    job = dg.Definitions(assets=[panel]).resolve_implicit_global_asset_job_def()
    tags = range_tags(keys[0], keys[-1])
    with scratch_settings(folder) as settings, open_instance(settings) as instance:
        if is_dagsters:
            for name in ("store_event_batch", "has_table", "_has_asset_key_col_on_connection"):
                setattr(DeskEventLog, name, getattr(PostgresEventLogStorage, name))
        return repeat(lambda: job.execute_in_process(instance=instance, tags=tags), 5, rows=_N_PARTITIONS, warm=True)


COMPARISONS = (
    Comparison(
        "event_storage.log",
        partial(_run, environment={}),
        "Dagster's event log with the same settings",
        partial(_run, environment={}, is_dagsters=True),
    ),
    Comparison(
        "event_storage.settings",
        partial(_run, environment={}),
        "Dagster without event batches and with one planned event per partition",
        partial(_run, environment=_AS_SHIPPED),
    ),
)
