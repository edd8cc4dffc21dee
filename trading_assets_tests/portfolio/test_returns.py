"""Returns that a sizing may know: from close to close of consecutive sessions, with what happened in between."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.portfolio.returns import returns_known, session_returns
from trading_assets_tests.portfolio.markets import CALENDAR, actions, bars, walks

DAYS = CALENDAR[:5]


def returns(closes, *happened):
    return session_returns(bars({"A": closes}, DAYS), actions(*happened), DAYS)


def test_a_return_is_from_the_close_of_the_session_before():
    found = returns([100.0, 110.0, 99.0])
    assert found.select("symbol", "date").rows() == [("A", DAYS[1]), ("A", DAYS[2])]
    assert found["return"].to_list() == pytest.approx([0.1, -0.1])


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        ([("A", DAYS[1], "split", 2.0)], 1.2),
        ([("A", DAYS[1], "dividend", 5.0)], 0.15),
        # the dividend is per share after the split of its day: 2 x 5 on the share before
        ([("A", DAYS[1], "split", 2.0), ("A", DAYS[1], "dividend", 5.0)], 1.3),
        ([("A", DAYS[0], "split", 2.0), ("A", DAYS[2], "split", 2.0), ("B", DAYS[1], "split", 2.0)], 0.1),
    ],
)
def test_splits_and_dividends_on_the_way_count(happened, expected):
    assert returns([100.0, 110.0], *happened)["return"].to_list() == pytest.approx([expected])


def test_a_session_without_a_bar_leaves_two_returns_out():
    assert returns([100.0, None, 121.0, 121.0])["date"].to_list() == [DAYS[3]]


def test_bars_of_other_days_than_sessions_are_no_returns():
    sunday = pl.DataFrame({"symbol": ["A"], "date": [date(2024, 1, 7)], "close": [1.0]})
    found = session_returns(pl.concat([bars({"A": [100.0] * 5}, DAYS), sunday]), actions(), CALENDAR)
    assert found["date"].to_list() == DAYS[1:]


def test_a_decision_knows_the_sessions_up_to_it_and_no_more_than_it_asks_for():
    every = session_returns(walks(["A", "B"], gaps=0.0), actions(), CALENDAR)
    names = pl.DataFrame({"rebalance": [CALENDAR[10], CALENDAR[20], CALENDAR[20]], "symbol": ["A", "A", "B"]})
    known = returns_known(every, names, CALENDAR, 3)
    assert known.group_by("rebalance", "symbol").agg("date").sort("rebalance", "symbol").rows() == [
        (CALENDAR[10], "A", CALENDAR[8:11]),
        (CALENDAR[20], "A", CALENDAR[18:21]),
        (CALENDAR[20], "B", CALENDAR[18:21]),
    ]


def test_a_decision_near_the_first_session_knows_what_there_is():
    every = session_returns(walks(["A"], gaps=0.0), actions(), CALENDAR)
    known = returns_known(every, pl.DataFrame({"rebalance": [CALENDAR[1]], "symbol": ["A"]}), CALENDAR, 60)
    assert known["date"].to_list() == [CALENDAR[1]]


@given(first=st.integers(0, 60), last=st.integers(61, 120))
def test_a_return_has_the_same_bits_wherever_the_read_began_and_ended(first, last):
    panel = walks(["A", "B", "C"])
    happened = actions(*(("A", CALENDAR[k], "split", 1.5) for k in (5, 40, 80)), ("B", CALENDAR[50], "dividend", 0.3))
    every = session_returns(panel, happened, CALENDAR)
    span = (CALENDAR[first], CALENDAR[last])
    some = session_returns(panel.filter(pl.col("date").is_between(*span)), happened, CALENDAR)
    assert some.equals(every.filter(pl.col("date").is_between(*span)).filter(pl.col("date") > span[0]).join(
        some, on=["symbol", "date"], how="semi", maintain_order="left"))  # fmt: skip
    assert some.height >= (last - first - 1) * 2
