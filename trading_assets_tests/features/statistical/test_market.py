"""The return of the market: worked by hand, and the same bits however the rows came."""

from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.features.statistical.market import market_returns
from trading_assets_tests.point_in_time.sample import actions, random_bars

MONDAY, TUESDAY, WEDNESDAY = date(2016, 3, 7), date(2016, 3, 8), date(2016, 3, 9)


def closes(*rows):
    frame = pl.DataFrame(list(rows), schema={"symbol": pl.String, "date": pl.Date, "close": pl.Float64}, orient="row")
    same = [pl.col("close").alias(name) for name in ("open", "high", "low")]
    return frame.with_columns(*same, volume=pl.lit(100))


def by_date(found):
    return dict(found.iter_rows())


def test_it_is_the_mean_of_the_simple_returns_of_the_names_with_a_bar_before():
    bars = closes(
        ("A", MONDAY, 100.0),
        ("A", TUESDAY, 110.0),
        ("A", WEDNESDAY, 99.0),
        ("B", MONDAY, 50.0),
        ("B", TUESDAY, 49.0),
        ("B", WEDNESDAY, 49.0),
        ("NEW", TUESDAY, 7.0),
        ("NEW", WEDNESDAY, 7.7),
    )
    found = by_date(market_returns(bars, actions()))
    # Tuesday +10 % and -2 %; Wednesday -10 %, 0 % and the new name's first return of +10 %
    assert found == pytest.approx({TUESDAY: 0.04, WEDNESDAY: 0.0}, abs=1e-15)


def test_a_split_is_no_return():
    bars = closes(("A", MONDAY, 100.0), ("A", TUESDAY, 51.0))
    found = market_returns(bars, actions(("A", TUESDAY, "split", 2.0)))
    assert by_date(found) == pytest.approx({TUESDAY: 0.02})


def test_what_a_name_made_while_it_was_suspended_is_no_return_of_the_session():
    bars = closes(
        ("A", date(2016, 2, 25), 100.0),
        ("A", MONDAY, 300.0),
        ("A", TUESDAY, 303.0),
        ("B", date(2016, 2, 26), 10.0),
        ("B", MONDAY, 11.0),
    )
    # eleven days for A, ten for B
    assert by_date(market_returns(bars, actions())) == pytest.approx({MONDAY: 0.1, TUESDAY: 0.01})


@pytest.fixture(scope="module")
def panel():
    bars = random_bars([f"S{number:02}" for number in range(40)], 700)
    thirds = [
        (f"S{n:02}", day, "split", 7 / 3) for n in range(0, 40, 3) for day in (date(2014, 9, 2), date(2016, 1, 6))
    ]
    return bars, actions(*thirds)


def test_the_order_of_rows_changes_no_bit(panel):
    bars, splits = panel
    shuffled = bars.sample(fraction=1.0, shuffle=True, seed=1)
    assert_frame_equal(market_returns(shuffled, splits[::-1]), market_returns(bars, splits), check_exact=True)


def test_where_the_read_began_changes_no_bit(panel):
    bars, splits = panel
    recent = market_returns(
        bars.filter(pl.col("date").dt.year() >= 2015), splits.filter(pl.col("ex_date").dt.year() >= 2015)
    )
    first = recent["date"][0]
    expected = market_returns(bars, splits).filter(pl.col("date") >= first)
    assert first == date(2015, 1, 2)
    assert_frame_equal(recent, expected, check_exact=True)


def test_later_bars_and_splits_change_no_bit(panel):
    bars, splits = panel
    cut = date(2015, 6, 30)
    known = market_returns(bars.filter(pl.col("date") <= cut), splits.filter(pl.col("ex_date") <= cut))
    assert_frame_equal(known, market_returns(bars, splits).filter(pl.col("date") <= cut), check_exact=True)


def test_no_bars_have_no_market():
    nothing = market_returns(random_bars("A", 3).clear(), actions())
    assert nothing.schema == {"date": pl.Date, "market_return": pl.Float64}
    assert nothing.is_empty()
