"""Target weights follow from the calendar and the scores of one rebalance session."""

import random
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.lake.store.hashing import content_hash
from trading_assets.portfolio.books import load_books
from trading_assets.portfolio.contract import TARGET_WEIGHTS
from trading_assets.portfolio.reading import sessions_around
from trading_assets.portfolio.returns import session_returns
from trading_assets.portfolio.sizing import shipped_sizings
from trading_assets.portfolio.weights import TargetWeightError, decision_sessions, rebalance_sessions, target_weights
from trading_assets_tests.portfolio.markets import actions, walks

# Monday 2024-01-01 to Friday 2024-03-29 without weekends, New Year, and Friday 2024-01-12.
CALENDAR = [
    day
    for day in (date(2024, 1, 1) + timedelta(days=offset) for offset in range(89))
    if day.weekday() < 5 and day not in {date(2024, 1, 1), date(2024, 1, 12)}
]
NAMES = [first + second for first in "ABCDEFGH" for second in ("", *"ABCDEFGH")]
RETURNS = session_returns(walks(NAMES, gaps=0.2), actions(), CALENDAR)
MAIN = load_books()["main"].with_values(gross_leverage=1.0, max_weight=1.0)


def signals(scores, days=CALENDAR):
    rows = [(day, symbol, score) for day in days for symbol, score in scores.items()]
    return pl.DataFrame(rows, schema={"date": pl.Date, "symbol": pl.String, "score": pl.Float64}, orient="row")


def weights_on(day, scores, book):
    frame = target_weights(signals(scores), [day], book, CALENDAR, RETURNS)
    return dict(frame.select("symbol", "weight").iter_rows())


@pytest.mark.parametrize(
    ("rebalance", "expected"),
    [
        ("daily", [date(2024, 1, 10), date(2024, 1, 11), date(2024, 1, 15), date(2024, 1, 16)]),
        ("weekly", [date(2024, 1, 11), date(2024, 1, 19)]),
        ("monthly", [date(2024, 1, 31), date(2024, 2, 29)]),
    ],
)
def test_a_rebalance_is_the_last_session_of_its_period_in_the_calendar(rebalance, expected):
    sessions = rebalance_sessions(CALENDAR, rebalance)
    assert [day for day in sessions if expected[0] <= day <= expected[-1]] == expected


def test_a_week_that_the_calendar_ends_in_has_no_known_last_session():
    assert rebalance_sessions(CALENDAR[:9], "weekly") == [date(2024, 1, 5), date(2024, 1, 11)]
    assert rebalance_sessions(CALENDAR[:8], "weekly") == [date(2024, 1, 5)]


def test_weights_carry_the_last_rebalance_through_the_week():
    # Scores change every day; the weights of a week are those of the Friday before.
    frame = pl.concat([signals({"A": float(k % 2), "B": 0.5}, [day]) for k, day in enumerate(CALENDAR)])
    book = MAIN.with_values(top_fraction=0.5)
    week = [day for day in CALENDAR if date(2024, 1, 5) <= day <= date(2024, 1, 15)]
    held = target_weights(frame, week, book, CALENDAR).filter(pl.col("weight") > 0)
    assert held.select("date", "symbol", "is_rebalance").rows() == [
        (date(2024, 1, 5), "A", True),
        (date(2024, 1, 8), "A", False),
        (date(2024, 1, 9), "A", False),
        (date(2024, 1, 10), "A", False),
        (date(2024, 1, 11), "A", True),
        (date(2024, 1, 15), "A", False),
    ]


@pytest.mark.parametrize(("names", "held", "weight"), [(1, 1, 0.5), (2, 1, 0.5), (5, 2, 0.49), (505, 202, 0.98 / 202)])
def test_the_default_book_is_sensible_with_few_and_many_names(names, held, weight):
    scores = {f"S{k:03d}": float(-k) for k in range(names)}
    weights = weights_on(date(2024, 1, 19), scores, load_books()["main"])
    assert len(weights) == names
    assert [symbol for symbol, value in weights.items() if value] == [f"S{k:03d}" for k in range(held)]
    assert [value for value in weights.values() if value] == pytest.approx([weight] * held, rel=1e-12)


