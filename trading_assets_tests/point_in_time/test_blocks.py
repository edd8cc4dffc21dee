from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trading_assets.point_in_time.blocks import lookback_blocks
from trading_assets_tests.point_in_time.sample import random_bars

PANEL = random_bars(["A", "B"], 600)


def blocks(panel, first, last, lookback=10, period="year", reach=None):
    return lookback_blocks(panel, lookback=lookback, period=period, start=first, end=last, reach=reach)


def test_a_block_is_the_period_and_the_rows_just_before_it():
    block = blocks(PANEL, date(2015, 1, 1), date(2015, 12, 31)).filter(pl.col("symbol") == "A")
    days = PANEL.filter(pl.col("symbol") == "A")["date"]
    year = days.filter(days.dt.year() == 2015)
    before = days.filter(days < date(2015, 1, 1)).tail(10)
    assert block["date"].to_list() == [*before, *year]
    assert block["is_output"].to_list() == [False] * 10 + [True] * len(year)
    assert block["block"].unique().to_list() == [2015]
    assert block["block"].dtype == pl.Int32


def test_a_short_history_gives_a_short_look_back():
    block = blocks(PANEL, date(2014, 1, 1), date(2014, 12, 31))
    assert block["is_output"].all()


def test_look_back_rows_never_come_from_another_symbol():
    late = PANEL.filter((pl.col("symbol") == "A") | (pl.col("date") >= date(2015, 3, 2)))
    block = blocks(late, date(2015, 1, 1), date(2015, 12, 31)).filter(pl.col("symbol") == "B")
    assert block["date"].min() == date(2015, 3, 2)
    assert block["is_output"].all()


def test_a_look_back_longer_than_a_period_reaches_over_several():
    block = blocks(PANEL, date(2014, 9, 1), date(2014, 9, 30), lookback=50, period="month")
    assert block["block"].unique().to_list() == [201409]
    assert block.filter(symbol="A")["is_output"].sum() == 22
    assert (~block.filter(symbol="A")["is_output"]).sum() == 50


@pytest.mark.parametrize(
    ("reach", "earliest"),
    [(0, date(2016, 2, 1)), (1, date(2016, 1, 1)), (2, date(2015, 12, 1)), (4, date(2015, 10, 1))],
)
def test_a_look_back_ends_with_the_last_period_within_reach(reach, earliest):
    block = blocks(PANEL, date(2016, 2, 1), date(2016, 2, 29), lookback=400, period="month", reach=reach)
    days = PANEL.filter(symbol="A")["date"]
    assert (
        block.filter(symbol="A")["date"].to_list()
        == days.filter(days.is_between(earliest, date(2016, 2, 29))).to_list()
    )
    assert (~block["is_output"]).sum() == 2 * days.is_between(earliest, date(2016, 1, 31)).sum()


@settings(max_examples=50, deadline=None)
@given(
    lookback=st.integers(0, 300),
    period=st.sampled_from(["year", "month"]),
    reach=st.integers(0, 3),
    kept=st.floats(0.02, 1.0),
)
def test_what_lies_beyond_reach_does_not_matter_however_seldom_a_name_trades(lookback, period, reach, kept):
    seldom = PANEL.sample(fraction=kept, seed=7)
    start, end = (date(2016, 1, 1), date(2016, 12, 31)) if period == "year" else (date(2016, 3, 1), date(2016, 3, 31))
    earliest = (
        date(2016 - reach, 1, 1) if period == "year" else date(2016 - (reach == 3), 12 if reach == 3 else 3 - reach, 1)
    )
    within = seldom.filter(pl.col("date") >= earliest)
    assert_frame_equal(
        blocks(seldom, start, end, lookback, period, reach), blocks(within, start, end, lookback, period, reach)
    )
    assert_frame_equal(blocks(seldom, start, end, lookback, period, 100), blocks(seldom, start, end, lookback, period))


@pytest.mark.parametrize(
    ("first", "last", "years"),
    [
        (date(2015, 6, 1), date(2015, 6, 1), [2015]),
        (date(2014, 12, 31), date(2015, 1, 1), [2014, 2015]),
        (date(2000, 1, 1), date(2030, 1, 1), [2014, 2015, 2016]),
        (date(2020, 1, 1), date(2020, 12, 31), []),
    ],
)
def test_only_periods_that_meet_the_window_get_a_block(first, last, years):
    assert blocks(PANEL, first, last)["block"].unique().sort().to_list() == years


def test_a_block_is_whole_whatever_part_of_its_period_is_asked_for():
    assert_frame_equal(
        blocks(PANEL, date(2015, 5, 5), date(2015, 5, 6)), blocks(PANEL, date(2015, 1, 1), date(2015, 12, 31))
    )


@settings(max_examples=50, deadline=None)
@given(lookback=st.integers(0, 400), period=st.sampled_from(["year", "month"]), seed=st.integers(0, 3))
def test_every_row_of_the_window_is_output_exactly_once(lookback, period, seed):
    shuffled = PANEL.sample(fraction=1, shuffle=True, seed=seed)
    rows = blocks(shuffled, date(2014, 1, 1), date(2016, 12, 31), lookback, period)
    output = rows.filter("is_output").drop("block", "is_output")
    assert_frame_equal(output.sort("symbol", "date"), PANEL)
    assert_frame_equal(rows, rows.sort("symbol", "block", "date"))


def test_an_empty_panel_gives_an_empty_frame_with_the_same_columns():
    empty = blocks(PANEL.clear(), date(2015, 1, 1), date(2015, 12, 31))
    assert empty.schema == blocks(PANEL, date(2015, 1, 1), date(2015, 12, 31)).schema
    assert empty.is_empty()


def test_a_repeated_bar_is_refused_by_name():
    with pytest.raises(ValueError, match=r"1 repeated row.* A 2014-06-02"):
        blocks(pl.concat([PANEL, PANEL.head(1)]), date(2015, 1, 1), date(2015, 12, 31))


@pytest.mark.parametrize("wrong", [{"lookback": -1}, {"reach": -1}, {"first": date(2016, 1, 1)}])
def test_a_window_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="lookback >= 0, reach >= 0 and start <= end"):
        blocks(PANEL, **{"first": date(2015, 1, 1), "last": date(2015, 12, 31), **wrong})
