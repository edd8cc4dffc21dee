"""Which partitions of a name exist, and which rows of a source a write takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
import pytest

from trading_assets.lake import Scope
from trading_assets.market_data.contract import BARS_DAILY
from trading_assets.market_data.listing import UnlistedSymbolError, listed_partitions
from trading_assets.market_data.rows import Home, bar_rules, read_bars, rows_of_scope

SYMBOLS = pl.DataFrame(
    [
        ("AAA", date(2013, 2, 8), date(2016, 6, 30)),
        ("BBB", date(2015, 11, 5), date(2016, 1, 4)),
        ("CCC", date(2014, 1, 2), date(2014, 12, 31)),
    ],
    schema=["symbol", "first_session", "last_session"],
    orient="row",
)

# --- listing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "years", "expected"),
    [
        (["AAA"], [2012, 2013, 2016, 2017], {"2013|AAA", "2016|AAA"}),
        (["BBB", "CCC"], range(2014, 2017), {"2015|BBB", "2016|BBB", "2014|CCC"}),
        (["CCC"], [2015, 2016], set()),
        (["AAA", "BBB", "CCC"], [2013, 2014], {"2013|AAA", "2014|AAA", "2014|CCC"}),
        ([], [2015], set()),
        (["AAA"], [], set()),
    ],
)
def test_a_partition_exists_where_the_listing_overlaps_the_year(wanted, years, expected) -> None:
    found = listed_partitions(SYMBOLS, wanted, years)
    assert set(found) == expected
    assert len(found) == len(expected)


def test_a_name_that_is_not_listed_is_an_error_that_names_it() -> None:
    with pytest.raises(
        UnlistedSymbolError, match=r"YYY and 1 more symbols not found in market_data.symbols; materialise"
    ):
        listed_partitions(SYMBOLS, ["AAA", "ZZZ", "YYY"], [2015])


# --- which rows a write takes -----------------------------------------------------------------------------------------

HOME = Home("AAA", date(2014, 1, 1))
KNOWN = (date(1990, 1, 2), date(2016, 6, 30))
ROWS = [
    ("AAA", date(2014, 3, 3)),
    ("AAA", date(2015, 3, 3)),
    ("BBB", date(2014, 3, 3)),
    ("AAA", None),
    ("BBB", None),
    (None, date(2015, 3, 3)),
    (None, None),
    ("AAA", date(1066, 10, 14)),
    ("BBB", date(2199, 1, 2)),
    (None, date(2199, 1, 2)),
]


def scope(year: int, *symbols: str, until: int | None = None) -> Scope:
    return Scope({"symbol": symbols}, "date", date(year, 1, 1), date((until or year) + 1, 1, 1))


@dataclass(frozen=True)
class Rows:
    """A source of bare rows: like any, it passes rows without a readable date or symbol to whoever asks."""

    name = "rows"
    is_remote = False

    def bars(self, symbols: Sequence[str], start: date, end: date, interval: str = "1d") -> pl.DataFrame:
        wanted = [
            (symbol, day)
            for symbol, day in ROWS
            if (symbol is None or symbol in symbols) and (day is None or start <= day <= end)
        ]
        return pl.DataFrame(wanted, schema={"symbol": pl.String, "date": pl.Date}, orient="row")


def taken(where: Scope) -> list[tuple[str | None, date | None]]:
    return rows_of_scope(read_bars(Rows(), where, HOME, KNOWN), where, "date", HOME).rows()


def test_each_row_is_taken_by_exactly_one_partition() -> None:
    places = [(year, symbol) for year in (2014, 2015, 2016) for symbol in ("AAA", "BBB")]
    found = [row for year, symbol in places for row in taken(scope(year, symbol))]
    assert sorted(map(str, found)) == sorted(map(str, ROWS))


def test_one_range_takes_the_rows_of_all_its_partitions() -> None:
    assert sorted(map(str, taken(scope(2014, "AAA", "BBB", until=2016)))) == sorted(map(str, ROWS))


def test_rows_without_a_possible_date_are_at_home_in_the_first_year() -> None:
    assert taken(scope(2014, "BBB")) == [("BBB", date(2014, 3, 3)), ("BBB", None), ("BBB", date(2199, 1, 2))]
    assert taken(scope(2016, "BBB")) == []


def test_rows_without_a_symbol_are_at_home_with_the_first_name() -> None:
    assert (None, date(2015, 3, 3)) in taken(scope(2015, "AAA"))
    assert taken(scope(2015, "BBB")) == []


def test_rows_after_the_lake_that_can_be_bars_are_not_taken() -> None:
    """The history of the lake may end before that of its source."""
    known = (KNOWN[0], date(2199, 1, 2))
    found = read_bars(Rows(), scope(2014, "BBB"), HOME, known)
    assert date(2199, 1, 2) not in found["date"].to_list()


def test_a_bar_is_known_after_the_close_of_its_session_and_not_before() -> None:
    days = [date(2016, 6, 30), date(2016, 7, 1), date(2016, 7, 2), date(2016, 7, 5)]
    bars = pl.DataFrame({"date": days})
    rules = bar_rules([date(2016, 6, 30), date(2016, 7, 1), date(2016, 7, 5)], date(2016, 7, 4), "XNYS")
    broken = {name: bars.filter(rule)["date"].to_list() for name, rule in rules.items()}
    assert broken == {
        "date is not a session of XNYS": [date(2016, 7, 2)],
        "date is after the last close known, 2016-07-04": [date(2016, 7, 5)],
    }
    assert BARS_DAILY.quarantine_limit == 0.01
