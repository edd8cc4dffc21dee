"""Frames become arrays, or are refused with symbol, session and remedy."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from trading_assets.backtest.panel import (
    Axes,
    LedgerInputError,
    check_prices,
    dense_market,
    dense_targets,
    with_delisting_returns,
)

SESSIONS = [date(2024, 1, 4), date(2024, 1, 5), date(2024, 1, 8)]
AXES = Axes(SESSIONS, ["BBB", "AAA"])
THU, FRI, MON = SESSIONS
NO_ACTIONS = pl.DataFrame(schema={"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64})
LISTED = pl.DataFrame(
    {"symbol": ["AAA", "BBB"], "delisted_on": [None, None]}, schema_overrides={"delisted_on": pl.Date}
)


def bars(*rows):
    schema = {"symbol": pl.String, "date": pl.Date, "open": pl.Float64, "close": pl.Float64, "volume": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def actions(*rows):
    return pl.DataFrame(rows, schema=NO_ACTIONS.schema, orient="row")


def weights(*rows):
    schema = {"date": pl.Date, "symbol": pl.String, "weight": pl.Float64, "is_rebalance": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_bars_are_placed_by_session_and_sorted_symbol_and_others_left_out():
    frame = bars(
        ("BBB", FRI, 20.0, 21.0, 7),
        ("AAA", THU, 10.0, None, None),
        ("AAA", FRI, float("nan"), 11.0, 5),
        ("CCC", FRI, 1.0, 1.0, 1),
        ("AAA", date(2024, 1, 6), 1.0, 1.0, 1),
    )
    market = dense_market(frame, NO_ACTIONS, AXES)
    nan = np.nan
    assert np.array_equal(market.open_price, [[10, nan], [nan, 20], [nan, nan]], equal_nan=True)
    assert np.array_equal(market.close, [[nan, nan], [11, 21], [nan, nan]], equal_nan=True)
    assert np.array_equal(market.volume, [[0, 0], [5, 7], [0, 0]])
    assert (market.split == 1).all()
    assert (market.dividend == 0).all()


def test_actions_take_effect_at_the_next_session_and_combine():
    frame = actions(
        ("AAA", date(2024, 1, 6), "split", 2.0),
        ("AAA", MON, "split", 3.0),
        ("BBB", FRI, "dividend", 0.5),
        ("BBB", FRI, "dividend", 0.25),
        ("BBB", date(2024, 1, 9), "dividend", 9.0),
        ("CCC", FRI, "split", 9.0),
    )
    market = dense_market(bars(), frame, AXES)
    assert market.split.tolist() == [[1, 1], [1, 1], [6, 1]]
    assert market.dividend.tolist() == [[0, 0], [0, 0.75], [0, 0]]


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([("AAA", FRI, 0.0, 1.0, 1)], "'AAA' on 2024-01-05: bars_daily has a price that is not positive"),
        ([("AAA", FRI, 1.0, -1.0, 1)], "'AAA' on 2024-01-05: bars_daily has a price that is not positive"),
        ([("AAA", FRI, 1.0, float("inf"), 1)], "'AAA' on 2024-01-05: bars_daily has a price that is not positive"),
        ([("BBB", FRI, 1.0, 1.0, -1)], "'BBB' on 2024-01-05: bars_daily has a negative volume"),
        ([("AAA", THU, 1.0, 1.0, 1)] * 2, "'AAA' on 2024-01-04: bars_daily has more than one bar"),
    ],
)
def test_a_bad_bar_is_refused_with_symbol_and_session(rows, fault):
    with pytest.raises(LedgerInputError, match=fault):
        dense_market(bars(*rows), NO_ACTIONS, AXES)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (("AAA", FRI, "split", 0.0), "a split of 0 new shares"),
        (("AAA", FRI, "split", None), "no valid value"),
        (("AAA", FRI, "dividend", -1.0), "no valid value"),
        (("AAA", FRI, "spinoff", 1.0), "an unknown kind"),
    ],
)
def test_a_bad_action_is_refused_with_symbol_and_ex_date(row, fault):
    with pytest.raises(LedgerInputError, match=f"'AAA' on 2024-01-05: corporate_actions has {fault}"):
        dense_market(bars(), actions(row), AXES)


def test_a_frame_without_its_columns_is_refused_with_their_names():
    with pytest.raises(LedgerInputError, match="bars_daily lacks the columns open, close, volume; it has symbol, date"):
        dense_market(bars().select("symbol", "date"), NO_ACTIONS, AXES)


def test_targets_are_zero_without_a_row_and_delisting_takes_the_next_session():
    listed = LISTED.with_columns(delisted_on=pl.Series([date(2024, 1, 6), date(2024, 1, 9)]))
    frame = weights((FRI, "AAA", 0.5, True), (MON, "AAA", 0.5, False), (MON, "BBB", 0.1, False))
    targets = dense_targets(frame, listed, AXES)
    assert targets.weight.tolist() == [[0, 0], [0.5, 0], [0.5, 0.1]]
    assert targets.rebalance.tolist() == [False, True, False]
    assert targets.last_session.tolist() == [2, 3]
    assert dense_targets(frame, LISTED, AXES).last_session.tolist() == [3, 3]


def test_delisting_returns_are_those_of_the_last_delisting_and_unknown_ones_are_nothing():
    schema = {"symbol": pl.String, "date": pl.Date, "kind": pl.String, "value": pl.Float64}
    events = [("AAA", THU, "delisting", -0.9), ("AAA", MON, "delisting", -0.3), ("BBB", MON, "delisting", None),
              ("BBB", THU, "listing", None)]  # fmt: skip
    listed = with_delisting_returns(LISTED, pl.DataFrame(events, schema=schema, orient="row"))
    assert listed["delisting_return"].to_list() == [-0.3, None]
    frame = weights((MON, "AAA", 0.5, False), (MON, "BBB", 0.1, False))
    assert dense_targets(frame, listed, AXES).delisting_return.tolist() == [-0.3, 0.0]
    assert dense_targets(frame, LISTED, AXES).delisting_return.tolist() == [0.0, 0.0]
    with pytest.raises(LedgerInputError, match=r"'AAA' on .*market_data.listings has a delisting return below -1"):
        dense_targets(frame, listed.with_columns(delisting_return=pl.lit(-1.5)), AXES)


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([(THU, "AAA", 1.0, True), (MON, "AAA", 1.0, True)], "no row on 2024-01-05, after its first on 2024-01-04"),
        ([(date(2024, 1, 3), "AAA", 1.0, True)], "'AAA' on 2024-01-03: target_weights has a row outside the sessions"),
        ([(MON, "AAA", 1.0, True)] * 2, "'AAA' on 2024-01-08: target_weights has more than one row"),
        ([(MON, "AAA", None, True)], "'AAA' on 2024-01-08: target_weights has no finite weight"),
        ([(MON, "AAA", float("nan"), True)], "'AAA' on 2024-01-08: target_weights has no finite weight"),
        ([(MON, "AAA", 0.1, True), (MON, "BBB", 0.1, False)], "disagrees with itself on is_rebalance on 2024-01-08"),
        ([(MON, "AAA", 0.1, None)], "disagrees with itself on is_rebalance on 2024-01-08"),
    ],
)
def test_bad_weights_are_refused_with_symbol_and_session(rows, fault):
    with pytest.raises(LedgerInputError, match=fault):
        dense_targets(weights(*rows), LISTED, AXES)


def test_a_symbol_that_is_not_listed_or_listed_twice_is_refused():
    frame = weights((MON, "BBB", 0.1, True))
    with pytest.raises(LedgerInputError, match=r"'BBB' on .*market_data.symbols does not list it"):
        dense_targets(frame, LISTED.head(1), AXES)
    with pytest.raises(LedgerInputError, match=r"'AAA' on .*market_data.symbols lists it more than once"):
        dense_targets(frame, pl.concat([LISTED, LISTED.head(1)]), AXES)


def test_a_weight_without_any_close_and_a_bar_after_delisting_are_refused():
    market = dense_market(bars(("AAA", MON, 1.0, 1.0, 1)), NO_ACTIONS, AXES)
    wanted = dense_targets(weights(*((day, "AAA", 0.5, True) for day in SESSIONS)), LISTED, AXES)
    with pytest.raises(LedgerInputError, match="'AAA' on 2024-01-04 has a target weight but no close up to then"):
        check_prices(market, wanted, AXES)
    gone = LISTED.with_columns(delisted_on=pl.lit(FRI))
    unwanted = dense_targets(weights(*((day, "AAA", 0.0, True) for day in SESSIONS)), gone, AXES)
    with pytest.raises(LedgerInputError, match="'AAA' on 2024-01-08 has a bar after its delisted_on"):
        check_prices(market, unwanted, AXES)
