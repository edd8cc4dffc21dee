"""Sensors: continue a refresh stage by stage; give a newly listed name its partitions and its history."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import Partitions, desk_partitions
from trading_assets.desk.symbols import registered_symbols, unregistered_symbols
from trading_assets.lake.bridge.partition_keys import range_tags
from trading_assets.market_data.contract import SYMBOLS
from trading_assets.market_data.stage import PANEL_JOB
from trading_assets.orchestration.jobs import AssetJob, plan_stage, refresh_jobs
from trading_assets.orchestration.schedules import REFRESH_TAG


def build_sensors(desk: Desk, jobs: dict[str, AssetJob]) -> list[dg.SensorDefinition]:
    """Build the sensors of the desk."""
    stages, partitions = refresh_jobs(desk), desk.part(desk_partitions)

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name="continue_refresh",
        monitored_jobs=[jobs[name] for name in stages[:-1]],
        request_jobs=[jobs[name] for name in stages[1:]],
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=2,
        description="When a stage of a refresh has succeeded, starts the next one for the same session.",
    )
    def continue_refresh(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        session = context.dagster_run.tags.get(REFRESH_TAG)
        if session is None:
            return dg.SkipReason(f"run {context.dagster_run.run_id} is not part of a refresh")
        day = date.fromisoformat(session)
        symbols = registered_symbols(context.instance)
        for job in stages[stages.index(context.dagster_run.job_name) + 1 :]:
            planned = plan_stage(job, desk, symbols, day, day)
            if planned is not None:
                tags = planned.tags | {REFRESH_TAG: session}
                return dg.RunRequest(run_key=f"{job} {session}", job_name=job, tags=tags)
        return dg.SkipReason(f"the refresh of {session} is complete")

    @dg.sensor(
        name="new_symbols",
        job=jobs[PANEL_JOB],
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
        description="Gives every newly listed symbol its partitions and requests the backfill of its history.",
    )
    def new_symbols(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if not desk.lake.has_table(SYMBOLS.table):
            return dg.SkipReason("market_data/symbols has not been materialised yet")
        listed = desk.lake.query(f"SELECT symbol FROM lake.{SYMBOLS.table}")["symbol"]
        new = unregistered_symbols(context.instance, listed)
        if not new:
            return dg.SkipReason("every listed symbol has its partitions")
        return dg.SensorResult(
            run_requests=list(_history_of(new, partitions)),
            dynamic_partitions_requests=[partitions.symbols.build_add_request(new)],
        )

    automation = dg.AutomationConditionSensorDefinition(
        "automation",
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
        description="Evaluates the automation conditions: the universe after each close, reports after new P&L.",
    )
    return [continue_refresh, new_symbols, automation]


def _history_of(new: list[str], partitions: Partitions) -> Iterator[dg.RunRequest]:
    years = partitions.years.get_partition_keys()
    tags = range_tags(f"{years[0]}|{new[0]}", f"{years[-1]}|{new[-1]}")
    yield dg.RunRequest(run_key=f"history of {', '.join(new)}"[:250], tags=tags)
