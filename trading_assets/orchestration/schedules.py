"""After every close: refresh the newest partition through all stages."""

import dagster as dg

from trading_assets.desk.calendar import session_close
from trading_assets.desk.clock import last_close
from trading_assets.desk.desk import Desk
from trading_assets.desk.exchange import AFTER_CLOSE, desk_exchange
from trading_assets.market_data.stage import SYMBOLS_JOB
from trading_assets.orchestration.jobs import AssetJob
from trading_assets.orchestration.maintenance import MAINTENANCE_JOB

REFRESH_TAG = "trading_assets/refresh"
_WEEKLY_SUNDAY = "0 6 * * 0"


def build_schedules(desk: Desk, jobs: dict[str, AssetJob]) -> list[dg.ScheduleDefinition]:
    """Build the daily refresh and the weekly maintenance."""
    settings, exchange = desk.settings, desk.part(desk_exchange)
    code = exchange.code

    @dg.schedule(
        name="refresh_after_close",
        job=jobs[SYMBOLS_JOB],
        cron_schedule=list(exchange.ticks),
        execution_timezone=exchange.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Half an hour after each close of {code}, half days included: refreshes the newest "
        "partition of every stage. The sensor continue_refresh starts each stage when the one before has succeeded.",
    )
    def refresh_after_close(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        tick = context.scheduled_execution_time
        session = last_close(code, tick)
        if settings.last_day and session > settings.last_day:
            return dg.SkipReason(f"the source's history ends on {settings.last_day}")
        if tick >= session_close(code, session) + 2 * AFTER_CLOSE:
            return dg.SkipReason(f"no session of {code} has closed shortly before; the last one is that of {session}")
        return dg.RunRequest(run_key=f"refresh {session}", tags={REFRESH_TAG: str(session)})

    maintain = dg.ScheduleDefinition(
        name="maintain_weekly",
        job=jobs[MAINTENANCE_JOB],
        cron_schedule=_WEEKLY_SUNDAY,
        execution_timezone=exchange.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Merges small files, forgets snapshots older than the retention, removes files nothing refers to.",
    )
    return [refresh_after_close, maintain]
