"""Membership: dated lists say who belonged when; a list of a later day is never passed off as known before it."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.desk.configuration import UniverseSettings
from trading_assets.market_data.contract import MEMBERSHIP
from trading_assets.market_data.universe import (
    MemberList,
    UniverseError,
    list_membership,
    listed_membership,
    member_lists,
    members_only,
    membership_of,
    names_of,
    read_list,
)

SP500 = Path(__file__).parents[2].parent / "shared" / "data" / "sp500_constituents"
START = date(2010, 1, 4)
LISTS = [
    MemberList(date(2013, 1, 2), ("A", "B")),
    MemberList(date(2014, 1, 2), ("B", "C")),
    MemberList(date(2015, 1, 2), ("A", "C")),
]


def spans(frame):
    return frame.sort("symbol", "first_date").select("symbol", "first_date", "last_date", "basis").rows()


def on(frame, day):
    rows = pl.DataFrame({"symbol": list("ABCDEFG"), "date": [day] * 7})
    return members_only(rows, frame).sort("symbol").select("symbol", "basis").rows()


def test_a_member_belongs_from_its_list_until_the_day_before_the_list_without_it():
    found = list_membership(LISTS, universe="u", source="index", start=START, stretch=False)
    assert spans(found) == [
        ("A", date(2013, 1, 2), date(2014, 1, 1), "dated"),
        ("A", date(2015, 1, 2), None, "dated"),
        ("B", date(2013, 1, 2), date(2015, 1, 1), "dated"),
        ("C", date(2014, 1, 2), None, "dated"),
    ]
    assert MEMBERSHIP.split(found).quarantined.is_empty()
    assert [row[0] for row in on(found, date(2014, 6, 2))] == ["B", "C"]
    assert on(found, date(2012, 12, 31)) == []


def test_the_first_list_stretched_back_is_marked_as_hindsight():
    found = list_membership(LISTS[:1], universe="u", source="file", start=START, stretch=True)
    assert on(found, date(2012, 12, 31)) == [("A", "hindsight"), ("B", "hindsight")]
    assert on(found, date(2013, 1, 2)) == [("A", "dated"), ("B", "dated")]


days = st.dates(date(2011, 1, 1), date(2013, 12, 31))


@given(lists=st.dictionaries(days, st.sets(st.sampled_from("ABCDEFG"), min_size=1), min_size=1, max_size=6), day=days)
def test_on_any_day_the_members_are_those_of_the_newest_list_made_by_then(lists, day):
    made = [MemberList(when, tuple(sorted(names))) for when, names in sorted(lists.items())]
    found = list_membership(made, universe="u", source="index", start=START, stretch=False)
    known = [one for one in made if one.day <= day]
    assert [row[0] for row in on(found, day)] == sorted(known[-1].symbols if known else ())
    assert found.select("symbol", "first_date").is_unique().all()


@given(lists=st.dictionaries(days, st.sets(st.sampled_from("ABCDEFG"), min_size=1), min_size=2, max_size=6), day=days)
def test_a_later_list_never_changes_who_belonged_before_it(lists, day):
    made = [MemberList(when, tuple(sorted(names))) for when, names in sorted(lists.items())]
    some, every = (
        list_membership(taken, universe="u", source="index", start=START, stretch=False) for taken in (made[:-1], made)
    )
    before = min(day, made[-1].day - timedelta(days=1))
    assert on(some, before) == on(every, before)


def test_a_listing_is_a_membership_until_the_day_before_the_delisting():
    symbols = pl.DataFrame(
        {
            "symbol": ["A", "B"],
            "first_session": [date(2013, 1, 2), date(2014, 1, 2)],
            "delisted_on": [date(2014, 6, 2), None],
            "source": ["files", "files"],
        },
        schema_overrides={"delisted_on": pl.Date},
    )
    found = listed_membership(symbols, universe="u")
    assert spans(found) == [
        ("A", date(2013, 1, 2), date(2014, 6, 1), "dated"),
        ("B", date(2014, 1, 2), None, "dated"),
    ]


def test_a_list_without_a_day_keeps_the_day_on_which_it_was_first_used():
    universe, symbols = UniverseSettings(kind="symbols", symbols=("A", "B")), pl.DataFrame({"symbol": ["A", "B"]})
    first = membership_of(universe, symbols, MEMBERSHIP.empty(), start=START, today=date(2020, 1, 2))
    again = membership_of(universe, symbols, first, start=START, today=date(2021, 1, 4))
    assert again.equals(first)
    assert on(again, date(2019, 12, 31)) == [("A", "hindsight"), ("B", "hindsight")]
    assert on(again, date(2020, 1, 2)) == [("A", "dated"), ("B", "dated")]


# --- files


def test_a_list_is_read_from_a_column_or_from_lines(tmp_path):
    (tmp_path / "a.csv").write_text("Name,Ticker\nApple,AAPL\nBerkshire,BRK.B\nApple,AAPL\n")
    (tmp_path / "b.txt").write_text("# mine\nAAPL\n\nBRK.B\n")
    pl.DataFrame({"symbol": ["AAPL", "BRK.B"]}).write_parquet(tmp_path / "c.parquet")
    for name in ("a.csv", "b.txt", "c.parquet"):
        assert read_list(tmp_path / name, START) == MemberList(START, ("AAPL", "BRK.B"))


def test_a_malformed_line_is_reported_and_does_not_stop_the_others(tmp_path):
    (tmp_path / "list.csv").write_text('Symbol,Name\nAAPL,Apple\n"Apple, Inc.",x\n,empty\nMSFT,Microsoft,more,cells\n')
    found = read_list(tmp_path / "list.csv", START)
    assert (found.symbols, found.malformed) == (("AAPL", "MSFT"), ("Apple, Inc.", ""))


def test_the_day_of_a_list_is_in_the_name_of_its_file(tmp_path):
    (tmp_path / "index_2014-01-02.csv").write_text("symbol\nB\n")
    (tmp_path / "index_2013-01-02.csv").write_text("symbol\nA\n")
    (tmp_path / "undated.csv").write_text("symbol\nC\n")
    lists = member_lists(UniverseSettings(kind="index", path=tmp_path))
    assert [(one.day, one.symbols) for one in lists] == [(date(2013, 1, 2), ("A",)), (date(2014, 1, 2), ("B",))]
    assert names_of(lists) == ["A", "B"]
    later = member_lists(UniverseSettings(kind="index", path=tmp_path, as_of=date(2015, 1, 2)))
    assert [one.day for one in later] == [date(2013, 1, 2), date(2014, 1, 2), date(2015, 1, 2)]


def test_a_missing_or_empty_list_is_named(tmp_path):
    with pytest.raises(UniverseError, match=r"the file .*gone\.csv does not exist"):
        member_lists(UniverseSettings(kind="file", path=tmp_path / "gone.csv"))
    (tmp_path / "empty.csv").write_text("a,b\n")
    with pytest.raises(UniverseError, match=r"empty\.csv contains no symbol; it needs a column symbol or ticker"):
        member_lists(UniverseSettings(kind="file", path=tmp_path / "empty.csv"))
    with pytest.raises(UniverseError, match="contains no list with a date in its name"):
        member_lists(UniverseSettings(kind="index", path=tmp_path))


@pytest.mark.skipif(not SP500.exists(), reason=f"needs the index lists in {SP500}")
def test_the_members_of_an_index_at_eight_dates():
    lists = member_lists(UniverseSettings(kind="index", path=SP500))
    assert len(lists) == 8
    found = list_membership(lists, universe="sp500", source="index", start=START, stretch=False)
    assert MEMBERSHIP.split(found).quarantined.is_empty()
    for one in lists:
        rows = pl.DataFrame({"symbol": names_of(lists)}).with_columns(date=pl.lit(one.day))
        assert members_only(rows, found)["symbol"].to_list() == sorted(one.symbols)
