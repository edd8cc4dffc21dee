"""Partitions: sessions without holidays, months that have ended, years; which of them exist."""

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._core.test_utils import freeze_time

from trading_assets.desk.calendar import sessions
from trading_assets_tests.desk.spans import partitions_of


def test_partitions_of_sessions_are_exactly_the_sessions_of_the_exchange(tmp_path: Path) -> None:
    found = partitions_of(tmp_path, date(2012, 1, 1), date(2014, 1, 1)).sessions.get_partition_keys()
    assert found == [str(day) for day in sessions("XNYS", date(2012, 1, 1), date(2013, 12, 31))]
    assert not {"2012-10-29", "2012-10-30"} & set(found)  # the exchange was closed for a hurricane


@pytest.mark.parametrize(
    ("exchange", "start", "end"),
    [
        ("24/7", date(2014, 1, 1), date(2016, 1, 1)),
        ("24/7", date(2014, 1, 1), date(2014, 2, 2)),  # the last session is a Saturday
        ("XSAU", date(2022, 1, 1), date(2023, 1, 1)),  # from Sunday to Thursday
        ("XSAU", date(2022, 1, 1), date(2022, 1, 10)),  # the last session is a Sunday
        ("XSAU", date(2022, 1, 1), date(2022, 1, 8)),  # ends on a Saturday
        ("XTKS", date(2019, 4, 1), date(2019, 6, 1)),
    ],
)
def test_sessions_on_any_day_of_the_week_have_partitions(tmp_path: Path, exchange: str, start: date, end: date) -> None:
    found = partitions_of(tmp_path, start, end, exchange).sessions
    days = sessions(exchange, start, end - timedelta(days=1))
    assert found.get_partition_keys() == [str(day) for day in days]
    assert [found.time_window_for_partition_key(str(day)).start.date() for day in days] == days


@pytest.mark.parametrize(("exchange", "last"), [("24/7", "2022-01-09"), ("XSAU", "2022-01-09"), ("XNYS", "2022-01-07")])
def test_sessions_of_a_history_that_goes_on_reach_to_a_sunday(tmp_path: Path, exchange: str, last: str) -> None:
    found = partitions_of(tmp_path, date(2021, 6, 1), None, exchange, date(2022, 1, 9))
    with freeze_time(datetime(2022, 1, 9, 14, tzinfo=ZoneInfo("UTC"))):
        assert found.sessions.get_partition_keys()[-1] == last


@pytest.mark.parametrize(
    ("end", "last"),
    [
        ("2016-07-01", "2016-06-30"),  # a Thursday
        ("2016-07-02", "2016-07-01"),  # a Friday: the next session is Tuesday, after the holiday
        ("2016-07-04", "2016-07-01"),
        ("2016-12-24", "2016-12-23"),  # a Friday before Christmas, observed on Monday
        ("2015-04-03", "2015-04-02"),  # the Thursday before Good Friday
        ("2013-03-02", "2013-03-01"),  # the end of the offline sample
    ],
)
def test_the_last_session_of_an_ended_history_exists(tmp_path: Path, end: str, last: str) -> None:
    found = partitions_of(tmp_path, date(2013, 1, 1), date.fromisoformat(end)).sessions
    assert found.get_partition_keys()[-1] == last
    window = found.time_window_for_partition_key(last)
    assert window.start.date() == date.fromisoformat(last)


def test_years_and_months_of_an_ended_history_reach_to_its_last_day(tmp_path: Path) -> None:
    found = partitions_of(tmp_path, date(2013, 2, 1), date(2016, 7, 1))
    assert found.years.get_partition_keys() == ["2013", "2014", "2015", "2016"]
    months = found.ended_months.get_partition_keys()
    assert (months[0], months[-1], len(months)) == ("2013-02", "2016-06", 41)
    assert found.months.get_partition_keys() == months


def test_a_month_that_has_not_ended_has_no_model(tmp_path: Path) -> None:
    found = partitions_of(tmp_path, date(2016, 1, 1), date(2016, 6, 15))
    assert found.ended_months.get_partition_keys()[-1] == "2016-05"
    assert found.months.get_partition_keys()[-1] == "2016-06"


def test_a_history_that_goes_on_has_partitions_up_to_today(tmp_path: Path) -> None:
    found = partitions_of(tmp_path, date(2015, 1, 1), None)
    with freeze_time(datetime(2016, 6, 1, 14, tzinfo=ZoneInfo("UTC"))):
        assert found.sessions.get_partition_keys()[-1] == "2016-06-01"
        assert found.ended_months.get_partition_keys()[-1] == "2016-05"
        assert found.months.get_partition_keys()[-1] == "2016-06"
        assert found.years.get_partition_keys()[-1] == "2016"


def test_which_years_exist(tmp_path: Path) -> None:
    found = partitions_of(tmp_path, date(2013, 2, 1), date(2016, 7, 1))
    assert found.existing_years(2011, 2014) == [2013, 2014]
    assert found.existing_years(2016, 2017) == [2016]
    assert found.existing_years(2018, 2019) == []
    assert found.first_day == date(2013, 1, 1)


def test_every_two_dimensional_partition_has_a_date(tmp_path: Path) -> None:
    found = partitions_of(tmp_path, date(2013, 2, 1), date(2016, 7, 1))
    named = (found.by_ended_month, found.by_month, found.by_session)
    for definition in (found.panel, found.panel_months, *(by("book", ["main"]) for by in named)):
        assert isinstance(definition, dg.MultiPartitionsDefinition)
        assert "date" in {dimension.name for dimension in definition.partitions_defs}
