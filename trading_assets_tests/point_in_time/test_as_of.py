from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trading_assets.point_in_time.as_of import as_of_join, known_from_end_of_day, latest_known

Q1, Q2 = date(2016, 3, 31), date(2016, 6, 30)
MOMENT = pl.Datetime("us", "UTC")


def at(number):
    return datetime(2016, 1, 1, tzinfo=UTC) + timedelta(days=number)


def figures(*rows):
    schema = {"symbol": pl.String, "period_end": pl.Date, "known_at": MOMENT, "value": pl.Float64}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def decisions(*rows):
    return pl.DataFrame(list(rows), schema={"symbol": pl.String, "at": MOMENT}, orient="row")


def joined(rows, known, **options):
    return as_of_join(rows, known, at="at", **options)["value"].to_list()


def test_a_row_counts_from_the_moment_it_became_known():
    known = figures(("A", Q1, at(10), 1.0))
    asked = decisions(("A", at(10) - timedelta(microseconds=1)), ("A", at(10)), ("A", at(11)), ("B", at(11)))
    assert joined(asked, known) == [None, 1.0, 1.0, None]


def test_a_restated_figure_replaces_the_first_only_from_its_own_moment():
    known = figures(("A", Q1, at(10), 1.0), ("A", Q1, at(20), 0.7))
    assert joined(decisions(("A", at(19)), ("A", at(20))), known, newest="period_end") == [1.0, 0.7]


def test_a_restatement_of_an_older_period_does_not_displace_the_newest_period():
    known = figures(("A", Q2, at(10), 2.0), ("A", Q1, at(20), 0.7))
    assert joined(decisions(("A", at(30))), known, newest="period_end") == [2.0]
    assert joined(decisions(("A", at(30))), known) == [0.7]


def test_two_periods_filed_at_once_give_the_newer():
    known = figures(("A", Q2, at(10), 2.0), ("A", Q1, at(10), 1.0))
    assert joined(decisions(("A", at(10))), known, newest="period_end") == [2.0]


def test_rows_keep_their_order_and_columns_and_name_clashes_get_a_suffix():
    asked = decisions(("B", at(30)), ("A", at(5)), ("A", at(30))).with_columns(value=pl.Series([7, 8, 9]))
    found = as_of_join(asked, figures(("A", Q1, at(10), 1.0)), at="at")
    assert found.select("symbol", "at", "value").equals(asked)
    assert found["value_known"].to_list() == [None, None, 1.0]
    assert found.columns == ["symbol", "at", "value", "period_end", "known_at", "value_known"]


@pytest.mark.parametrize("dtype", [pl.Datetime("us"), pl.Date])
def test_times_without_a_zone_are_refused(dtype):
    known, asked = figures(("A", Q1, at(10), 1.0)), decisions(("A", at(30)))
    with pytest.raises(ValueError, match=r"column 'at' of the rows to join to .* which names no moment"):
        joined(asked.with_columns(pl.col("at").dt.replace_time_zone(None).cast(dtype)), known)
    with pytest.raises(ValueError, match="column 'known_at' of what is known"):
        joined(asked, known.with_columns(pl.col("known_at").dt.replace_time_zone(None).cast(dtype)))
    with pytest.raises(ValueError, match="has no zone"):
        latest_known(known, datetime(2016, 1, 1), key=["symbol"])  # noqa: DTZ001


def test_a_bare_day_is_known_from_its_end():
    assert pl.select(known_from_end_of_day(pl.lit(date(2016, 5, 2)))).item() == datetime(2016, 5, 3, tzinfo=UTC)


def test_the_latest_known_version_of_each_row():
    known = figures(("A", Q1, at(10), 1.0), ("A", Q1, at(20), 0.7), ("A", Q2, at(20), 2.0), ("B", Q1, at(5), 3.0))
    key = ["symbol", "period_end"]
    assert latest_known(known, at(19), key=key)["value"].to_list() == [1.0, 3.0]
    assert latest_known(known, at(20), key=key)["value"].to_list() == [0.7, 2.0, 3.0]


ROWS = st.lists(
    st.tuples(
        st.sampled_from("AB"), st.sampled_from([Q1, Q2]), st.integers(0, 30).map(at), st.floats(-9, 9, allow_nan=False)
    ),
    max_size=12,
    unique_by=lambda row: row[:3],
)
ASKED = st.lists(st.tuples(st.sampled_from("ABC"), st.integers(-1, 31).map(at)), min_size=1, max_size=8)


@settings(deadline=None, max_examples=200)
@given(ROWS, ASKED, st.sampled_from([None, "period_end"]))
def test_the_join_is_what_looking_it_up_row_by_row_gives(rows, asked, newest):
    def look_up(symbol, moment):
        seen = [row for row in rows if row[0] == symbol and row[2] <= moment]
        order = (lambda row: (row[1], row[2])) if newest else (lambda row: row[2])
        best = max(map(order, seen), default=None)
        return {row[3] for row in seen if order(row) == best} or {None}

    found = joined(decisions(*asked), figures(*rows), newest=newest)
    assert all(value in look_up(*row) for value, row in zip(found, asked, strict=True))


@settings(deadline=None, max_examples=200)
@given(ROWS, ROWS, ASKED, st.integers(0, 30), st.sampled_from([None, "period_end"]))
def test_rows_known_later_change_nothing_before(rows, later, asked, cut, newest):
    added = [(symbol, period, moment + timedelta(days=cut + 1), value) for symbol, period, moment, value in later]
    before = [(symbol, moment) for symbol, moment in asked if moment <= at(cut)]
    early = [row for row in rows if row[2] <= at(cut)]
    frame = decisions(*before)
    assert_frame_equal(
        as_of_join(frame, figures(*early), at="at", newest=newest),
        as_of_join(frame, figures(*early, *added), at="at", newest=newest),
    )
    assert_frame_equal(
        latest_known(figures(*early), at(cut), key=["symbol", "period_end"]),
        latest_known(figures(*early, *added), at(cut), key=["symbol", "period_end"]),
    )
