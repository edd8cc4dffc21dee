"""What an exchange had announced, on the days that nobody foresaw and on those that everybody knew."""

from datetime import date

import pytest

from trading_assets.desk.calendar import UnknownExchangeError, is_session, sessions
from trading_assets.market_data.schedule import (
    half_days,
    is_trading_weekday,
    scheduled_sessions,
    unscheduled_hours,
)

UNFORESEEN = [
    *(date(2001, 9, day) for day in (11, 12, 13, 14)),
    date(2004, 6, 11),
    date(2007, 1, 2),
    date(2012, 10, 29),
    date(2012, 10, 30),
    date(2018, 12, 5),
    date(2025, 1, 9),
]


@pytest.mark.parametrize("day", UNFORESEEN)
def test_an_unscheduled_closing_was_a_scheduled_session(day):
    assert day in scheduled_sessions("XNYS")
    assert not is_session("XNYS", day)


@pytest.mark.parametrize(
    "day",
    [date(2015, 4, 3), date(2016, 7, 4), date(2015, 7, 3), date(2022, 6, 20), date(1997, 1, 1), date(2016, 12, 24)],
    ids=["Good Friday", "Independence Day", "the Friday before it", "Juneteenth", "New Year", "a Saturday"],
)
def test_a_holiday_of_the_rules_is_not_scheduled(day):
    assert day not in scheduled_sessions("XNYS")


def test_every_session_was_scheduled_and_nothing_else_but_the_unscheduled_closings():
    window = (date(1995, 1, 1), date(2025, 6, 30))
    scheduled = [day for day in scheduled_sessions("XNYS") if window[0] <= day <= window[1]]
    held = sessions("XNYS", *window)
    assert scheduled == sorted(scheduled)
    assert set(held) < set(scheduled)
    assert sorted(set(scheduled) - set(held)) == UNFORESEEN


def test_half_days_are_those_of_the_rules():
    found = half_days("XNYS")
    assert [day for day in found if day.year == 2013] == [date(2013, 7, 3), date(2013, 11, 29), date(2013, 12, 24)]
    assert date(1999, 12, 31) in unscheduled_hours("XNYS")
    assert not set(found) & set(unscheduled_hours("XNYS"))


def test_holidays_that_the_library_names_one_by_one_are_not_known_in_advance():
    diwali = date(2019, 10, 28)
    assert not is_session("XBOM", diwali)
    assert diwali in scheduled_sessions("XBOM")
    assert scheduled_sessions("XNSE") == scheduled_sessions("XBOM")


@pytest.mark.parametrize(("exchange", "trades"), [("XNYS", False), ("24/7", True)])
def test_the_weekdays_of_an_exchange(exchange, trades):
    assert is_trading_weekday(exchange, date(2016, 7, 4))
    assert is_trading_weekday(exchange, date(2016, 7, 2)) is trades


def test_an_exchange_that_never_closes_has_nothing_unscheduled():
    found = scheduled_sessions("24/7")
    assert found == sessions("24/7", found[0], found[-1])
    assert half_days("24/7") == []


def test_an_unknown_exchange_is_refused():
    with pytest.raises(UnknownExchangeError, match="XNYZ"):
        scheduled_sessions("XNYZ")
