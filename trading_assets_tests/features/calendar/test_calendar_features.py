"""The calendar of the exchange: by hand, on the days before what nobody foresaw, and within a session."""

import math
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from trading_assets.desk.calendar import CalendarBoundsError, session_hours, sessions
from trading_assets.features.bar_rows import BarRows
from trading_assets.features.calendar.catalogue import SET
from trading_assets.features.calendar.days import exchange_days
from trading_assets.features.feature_set import INTERVALS
from trading_assets.market_data.schedule import scheduled_sessions
from trading_assets_tests.features.bars import bars_of
from trading_assets_tests.point_in_time.sample import actions

FORWARD = ("sessions_to_month_end", "sessions_to_holiday", "days_to_session", "sessions_to_expiry")


def daily(*days, exchange="XNYS"):
    bars = bars_of(np.full(len(days), 50.0)).with_columns(pl.Series("date", list(days), dtype=pl.Date))
    window = {"start": min(days), "end": max(days)}
    rows = BarRows.of(bars, actions(), history=0, exchange=exchange, **window)
    return pl.DataFrame(SET.values(rows))


def intraday(*moments, exchange="XNYS", interval="minute"):
    """Features of bars by their starts in UTC; the date is the one in UTC."""
    times = pl.Series("ts", list(moments), dtype=pl.Datetime("us", "UTC"))
    bars = bars_of(np.full(len(moments), 50.0)).with_columns(times, times.dt.date().alias("date"))
    window = {"start": bars["date"].min(), "end": bars["date"].max()}
    rows = BarRows.of(bars, actions(), history=0, exchange=exchange, interval=interval, **window)
    return pl.DataFrame(SET.values(rows))


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


CASES = {
    # Friday before Hurricane Sandy: 29 to 31 October, 14 sessions and half a week to Thanksgiving, 22 November
    date(2012, 10, 26): {
        "weekday": 4,
        "sessions_since_month_start": 19,
        "sessions_to_month_end": 3,
        "sessions_to_holiday": 18,
        "days_to_session": 3,
        "days_since_session": 1,
        "is_turn_of_month": 0,
    },
    # what was closed is known afterwards
    date(2012, 10, 31): {
        "sessions_since_month_start": 20,
        "sessions_since_holiday": 0,
        "days_since_session": 5,
        "sessions_to_month_end": 0,
        "is_turn_of_month": 1,
    },
    # the day before 11 September 2001: 11 to 14, 17 to 21 and 24 to 28 September were to come
    date(2001, 9, 10): {
        "days_to_session": 1,
        "sessions_to_month_end": 14,
        "sessions_to_holiday": 21,
        "sessions_since_month_start": 4,
        "sessions_since_holiday": 4,
        "sessions_to_expiry": 9,
    },
    date(2001, 9, 17): {
        "days_since_session": 7,
        "sessions_since_month_start": 5,
        "sessions_since_holiday": 0,
        "sessions_to_month_end": 9,
        "is_expiry_week": 1,
        "is_quarterly_expiry_week": 1,
    },
    # Wednesday before Thanksgiving and the half day after it
    date(2016, 11, 23): {"sessions_to_holiday": 0, "days_to_session": 2, "is_half_day": 0, "is_expiry_week": 0},
    date(2016, 11, 25): {"sessions_since_holiday": 0, "days_since_session": 2, "is_half_day": 1},
    # 15 April 2022 was Good Friday: options expired on Thursday
    date(2022, 4, 14): {"sessions_to_expiry": 0, "is_expiry_week": 1, "days_to_session": 4},
    date(2022, 4, 18): {"sessions_to_expiry": 24, "is_expiry_week": 0, "days_since_session": 4},
    # the last session of 2016, a Friday, and the first of 2017, a Tuesday
    date(2016, 12, 30): {
        "day_of_month": 30,
        "week_of_year": 52,
        "month": 12,
        "quarter": 4,
        "is_quarter_end": 1,
        "is_year_end": 1,
        "is_turn_of_month": 1,
        "is_year_start": 0,
        "days_to_session": 4,
    },
    date(2017, 1, 3): {
        "weekday": 1,
        "week_of_year": 1,
        "month": 1,
        "quarter": 1,
        "is_quarter_start": 1,
        "is_year_start": 1,
        "is_quarter_end": 0,
        "sessions_since_month_start": 0,
        "sessions_to_month_end": 19,
    },
    date(2017, 4, 3): {"is_quarter_start": 1, "is_year_start": 0},
    date(2017, 6, 30): {"is_quarter_end": 1, "is_year_end": 0},
    # the announced hours of the last day of the millennium were the usual ones
    date(1999, 12, 31): {"is_half_day": 0},
}


