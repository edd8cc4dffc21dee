"""Which partitions each stage takes for a span of sessions."""

from datetime import date
from pathlib import Path

import pytest

from trading_assets.desk.desk import Desk
from trading_assets.desk.exchange import desk_exchange, exchange_of
from trading_assets.desk.settings import Settings
from trading_assets.market_data.stage import SYMBOLS_JOB
from trading_assets.models.specs import models
from trading_assets.orchestration.jobs import plan_stage
from trading_assets.portfolio.books import books
from trading_assets.signals.registry import strategies
from trading_assets_tests.desk.spans import TODAY

START, END = date(2014, 3, 1), date(2017, 1, 1)
SYMBOLS = ["AAA", "ZZZ", "MMM"]
_FROM, _TO = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def desk_of(home: Path, start: date, end: date) -> Desk:
    settings = Settings(home=home, start=start, end=end)
    named = {models: {"lgbm": None}, strategies: {"alpha": None}, books: {"a": None, "main": None}}
    return Desk(settings, given={**named, desk_exchange: exchange_of(settings, TODAY)})


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return desk_of(tmp_path_factory.mktemp("jobs"), START, END)


def planned(job: str, desk: Desk, first: date, last: date) -> tuple[str, str] | None:
    run = plan_stage(job, desk, SYMBOLS, first, last)
    if run is None:
        return None
    assert run.job == job
    return run.tags[_FROM], run.tags[_TO]


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        # symbols go from the first to the last registered one, which is not the order of the alphabet
        ("refresh_panel", ("2015|AAA", "2016|MMM")),
        ("refresh_cross_section", ("2015", "2016")),
        # from the month whose model scores the first session
        ("train_models", ("2015-04|lgbm", "2016-06|lgbm")),
        ("predict", ("2015-05|lgbm", "2016-06|lgbm")),
        ("signal", ("2015-05|alpha", "2016-06|alpha")),
        ("trade_books", ("a|2015-05", "main|2016-06")),
        ("report_books", ("a", "main")),
        ("report_models", ("lgbm", "lgbm")),
        ("report_drift", ("2015-04", "2016-06")),
    ],
)
def test_a_span_becomes_the_partitions_of_each_stage(desk: Desk, job: str, expected: tuple[str, str]) -> None:
    assert planned(job, desk, date(2015, 5, 4), date(2016, 6, 30)) == expected


def test_the_universe_has_no_partitions(desk: Desk) -> None:
    run = plan_stage(SYMBOLS_JOB, desk, [], date.min, date.min)
    assert run is not None
    assert run.tags == {}


def test_a_session_in_january_is_scored_by_the_model_of_december(desk: Desk) -> None:
    day = date(2016, 1, 11)
    assert planned("train_models", desk, day, day) == ("2015-12|lgbm", "2016-01|lgbm")


@pytest.mark.parametrize(
    ("day", "first_year"),
    [
        ("2016-01-04", "2015"),
        ("2016-01-08", "2015"),
        ("2016-01-14", "2015"),
        ("2016-01-19", "2016"),
        ("2016-12-30", "2016"),
    ],
)
def test_labels_of_december_are_refreshed_until_they_have_ended_in_january(
    desk: Desk, day: str, first_year: str
) -> None:
    session = date.fromisoformat(day)
    assert planned("refresh_panel", desk, session, session) == (f"{first_year}|AAA", "2016|MMM")


@pytest.mark.parametrize(
    ("day", "months"),
    [
        ("2016-03-01", ("2016-02", "2016-03")),
        ("2016-03-07", ("2016-02", "2016-03")),
        ("2016-03-08", ("2016-03", "2016-03")),
        # The running month has no partition before it is over.
        ("2016-12-30", ("2016-12", "2016-12")),
        ("2017-01-04", ("2016-12", "2016-12")),
        ("2017-01-09", None),
    ],
)
def test_a_month_s_drift_is_looked_at_until_a_week_after_it(
    desk: Desk, day: str, months: tuple[str, str] | None
) -> None:
    session = date.fromisoformat(day)
    assert planned("report_drift", desk, session, session) == months


def test_no_partition_from_before_the_lake_is_asked_for(desk: Desk) -> None:
    first = date(2014, 3, 3)
    assert planned("refresh_panel", desk, first, first) == ("2014|AAA", "2014|MMM")
    assert planned("train_models", desk, first, first) == ("2014-03|lgbm", "2014-03|lgbm")


def test_a_stage_without_a_partition_in_the_span_is_left_out(tmp_path: Path) -> None:
    lake = desk_of(tmp_path, date(2016, 6, 1), date(2016, 6, 16))
    session = date(2016, 6, 15)
    assert planned("train_models", lake, session, session) is None
    assert plan_stage("refresh_panel", lake, [], session, session) is None
