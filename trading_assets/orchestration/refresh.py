"""Refresh every stage for a span of sessions in this process: the demo; a schedule does the same run by run."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from uuid import uuid4

import dagster as dg
from dagster import DagsterEventType

from trading_assets.desk.clock import now
from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import command_here
from trading_assets.desk.symbols import keep_listed_symbols, register_symbols, registered_symbols
from trading_assets.library_internals.dagster import DagsterAssetCheckFailedError
from trading_assets.market_data.contract import SYMBOLS
from trading_assets.market_data.stage import SYMBOLS_JOB
from trading_assets.orchestration.errors import RefreshError
from trading_assets.orchestration.jobs import plan_stage, refresh_jobs

# An error is raised, and told once by who asked for the run; its stack traces are in the run's log of events.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_running: dict[str, dg.DagsterInstance] = {}
_MARKS = {DagsterEventType.STEP_START, DagsterEventType.LOADED_INPUT, DagsterEventType.STEP_OUTPUT}


@dataclass(frozen=True, slots=True)
class StageReport:
    """How long a stage took, how much of it was its own work, and how many partitions it made."""

    job: str
    run_id: str
    seconds: float
    work_seconds: float

    @property
    def orchestration_seconds(self) -> float:
        """Seconds that were not spent in asset bodies, lake writes or checks."""
        return max(self.seconds - self.work_seconds, 0.0)


def refresh(
    defs: dg.Definitions,
    desk: Desk,
    instance: dg.DagsterInstance,
    span: Callable[[], tuple[date, date]],
) -> Iterator[StageReport]:
    """Run the stages one after the other, each as one run over all its partitions in the span.

    Parameters
    ----------
    defs : dagster.Definitions
        The desk's definitions.
    desk : Desk
        The lake they write to.
    instance : dagster.DagsterInstance
        Where runs are recorded.
    span : callable
        First and last session; called after the universe is known.

    Yields
    ------
    StageReport
        One per stage that has partitions in the span.

    Raises
    ------
    RefreshError
        A blocking check stopped a stage; any other error is raised unchanged.
    """
    for job in refresh_jobs(desk):
        first, last = span() if job != SYMBOLS_JOB else (date.min, date.min)
        planned = plan_stage(job, desk, registered_symbols(instance), first, last)
        if planned is None:
            continue
        started = time.perf_counter()
        with few_collections():
            result = run_job(defs.resolve_job_def(job), instance, planned.tags)
        if job == SYMBOLS_JOB:
            listed = desk.lake.query(f"SELECT symbol FROM lake.{SYMBOLS.table}")["symbol"].to_list()
            keep_listed_symbols(instance, listed)
            register_symbols(instance, listed)
        seconds = time.perf_counter() - started
        yield StageReport(job, result.run_id, seconds, work_seconds(instance, result))


@contextmanager
def few_collections() -> Iterator[None]:
    """Exclude existing objects from garbage collections while runs execute.

    A run keeps so many events that Python makes several full collections, and each would scan all modules and
    definitions again.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def run_job(job: dg.JobDefinition, instance: dg.DagsterInstance, tags: Mapping[str, str]) -> dg.ExecuteInProcessResult:
    """Run a job in this process.

    Raises
    ------
    RefreshError
        A blocking check stopped it; any other error is raised unchanged.
    """
    run_id = str(uuid4())
    _running[run_id] = instance
    try:
        # With a fixed time the partitions do not change, so Dagster lists them once per run and not once per step.
        with dg.partition_loading_context(now(), instance):
            return job.execute_in_process(instance=instance, run_id=run_id, tags=dict(tags), run_config=QUIET)
    except DagsterAssetCheckFailedError:
        failed = [check for check in _evaluations(instance, run_id) if check.blocking and not check.passed]
        found = "; ".join(
            f"{check.check_name} of {'.'.join(check.asset_key.path)}: {check.description}" for check in failed
        )
        ui = command_here("ui")
        msg = f"the job {job.name} was stopped by a check: {found} (run {run_id} in the web UI: {ui})"
        raise RefreshError(msg) from None
    finally:
        _running.pop(run_id, None)


def cancel_runs() -> None:
    """Record the runs of this process as cancelled, before it ends in the middle of them."""
    for run_id, instance in list(_running.items()):
        if (run := instance.get_run_by_id(run_id)) is not None and not run.is_finished:
            instance.report_run_canceled(run, "the command that made this run was interrupted")


def _evaluations(instance: dg.DagsterInstance, run_id: str) -> Iterator[dg.AssetCheckEvaluation]:
    for entry in instance.all_logs(run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION):
        if isinstance(data := entry.get_dagster_event().event_specific_data, dg.AssetCheckEvaluation):
            yield data


def work_seconds(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> float:
    """Seconds in asset bodies and checks (from the event log) and in lake writes (from the metadata)."""
    # The work of an asset ends with its first output; the checks of a step run until its last one.
    since, until = dict[str, float](), dict[str, float]()
    makes_tables = {event.step_key for event in result.all_events if event.is_step_materialization}
    for entry in instance.all_logs(result.run_id, of_type=_MARKS):
        step = entry.step_key or ""
        if entry.dagster_event_type != DagsterEventType.STEP_OUTPUT:
            since[step] = entry.timestamp
        elif step not in until or step not in makes_tables:
            until[step] = entry.timestamp
    body = sum(moment - since.get(step, moment) for step, moment in until.items())
    written, seen = 0.0, set[tuple[str, str]]()
    for event in result.all_events:
        if event.is_step_materialization and event.asset_key is not None:
            output = (event.step_key or "", event.asset_key.to_user_string())
            value = event.step_materialization_data.materialization.metadata.get("write_seconds")
            if output not in seen and value is not None:
                seen.add(output)
                written += float(str(value.value))
    return body + written
