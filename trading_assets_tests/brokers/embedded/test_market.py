"""The price path of a session, prices between sessions, and the sessions themselves."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.brokers.embedded.market import Bar, LakeMarket, crossing, path_price
from trading_assets.brokers.embedded.sessions import TradingCalendar
from trading_assets_tests.brokers.embedded.markets import DAYS, at, bar, write_market

NEW_YORK = TradingCalendar("XNYS")
SESSION = NEW_YORK.on(DAYS[1])
PRICES = st.floats(1, 1_000)


@st.composite
def bars(draw):
    opened, closed, above, below = draw(PRICES), draw(PRICES), draw(st.floats(1, 1.5)), draw(st.floats(0.5, 1))
    return Bar(opened, max(opened, closed) * above, min(opened, closed) * below, closed, 1_000.0)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (Bar(100, 104, 98, 101, 1), {"09:30": 100, "10:35": 99, "11:40": 98, "12:45": 101, "13:50": 104, "16:00": 101}),
        (Bar(100, 104, 98, 99, 1), {"09:30": 100, "10:35": 102, "11:40": 104, "13:50": 98, "16:00": 99}),
    ],
)
def test_path_goes_to_the_far_side_first(day, expected):
    for time, price in expected.items():
        assert path_price(day, SESSION, at(DAYS[1], time)) == pytest.approx(price)


@given(bars(), st.floats(0, 1), st.floats(0, 1))
def test_path_stays_between_low_and_high(day, first, second):
    span = SESSION.close - SESSION.open
    for part in (first, second):
        price = path_price(day, SESSION, SESSION.open + part * span)
        assert day.low * (1 - 1e-9) <= price <= day.high * (1 + 1e-9)


@given(bars(), st.floats(0, 1), st.floats(0, 0.99), st.booleans())
def test_crossing_is_the_first_moment_at_which_the_path_is_there(day, height, begin, falls):
    level = day.low + height * (day.high - day.low)
    after = SESSION.open + begin * (SESSION.close - SESSION.open)
    moment = crossing(day, SESSION, after, level, falls=falls)
    end = moment or SESSION.close
    for step in range(200):  # not before
        probe = after + (end - after) * (step / 200)
        price = path_price(day, SESSION, probe)
        if probe < end - timedelta(milliseconds=1):
            assert (price > level * (1 - 1e-9)) if falls else (price < level * (1 + 1e-9))
    if moment is not None:
        price = path_price(day, SESSION, moment)
        assert (price <= level * (1 + 1e-6)) if falls else (price >= level * (1 - 1e-6))


def test_price_at_rest_is_the_last_close_in_the_shares_of_the_moment(lake):
    rows = [bar("AAA", DAYS[0], (100, 104, 98, 102)), bar("BBB", DAYS[3], (10, 11, 9, 10))]
    write_market(lake, rows, [("AAA", DAYS[2], "split", 2.0), ("AAA", DAYS[3], "split", 3.0)])
    market = LakeMarket(lake, NEW_YORK)
    assert market.price("AAA", at(DAYS[0], "08:00")) is None
    assert market.price("AAA", at(DAYS[0], "16:00")) == 102
    assert market.price("AAA", at(DAYS[2], "09:29")) == 102
    assert market.price("AAA", at(DAYS[2], "09:30")) == 51
    assert market.price("AAA", at(DAYS[3], "20:00")) == pytest.approx(17)
    assert market.price("AAA", at(DAYS[40])) == pytest.approx(17)
    assert market.price("ZZZ", at(DAYS[2])) is None


def test_actions_between_sessions_take_effect_at_the_next_open(lake):
    saturday, monday = date(2024, 1, 6), date(2024, 1, 8)
    write_market(
        lake,
        [bar("AAA", DAYS[0], (100, 104, 98, 102))],
        [("AAA", saturday, "split", 2.0), ("AAA", monday, "split", 2.0), ("AAA", monday, "dividend", 0.5)],
    )
    market = LakeMarket(lake, NEW_YORK)
    actions = market.actions(NEW_YORK.on(monday))
    assert (actions.split, actions.dividend) == ({"AAA": 4.0}, {"AAA": 0.5})
    assert [opened for opened, _ in market.splits("AAA")] == [at(monday, "09:30")] * 2


def test_sessions_know_half_days_and_holidays():
    half = NEW_YORK.on(date(2024, 7, 3))
    assert half.close - half.open == timedelta(hours=3, minutes=30)
    assert NEW_YORK.on(date(2024, 7, 4)) is None
    assert NEW_YORK.at(half.close) is None
    assert NEW_YORK.at(half.open) == half
    assert NEW_YORK.next(half.open).date == date(2024, 7, 5)
    assert NEW_YORK.last_closed(half.close) == half
    assert NEW_YORK.before(half).date == date(2024, 7, 2)
    assert NEW_YORK.next_close(half.open) == half.close
