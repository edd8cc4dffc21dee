"""Which partitions of a name exist."""

from datetime import date

import polars as pl
import pytest

from trading_assets.market_data.listing import UnlistedSymbolError, listed_partitions

SYMBOLS = pl.DataFrame(
    [
        ("AAA", date(2013, 2, 8), date(2016, 6, 30)),
        ("BBB", date(2015, 11, 5), date(2016, 1, 4)),
        ("CCC", date(2014, 1, 2), date(2014, 12, 31)),
    ],
    schema=["symbol", "first_session", "last_session"],
    orient="row",
)


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
