"""Inverse volatility: calm names weigh more, and a name that cannot be sized says why."""

from itertools import pairwise
from statistics import stdev

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.portfolio.books import load_books
from trading_assets.portfolio.returns import session_returns
from trading_assets.portfolio.sizing.inverse_volatility import InverseVolatility
from trading_assets.portfolio.weights import TargetWeightError, decided_weights, target_weights
from trading_assets_tests.portfolio.markets import CALENDAR, actions, bars

MAIN = load_books()["main"].with_values(
    sizing=InverseVolatility(lookback=4), top_fraction=1.0, gross_leverage=1.0, max_weight=1.0, rebalance="daily"
)
DAY = CALENDAR[6]
STEADY = [100.0, 101.0, 100.0, 101.0, 100.0, 101.0, 100.0]
WILD = [100.0, 103.0, 100.0, 103.0, 100.0, 103.0, 100.0]


def decided(closes, book=MAIN, day=DAY, happened=(), score=None):
    scores = pl.DataFrame({"date": day, "symbol": list(closes), "score": score or [1.0] * len(closes)})
    returns = session_returns(bars(closes), actions(*happened), CALENDAR)
    found = decided_weights(scores, [day], book, CALENDAR, returns)
    return {symbol: (weight, cause) for _, symbol, weight, cause in found.rows()}


def volatility(closes):
    last = [new / old - 1 for old, new in pairwise(closes[2:])]
    assert len(last) == 4
    return stdev(last)


def test_weights_are_proportional_to_the_inverse_of_volatility():
    found = decided({"A": STEADY, "B": WILD})
    inverse = [1 / volatility(STEADY), 1 / volatility(WILD)]
    assert [weight for weight, _ in found.values()] == pytest.approx([one / sum(inverse) for one in inverse], rel=1e-12)
    assert found["A"][0] > 2.5 * found["B"][0]


def test_equally_volatile_names_weigh_the_same_whatever_their_price():
    found = decided({"A": STEADY, "B": [10 * close for close in STEADY]})
    assert [weight for weight, _ in found.values()] == pytest.approx([0.5, 0.5])


def test_a_split_is_no_volatility():
    halved = [*STEADY[:4], *(close / 2 for close in STEADY[4:])]
    assert decided({"A": halved, "B": STEADY}, happened=[("A", CALENDAR[4], "split", 2.0)])["A"][0] == pytest.approx(
        0.5
    )


def test_the_highest_scores_alone_are_held_and_the_cap_holds():
    book = MAIN.with_values(top_fraction=0.5, max_weight=0.6)
    closes = {"A": STEADY, "B": WILD, "C": STEADY, "D": STEADY}
    found = decided(closes, book, score=[2.0, 1.0, 0.0, -1.0])
    assert {name: weight for name, (weight, _) in found.items()} == pytest.approx({"A": 0.6, "B": 0.4, "C": 0, "D": 0})


def test_a_name_that_cannot_be_sized_is_left_out_with_its_cause_and_another_takes_its_place():
    book = MAIN.with_values(top_fraction=0.25)
    closes = {
        "FLAT": [100.0] * 7,
        "NEW": [*[None] * 5, 100.0, 101.0],
        "NONE": [],
        "OLD": STEADY,
        "GAPS": [*STEADY[:5], None, 100.0],
    }
    found = decided(closes, book, score=[4.0, 3.0, 2.0, 1.0, 5.0])
    assert found["FLAT"] == (0.0, "no volatility in 4 sessions")
    assert found["NEW"] == (0.0, "1 returns, needs 2")
    assert found["NONE"] == (0.0, "0 returns, needs 2")
    # half of its returns are enough
    assert found["GAPS"] == (1.0, None)
    assert found["OLD"] == (0.0, None)


def test_nothing_that_can_be_sized_is_all_cash():
    assert decided({"A": [100.0] * 7})["A"] == (0.0, "no volatility in 4 sessions")


def test_the_price_of_the_decision_counts_and_that_of_the_next_session_does_not():
    moved = [*STEADY[:6], 130.0, 1.0]
    assert decided({"A": moved, "B": STEADY})["A"][0] < 0.1
    assert decided({"A": moved[:7], "B": STEADY}) == decided({"A": moved, "B": STEADY})


def test_a_book_without_the_returns_that_it_needs_is_refused():
    scores = pl.DataFrame({"date": [DAY], "symbol": ["A"], "score": [1.0]})
    with pytest.raises(
        TargetWeightError, match="'main': the sizing 'inverse_volatility' needs the returns of 4 sessions"
    ):
        target_weights(scores, [DAY], MAIN, CALENDAR)


def test_many_sessions_at_once_have_the_weights_of_each_alone(monkeypatch):
    closes = {"A": STEADY * 4, "B": WILD * 4, "C": [*STEADY, *WILD] * 2}
    days = CALENDAR[6:20]
    scores = pl.DataFrame(
        [(day, name, 1.0) for day in days for name in closes], schema=["date", "symbol", "score"], orient="row"
    )
    returns = session_returns(bars(closes), actions(), CALENDAR)
    at_once = decided_weights(scores, days, MAIN, CALENDAR, returns)
    monkeypatch.setattr("trading_assets.portfolio.weights._ROWS_AT_ONCE", 1)
    assert_frame_equal(decided_weights(scores, days, MAIN, CALENDAR, returns), at_once, check_exact=True)
