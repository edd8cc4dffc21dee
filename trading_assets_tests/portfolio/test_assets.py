"""Which sessions' signals decide the weights of some days."""

from datetime import date, timedelta

import pytest

from trading_assets.desk.calendar import sessions
from trading_assets.portfolio.assets import decision_sessions

AROUND = timedelta(days=45)


def decided(first: str, last: str, rebalance: str, start: str = "2010-01-04") -> list[str]:
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    calendar = sessions("XNYS", begin - AROUND, end + AROUND)
    days = [day for day in calendar if begin <= day <= end]
    return [str(day) for day in decision_sessions(calendar, days, rebalance, date.fromisoformat(start))]


@pytest.mark.parametrize(
    ("first", "last", "rebalance", "expected"),
    [
        ("2016-06-01", "2016-06-03", "daily", ["2016-06-01", "2016-06-02", "2016-06-03"]),
        # Tuesday to Thursday hold what Friday decided
        ("2016-06-07", "2016-06-09", "weekly", ["2016-06-03"]),
        # a Friday decides for itself, so the week before does not matter
        ("2016-06-10", "2016-06-13", "weekly", ["2016-06-10"]),
        ("2016-06-09", "2016-06-13", "weekly", ["2016-06-03", "2016-06-10"]),
        # Good Friday: the week ends on Thursday
        ("2016-03-24", "2016-03-28", "weekly", ["2016-03-24"]),
        ("2016-06-15", "2016-07-01", "monthly", ["2016-05-31", "2016-06-30"]),
    ],
)
def test_weights_are_decided_by_the_latest_rebalance_session(
    first: str, last: str, rebalance: str, expected: list[str]
) -> None:
    assert decided(first, last, rebalance) == expected


def test_nothing_is_asked_of_the_time_before_the_lake() -> None:
    assert decided("2016-06-07", "2016-06-13", "weekly", start="2016-06-06") == ["2016-06-10"]


def test_no_days_need_no_decision() -> None:
    assert decided("2016-06-04", "2016-06-05", "weekly") == []