class TestDaysOfNewYork:
    @pytest.mark.parametrize("day", CASES)
    def test_a_day_is_what_the_calendar_on_the_wall_says(self, day):
        found = daily(day).row(0, named=True)
        assert {name: found[name] for name in CASES[day]} == CASES[day]

    def test_what_is_to_come_is_counted_by_the_rules_alone(self):
        scheduled = scheduled_sessions("XNYS")
        following = dict(pairwise(scheduled))
        days = sessions("XNYS", date(1997, 1, 2), date(2025, 6, 30))
        found = daily(*days)
        assert found["days_to_session"].to_list() == [(following[day] - day).days for day in days]
        in_month = dict.fromkeys(days, 0)
        for day, after in zip(reversed(scheduled[:-1]), reversed(scheduled[1:]), strict=True):
            in_month[day] = in_month.get(after, 0) + 1 if after.month == day.month else 0
        assert found["sessions_to_month_end"].to_list() == [in_month[day] for day in days]

    def test_what_is_past_is_counted_as_it_was(self):
        days = sessions("XNYS", date(1997, 1, 2), date(2025, 6, 30))
        found = daily(*days)
        passed = [(day - before).days for before, day in pairwise(days)]
        assert found["days_since_session"].to_list()[1:] == passed
        first_of_month = [before.month != day.month for before, day in pairwise(days)]
        assert (found["sessions_since_month_start"] == 0).to_list()[1:] == first_of_month

    def test_cycles_close(self):
        july, december, january = daily(date(2016, 7, 1), date(2016, 12, 30), date(2017, 1, 3)).iter_rows(named=True)
        assert (january["month_sin"], january["month_cos"]) == pytest.approx((0.0, 1.0))
        assert (july["month_sin"], july["month_cos"]) == pytest.approx((0.0, -1.0), abs=1e-12)
        # the 365th of 366 days, and a Friday
        angle, friday = 2 * math.pi * 364 / 366, 2 * math.pi * 4 / 7
        of_year = (december["day_of_year_sin"], december["day_of_year_cos"])
        assert of_year == pytest.approx((math.sin(angle), math.cos(angle)))
        of_week = (december["weekday_sin"], december["weekday_cos"])
        assert of_week == pytest.approx((math.sin(friday), math.cos(friday)))


class TestWithinASession:
    def test_places_of_the_minutes_of_a_summer_day(self):
        # New York is four hours behind UTC: 9:30, 11:39, 11:40, 13:50 and 15:59
        found = intraday(*(utc(2016, 7, 12, *at) for at in ((13, 30), (15, 39), (15, 40), (17, 50), (19, 59))))
        assert found["hour"].to_list() == [9, 11, 11, 13, 15]
        assert found["minute_of_session"].to_list() == [0, 129, 130, 260, 389]
        assert found["minutes_to_close"].to_list() == [390, 261, 260, 130, 1]
        assert found["session_share"].to_list() == pytest.approx([0, 129 / 390, 1 / 3, 2 / 3, 389 / 390])
        assert found["session_third"].to_list() == [0, 0, 1, 2, 2]
        assert found["is_opening_half_hour"].to_list() == [1, 0, 0, 0, 0]
        assert found["is_closing_half_hour"].to_list() == [0, 0, 0, 0, 1]
        half_past_nine = 2 * math.pi * 570 / 1440
        assert found["time_of_day_sin"][0] == pytest.approx(math.sin(half_past_nine))
        assert found["time_of_day_cos"][0] == pytest.approx(math.cos(half_past_nine))

    def test_a_winter_morning_is_the_same_place_an_hour_later_in_utc(self):
        summer, winter = intraday(utc(2016, 7, 12, 13, 45)), intraday(utc(2016, 1, 12, 14, 45))
        names = [name for name, one in SET.features.items() if one.group == "session"]
        assert summer.select(names).equals(winter.select(names))
        assert summer["is_opening_half_hour"].to_list() == [1]

    def test_a_half_day_ends_at_one(self):
        found = intraday(utc(2016, 11, 25, 17, 59)).row(0, named=True)
        assert (found["minutes_to_close"], found["session_share"]) == (1.0, pytest.approx(209 / 210))
        assert found["is_closing_half_hour"] == 1.0

    def test_an_unannounced_half_day_was_thought_to_end_at_four(self):
        assert session_hours("XNYS", date(1999, 12, 31), date(1999, 12, 31))["close"][0].hour == 18
        assert intraday(utc(1999, 12, 31, 17, 59))["minutes_to_close"].to_list() == [181.0]

    def test_the_last_bar_of_hours_lies_in_the_last_half_hour(self):
        starts = [utc(2016, 7, 12, 13, 30) + timedelta(hours=number) for number in range(7)]
        found = intraday(*starts, interval="hourly")
        assert found["is_closing_half_hour"].to_list() == [0, 0, 0, 0, 0, 0, 1]

    def test_a_market_that_never_closes_has_sessions_of_a_day(self):
        found = intraday(utc(2016, 7, 10, 0, 0), utc(2016, 7, 10, 23, 59), exchange="24/7")
        assert found["session_share"].to_list() == pytest.approx([0.0, 1439 / 1440])
        assert found["hour"].to_list() == [0, 23]

    def test_a_stray_bar_of_a_closed_day_has_the_hours_of_the_day_before(self):
        found = intraday(utc(2016, 7, 4, 14, 0)).row(0, named=True)
        assert (found["minute_of_session"], found["minutes_to_close"]) == (30.0, 360.0)


@pytest.mark.parametrize("exchange", ["XNYS", "XLON", "XTKS", "XHKG", "XBOM", "CMES", "24/7"])
def test_every_day_of_an_exchange_has_every_feature(exchange):
    days = exchange_days(exchange)
    assert set(days.features) == set(SET.of("daily"))
    columns = {**days.features, "open": days.open_at, "local": days.local_open, "length": days.length}
    assert [name for name, column in columns.items() if not np.isfinite(column).all()] == []
    assert [name for name in FORWARD if days.features[name].min() < 0] == []
    assert days.length.min() > 0


def test_the_table_of_an_exchange_is_built_once():
    assert exchange_days("XNYS") is exchange_days("XNYS")


def test_bars_before_the_calendar_are_refused():
    with pytest.raises(CalendarBoundsError, match="1980-01-02"):
        daily(date(1980, 1, 2))


@pytest.mark.parametrize("interval", INTERVALS)
def test_the_set_has_the_features_of_its_bars(interval):
    found = daily(date(2016, 7, 12)) if interval == "daily" else intraday(utc(2016, 7, 12, 14), interval=interval)
    assert set(found.columns) == set(SET.of(interval))
    assert SET.history == 0
