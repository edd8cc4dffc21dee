"""A run over N partitions with a check: planned for the run, as here, against planned for every partition.

Dagster stores a planned partition-aware check as one row per partition, each with the whole event, the set of all N
partitions inside it: the cost grows with N squared.
"""

from functools import partial
from pathlib import Path

import dagster as dg

from benchmarks.measure import Comparison, Timing, repeat, scratch_settings
from trading_assets.lake.bridge.partition_keys import range_tags
from trading_assets.orchestration.instance import open_instance

_SIZES = (500, 1000, 2000)


def _run(folder: Path, *, size: int, is_partition_aware: bool) -> Timing:
    keys = [f"{number:05d}" for number in range(size)]
    partitions = dg.StaticPartitionsDefinition(keys)

    @dg.asset(partitions_def=partitions, backfill_policy=dg.BackfillPolicy.single_run())
    def panel() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult()

    @dg.asset_check(asset=panel, blocking=True, partitions_def=partitions if is_partition_aware else None)
    def contract() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    job = dg.Definitions(assets=[panel], asset_checks=[contract]).resolve_implicit_global_asset_job_def()
    tags = range_tags(keys[0], keys[-1])
    with scratch_settings(folder) as settings, open_instance(settings) as instance:
        return repeat(lambda: job.execute_in_process(instance=instance, tags=tags), 1, rows=size)


def _comparison(size: int) -> Comparison:
    return Comparison(
        f"partition_checks.{size}",
        partial(_run, size=size, is_partition_aware=False),
        "asset_check(partitions_def=...)",
        partial(_run, size=size, is_partition_aware=True),
    )


COMPARISONS = tuple(_comparison(size) for size in _SIZES)
