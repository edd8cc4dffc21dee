"""A session of live trading: the splits that reach it and the closes that are known after it."""

from __future__ import annotations

from datetime import date

import polars as pl

from trading_assets.live.session import last_closes, splits_between
from trading_assets_tests.live._examples import MONDAY, TUESDAY

WEDNESDAY = date(2021, 3, 3)


def test_splits_of_several_sessions_multiply_and_those_of_the_first_day_are_behind():
    actions = frame([("AAA", MONDAY, "split", 5.0), ("AAA", TUESDAY, "split", 2.0), ("AAA", WEDNESDAY, "split", 1.5),
                     ("BBB", TUESDAY, "dividend", 1.0), ("CCC", date(2021, 3, 4), "split", 9.0)])  # fmt: skip
    assert splits_between(actions, MONDAY, WEDNESDAY) == {"AAA": 3.0}


def test_the_last_close_is_in_the_shares_of_the_session_even_where_a_split_fell_on_a_day_without_a_bar():
    bars = pl.DataFrame(
        [("AAA", MONDAY, 30.0), ("BBB", MONDAY, 8.0), ("BBB", TUESDAY, 9.0), ("CCC", WEDNESDAY, 5.0)],
        schema={"symbol": pl.String, "date": pl.Date, "close": pl.Float64},
        orient="row",
    )
    actions = frame([("AAA", TUESDAY, "split", 3.0), ("BBB", TUESDAY, "split", 2.0)])
    assert last_closes(bars, actions, TUESDAY).rows() == [("AAA", MONDAY, 10.0), ("BBB", TUESDAY, 9.0)]
    assert last_closes(bars, actions, MONDAY).rows() == [("AAA", MONDAY, 30.0), ("BBB", MONDAY, 8.0)]


def frame(rows) -> pl.DataFrame:
    schema = {"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")
