"""Coverage by name and month, counted by the calendar, and its picture."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from trading_assets.desk.calendar import sessions
from trading_assets.market_data.contract import COVERAGE
from trading_assets.market_data.quality import coverage
from trading_assets.market_data.quality.heat_map import MOST_NAMES, coverage_heat_map, worst_names
from trading_assets_tests.market_data.quality.panels import NOTHING_QUARANTINED, clean_bars, listed

SPRING = sessions("XNYS", date(2015, 3, 1), date(2015, 5, 31))
MARCH, APRIL, MAY = date(2015, 3, 1), date(2015, 4, 1), date(2015, 5, 1)
NAMES = listed(clean_bars(["AAA", "BBB"], SPRING))
PNG = b"\x89PNG\r\n\x1a\n"


def test_a_complete_name_has_every_session_of_the_calendar() -> None:
    rows = coverage(clean_bars(["AAA"], SPRING), NOTHING_QUARANTINED, NAMES.head(1), SPRING)
    assert rows.rows() == [("AAA", MARCH, 22, 22, 0), ("AAA", APRIL, 21, 21, 0), ("AAA", MAY, 20, 20, 0)]
    assert rows.schema == COVERAGE.empty().schema


def test_missing_and_quarantined_bars_are_counted_in_their_month() -> None:
    bars = clean_bars(["AAA", "BBB"], SPRING).filter(
        (pl.col("symbol") == "AAA") | ~pl.col("date").is_in(SPRING[22:25]) & (pl.col("date") < SPRING[50])
    )
    held = pl.DataFrame({"symbol": ["BBB"] * 2, "date": SPRING[22:24], "rule": ["low: greater_than(0)"] * 2})
    rows = coverage(bars, held, NAMES, SPRING).filter(symbol="BBB")
    assert rows.rows() == [("BBB", MARCH, 22, 22, 0), ("BBB", APRIL, 21, 18, 2), ("BBB", MAY, 20, 7, 0)]


def test_nothing_is_expected_before_the_listing_and_from_the_delisting_on() -> None:
    spans = pl.DataFrame(
        {"symbol": ["NEW", "OLD"], "first_session": [date(2015, 4, 16), date(1999, 1, 4)],
         "delisted_on": [None, date(2015, 4, 16)]}
    )  # fmt: skip
    rows = coverage(NOTHING_QUARANTINED, NOTHING_QUARANTINED, spans, SPRING)
    assert rows.drop("present", "quarantined").rows() == [
        ("NEW", APRIL, 11),
        ("NEW", MAY, 20),
        ("OLD", MARCH, 22),
        ("OLD", APRIL, 10),
    ]


def test_a_session_whose_close_has_not_passed_is_not_expected() -> None:
    rows = coverage(clean_bars(["AAA"], SPRING[:5]), NOTHING_QUARANTINED, NAMES.head(1), SPRING[:5])
    assert rows.rows() == [("AAA", MARCH, 5, 5, 0)]


def test_a_quarantined_bar_shows_where_nothing_was_expected() -> None:
    held = pl.DataFrame({"symbol": ["ZZZ"], "date": [date(2015, 12, 25)], "rule": ["not a session"]})
    assert coverage(NOTHING_QUARANTINED, held, NAMES.clear(), SPRING).rows() == [("ZZZ", date(2015, 12, 1), 0, 0, 1)]


@given(
    kept=st.lists(st.tuples(st.sampled_from(["AAA", "BBB"]), st.integers(-9, 100)), max_size=60),
    first=st.integers(-20, 80),
    length=st.one_of(st.none(), st.integers(-5, 60)),
)
@hypothesis_settings(max_examples=100, deadline=None)
def test_never_more_is_present_than_expected_and_nothing_is_counted_twice(kept, first, length) -> None:
    day = SPRING[0] + timedelta(days=first)
    names = pl.DataFrame(
        {
            "symbol": ["AAA", "BBB"],
            "first_session": [day, SPRING[0]],
            "delisted_on": [None if length is None else day + timedelta(days=length), None],
        },
        schema_overrides={"delisted_on": pl.Date},
    )
    days = [(name, SPRING[0] + timedelta(days=offset)) for name, offset in kept]
    bars = pl.DataFrame(days, schema={"symbol": pl.String, "date": pl.Date}, orient="row")
    rows = coverage(bars, bars, names, SPRING)
    assert (rows["present"] <= rows["expected"]).all()
    assert rows.select("symbol", "period").is_unique().all()
    assert rows["quarantined"].sum() == bars.height
    gone = dict(names.select("symbol", pl.col("delisted_on").fill_null(date.max)).iter_rows())
    since = dict(names.select("symbol", "first_session").iter_rows())
    expected = sum(since[name] <= session < gone[name] for name in since for session in SPRING)
    present = len({(name, one) for name, one in days if one in SPRING and since[name] <= one < gone[name]})
    assert (rows["expected"].sum(), rows["present"].sum()) == (expected, present)


# --- the picture ----------------------------------------------------------------------------------------------------


def test_the_worst_names_come_first() -> None:
    bars = clean_bars(["AAA", "BBB"], SPRING).filter((pl.col("symbol") == "AAA") | (pl.col("date") < APRIL))
    worst = worst_names(coverage(bars, NOTHING_QUARANTINED, NAMES, SPRING))
    assert worst["symbol"].to_list() == ["BBB", "AAA"]
    assert worst["missing"].to_list() == [41, 0]
    assert worst["share"].to_list() == pytest.approx([22 / 63, 1.0])


def test_the_heat_map_is_a_picture_and_the_same_rows_give_the_same_bytes() -> None:
    rows = coverage(clean_bars(["A$A", "BBB"], SPRING), NOTHING_QUARANTINED, NAMES, SPRING)
    drawn = coverage_heat_map(rows)
    assert drawn.startswith(PNG)
    assert coverage_heat_map(rows.reverse()) == drawn
    assert coverage_heat_map(rows.with_columns(present=0)) != drawn


def test_of_many_names_the_worst_are_drawn() -> None:
    names = [f"N{number:03d}" for number in range(MOST_NAMES + 20)]
    rows = pl.DataFrame(
        {"symbol": names, "period": MARCH, "expected": 20, "present": [min(n // 4, 20) for n in range(len(names))]}
    )
    assert worst_names(rows)["symbol"].to_list() == names[:MOST_NAMES]
    few = rows.filter(pl.col("symbol").is_in(names[:MOST_NAMES]))
    assert len(coverage_heat_map(rows)) > len(coverage_heat_map(few.head(3)))
    assert coverage_heat_map(rows) != coverage_heat_map(few), "the title says how many there are"