SIZINGS = {
    "equal_weight_long: the better half": (
        {"sizing": "equal_weight_long", "top_fraction": 0.5},
        {"A": 3.0, "B": 1.0, "C": 2.0, "D": 0.0},
        {"A": 0.5, "B": 0.0, "C": 0.5, "D": 0.0},
    ),
    "equal_weight_long: ties by symbol": (
        {"sizing": "equal_weight_long", "top_fraction": 0.25},
        {"D": 1.0, "C": 1.0, "B": 1.0, "A": 0.0},
        {"A": 0.0, "B": 1.0, "C": 0.0, "D": 0.0},
    ),
    "equal_weight_long: a cap that all reach leaves cash": (
        {"sizing": "equal_weight_long", "top_fraction": 0.5, "max_weight": 0.3},
        {"A": 3.0, "B": 1.0, "C": 2.0, "D": 0.0},
        {"A": 0.3, "B": 0.0, "C": 0.3, "D": 0.0},
    ),
    "equal_weight_long: no opinion is no position": (
        {"sizing": "equal_weight_long", "top_fraction": 0.5},
        {"A": None, "B": float("nan"), "C": 2.0, "D": 0.0},
        {"A": 0.0, "B": 0.0, "C": 1.0, "D": 0.0},
    ),
    "rank_long_short: by distance from the middle rank, half on each side": (
        {"sizing": "rank_long_short", "top_fraction": 0.5},
        {"A": 9.0, "B": 5.0, "C": 4.0, "D": 3.0, "E": -7.0},
        {"A": 1 / 3, "B": 1 / 6, "C": 0.0, "D": -1 / 6, "E": -1 / 3},
    ),
    "rank_long_short: the excess over the cap goes to the other names of the side": (
        {"sizing": "rank_long_short", "top_fraction": 0.5, "max_weight": 0.3},
        {"A": 9.0, "B": 5.0, "C": 4.0, "D": 3.0, "E": -7.0},
        {"A": 0.3, "B": 0.2, "C": 0.0, "D": -0.2, "E": -0.3},
    ),
    "rank_long_short: one name has no counterpart": (
        {"sizing": "rank_long_short", "top_fraction": 0.5},
        {"A": 9.0},
        {"A": 0.0},
    ),
    "score_weighted: proportional to the score, with its sign": (
        {"sizing": "score_weighted", "top_fraction": 1.0},
        {"A": 5.0, "B": -3.0, "C": 2.0, "D": 0.0},
        {"A": 0.5, "B": -0.3, "C": 0.2, "D": 0.0},
    ),
    "score_weighted: the largest absolute scores": (
        {"sizing": "score_weighted", "top_fraction": 0.5, "gross_leverage": 2.0, "max_weight": 2.0},
        {"A": 5.0, "B": -3.0, "C": 2.0, "D": 0.0},
        {"A": 1.25, "B": -0.75, "C": 0.0, "D": 0.0},
    ),
    "score_weighted: the cap cascades": (
        {"sizing": "score_weighted", "top_fraction": 1.0, "max_weight": 0.4},
        {"A": 90.0, "B": 8.0, "C": 1.0, "D": 1.0},
        {"A": 0.4, "B": 0.4, "C": 0.1, "D": 0.1},
    ),
    "score_weighted: nothing but zeros is all cash": (
        {"sizing": "score_weighted", "top_fraction": 1.0},
        {"A": 0.0, "B": 0.0},
        {"A": 0.0, "B": 0.0},
    ),
}


@pytest.mark.parametrize(("rules", "scores", "expected"), SIZINGS.values(), ids=SIZINGS.keys())
def test_sizing_gives_the_expected_weights(rules, scores, expected):
    weights = weights_on(date(2024, 1, 19), scores, MAIN.with_values(**rules))
    assert weights == pytest.approx(expected, abs=1e-15)


BOOKS = st.builds(
    lambda sizing, rebalance, top, gross, cap: MAIN.with_values(
        sizing=sizing, rebalance=rebalance, top_fraction=top, gross_leverage=gross, max_weight=cap
    ),
    st.sampled_from([*shipped_sizings()]) | st.just({"kind": "inverse_volatility", "lookback": 5}),
    st.sampled_from(["daily", "weekly", "monthly"]),
    st.floats(0.01, 0.5),
    st.floats(0.1, 3.0),
    st.floats(0.01, 3.0),
)
SCORES = st.dictionaries(
    st.text("ABCDEFGH", min_size=1, max_size=2),
    st.none() | st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0, -1.0]),
    min_size=1,
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(BOOKS, SCORES)
def test_weights_keep_to_leverage_cap_and_neutrality_and_use_what_the_cap_allows(book, scores):
    weights = weights_on(date(2024, 2, 15), scores, book)
    gross = sum(map(abs, weights.values()))
    held = sum(value != 0 for value in weights.values())
    assert set(weights) == set(scores)
    assert all(abs(value) <= book.max_weight for value in weights.values())
    assert gross <= book.gross_leverage * (1 + 1e-12)
    if held:
        assert gross == pytest.approx(min(book.gross_leverage, held * book.max_weight), rel=1e-9)
    if book.sizing.kind == "rank_long_short":
        assert sum(weights.values()) == pytest.approx(0.0, abs=1e-12)
    if book.sizing.kind in ("equal_weight_long", "inverse_volatility"):
        assert min(weights.values()) >= 0


