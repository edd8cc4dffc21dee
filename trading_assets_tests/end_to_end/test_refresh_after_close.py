"""What starts by itself after a close: the schedule's ticks, and the stage that follows on each stage."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.orchestration.schedules import REFRESH_TAG
from trading_assets_tests.desks import STAGE_JOBS, Bench, open_bench

NEW_YORK = ZoneInfo("America/New_York")
SOURCE = {"kind": "simulated", "n_symbols": 2, "seed": 3, "start": date(2018, 1, 2), "end": date(2018, 12, 31)}
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


@pytest.fixture(scope="module")
def bench(postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("refresh")
    with open_bench(postgres, folder / "lake", SOURCE, date(2018, 1, 1), date(2018, 12, 29)) as opened:
        opened.list_symbols()
        yield opened


@pytest.mark.parametrize(
    ("tick", "session"),
    [
        ("2018-06-15T16:30", date(2018, 6, 15)),  # half an hour after the close of a full day
        ("2018-06-15T13:30", None),  # the tick for half days, on a full day
        ("2018-07-03T13:30", date(2018, 7, 3)),  # the eve of Independence Day closes at 13:00
        ("2018-07-03T16:30", None),  # the tick for full days, on a half day
        ("2018-07-04T13:30", None),
        ("2018-07-04T16:30", None),
        ("2018-12-05T16:30", None),  # closed for a day of mourning that no rule foretells
        ("2018-12-28T16:30", date(2018, 12, 28)),  # last day of the lake
        ("2018-12-31T16:30", None),  # a session, after the source's history has ended
    ],
)
def test_each_session_is_refreshed_once_after_its_own_close(bench: Bench, tick: str, session: date | None) -> None:
    schedule = bench.defs.resolve_schedule_def("refresh_after_close")
    at = datetime.fromisoformat(tick).replace(tzinfo=NEW_YORK)

    with dg.build_schedule_context(instance=bench.instance, scheduled_execution_time=at) as context:
        answer = schedule(context)

    if session is None:
        assert isinstance(answer, dg.SkipReason), answer
        assert answer.skip_message
    else:
        assert isinstance(answer, dg.RunRequest), answer
        assert (answer.run_key, answer.tags[REFRESH_TAG]) == (f"refresh {session}", str(session))


def test_the_schedule_ticks_half_an_hour_after_full_and_half_days(bench: Bench) -> None:
    schedule = bench.defs.resolve_schedule_def("refresh_after_close")

    assert schedule.cron_schedule == ["30 13 * * 1-5", "30 16 * * 1-5"]
    assert schedule.execution_timezone == "America/New_York"
    assert schedule.job_name == STAGE_JOBS[0]


@pytest.mark.parametrize(
    ("ended", "following", "first", "last"),
    [
        ("refresh_symbols", "refresh_panel", "2018|SIM0001", "2018|SIM0002"),
        ("refresh_panel", "refresh_cross_section", "2018", "2018"),
        ("refresh_cross_section", "train_models", "2018-05|lgbm_daily", "2018-06|lgbm_daily"),
        ("train_models", "predict", "2018-06|lgbm_daily", "2018-06|lgbm_daily"),
        ("predict", "signal", "2018-06|ml_alpha", "2018-06|moving_average_cross"),
        ("signal", "trade_books", "main|2018-06", "main|2018-06"),
        ("trade_books", "report_books", "main", "main"),
        ("report_books", "report_models", "lgbm_daily", "lgbm_daily"),
        ("report_models", "report_drift", "2018-06", "2018-06"),
    ],
)
def test_each_stage_of_a_refresh_starts_the_next_one(
    bench: Bench, ended: str, following: str, first: str, last: str
) -> None:
    answer = continue_after(bench, ended, {REFRESH_TAG: "2018-06-15"})

    assert isinstance(answer, dg.RunRequest), answer
    assert (answer.job_name, answer.tags[REFRESH_TAG]) == (following, "2018-06-15")
    assert (answer.tags[RANGE[0]], answer.tags[RANGE[1]]) == (first, last)


def test_a_run_that_is_no_refresh_starts_nothing(bench: Bench) -> None:
    assert isinstance(continue_after(bench, "refresh_panel", {}), dg.SkipReason)


def continue_after(bench: Bench, job: str, tags: dict[str, str]) -> Any:
    """What the sensor answers to the success of a run."""
    run = dg.DagsterRun(job_name=job, status=dg.DagsterRunStatus.SUCCESS, tags=tags)
    event = dg.DagsterEvent(event_type_value=dg.DagsterEventType.RUN_SUCCESS.value, job_name=job)
    context = dg.build_run_status_sensor_context(
        sensor_name="continue_refresh", dagster_event=event, dagster_instance=bench.instance, dagster_run=run
    )
    return bench.defs.resolve_sensor_def("continue_refresh")(context)