@settings(max_examples=60, deadline=None)
@given(BOOKS, st.lists(SCORES, min_size=25, max_size=25), st.data())
def test_weights_of_a_session_are_the_same_bits_alone_in_a_range_and_with_any_future(book, history, data):
    # Given different scores on 25 sessions around the end of February
    days = CALENDAR[25:50]
    book = book.with_values(rebalance=data.draw(st.sampled_from(["daily", "weekly"])))
    frame = pl.concat([signals(scores, [day]) for scores, day in zip(history, days, strict=True)])
    sessions = days[6:]
    # When one session is asked for with nothing but what is known at its own rebalance session, in another order
    day = data.draw(st.sampled_from(sessions))
    source = max(r for r in rebalance_sessions(CALENDAR, book.rebalance) if r <= day)
    known = RETURNS.filter(pl.col("date") <= source).reverse()
    alone = target_weights(frame.filter(pl.col("date") == source).reverse(), [day], book, CALENDAR, known)
    # Then its rows are those of the whole range
    whole = target_weights(frame, sessions, book, CALENDAR, RETURNS)
    assert alone.equals(whole.filter(pl.col("date") == day))


def test_sessions_before_the_first_scores_have_no_rows():
    late = [day for day in CALENDAR if day >= date(2024, 2, 14)]
    frame = target_weights(signals({"A": 1.0}, late), CALENDAR[10:40], MAIN, CALENDAR)
    assert frame["date"].min() == date(2024, 2, 16)
    assert target_weights(signals({"A": 1.0}, []), CALENDAR[10:40], MAIN, CALENDAR).schema == frame.schema
    assert target_weights(signals({"A": 1.0}), [], MAIN, CALENDAR).is_empty()


def test_a_calendar_that_does_not_determine_the_rebalance_session_is_refused():
    scores = signals({"A": 1.0})
    with pytest.raises(TargetWeightError, match=r"book 'main': the calendar ends on 2024-01-18, inside the weekly"):
        target_weights(scores, [date(2024, 1, 16)], MAIN, [day for day in CALENDAR if day <= date(2024, 1, 18)])
    with pytest.raises(TargetWeightError, match=r"begins on 2024-01-15 without a weekly rebalance session up to 2024"):
        target_weights(scores, [date(2024, 1, 16)], MAIN, [day for day in CALENDAR if day >= date(2024, 1, 15)])
    with pytest.raises(TargetWeightError, match="2024-01-13 is not a session of the calendar"):
        target_weights(scores, [date(2024, 1, 13)], MAIN, CALENDAR)


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([("A", 1.0), ("A", 2.0)], "more than one score for 'A' on 2024-01-19"),
        ([("A", 1.0), ("B", float("inf"))], "an infinite score for 'B' on 2024-01-19"),
        ([(None, 1.0)], "a score without a symbol for None on 2024-01-19"),
    ],
)
def test_a_bad_score_is_refused_with_book_strategy_symbol_and_session(rows, fault):
    frame = pl.DataFrame(rows, schema={"symbol": pl.String, "score": pl.Float64}, orient="row")
    with pytest.raises(TargetWeightError, match=f"book 'main': strategy 'ml_alpha' has {fault}"):
        target_weights(frame.with_columns(date=date(2024, 1, 19)), [date(2024, 1, 22)], MAIN, CALENDAR)


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
def test_weights_are_decided_by_the_latest_rebalance_session(first, last, rebalance, expected):
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    book = MAIN.with_values(rebalance=rebalance)
    calendar = sessions_around("XNYS", book, begin, end)
    days = [day for day in calendar if begin <= day <= end]
    decisions = decision_sessions(days, book, calendar)
    assert [str(day) for day in decisions["rebalance"].unique().sort()] == expected
    assert decisions["date"].to_list() == days


def test_no_days_need_no_decision():
    assert decision_sessions([], MAIN, CALENDAR).is_empty()


@pytest.mark.parametrize(
    ("sizing", "rebalance", "pinned"),
    [
        ("equal_weight_long", "daily", "cf6301a26d050da9"),
        ("equal_weight_long", "weekly", "d2f0194867422fe1"),
        ("rank_long_short", "daily", "30cc994e332c750e"),
        ("rank_long_short", "weekly", "7445fd6d2e08cf88"),
        ("score_weighted", "daily", "be229553f939e7f5"),
        ("score_weighted", "weekly", "bd1afd7d60c513cd"),
    ],
)
def test_the_bits_of_weights_do_not_change_unseen(sizing, rebalance, pinned):
    rng, names = random.Random(5), [f"S{number:02d}" for number in range(37)]
    rows = [(day, name, rng.gauss(0, 1)) for day in CALENDAR for name in names if rng.random() < 0.9]
    frame = pl.DataFrame(rows, schema={"date": pl.Date, "symbol": pl.String, "score": pl.Float64}, orient="row")
    rules = {"sizing": sizing, "rebalance": rebalance, "top_fraction": 0.3, "gross_leverage": 0.98, "max_weight": 0.11}
    found = target_weights(frame, CALENDAR[25:50], MAIN.with_values(**rules), CALENDAR)
    assert content_hash(found, key=TARGET_WEIGHTS.key).startswith(pinned)
