"""Sets of volatility, statistics, the calendar and microstructure: every partition has the bits of the whole range."""

from calendar import monthrange
from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.desk.mappings import months_before
from trading_assets.features.bar_rows import BarRows
from trading_assets.features.compute import compute
from trading_assets.features.feature_set import PERIODS_BEFORE
from trading_assets.features.statistical.market import market_returns
from trading_assets_tests.features.bars import as_intraday, not_finite
from trading_assets_tests.features.extremes import extreme_names
from trading_assets_tests.features.shipped import SETS
from trading_assets_tests.point_in_time.sample import SHARED_DATA, actions, random_bars

DAILY = ("volatility", "statistical", "calendar")
INTRADAY = ("volatility", "calendar", "microstructure")
PRICES = ("open", "high", "low", "close")


def read(frame, start, end, time="date"):
    return frame.filter(pl.col(time).is_between(start, end))


@pytest.fixture(scope="module")
def years():
    """Five years of names that trade, rest, seldom trade and split by ratios that leave no round numbers."""
    suspended = random_bars(["LONG"], 1250).filter(~pl.col("date").dt.year().is_in([2016, 2017]))
    seldom = random_bars(["FEW"], 1250).sample(fraction=0.3, seed=3)
    bars = pl.concat([random_bars("XYZ", 1250), extreme_names(1250), suspended, seldom])
    thirds = [(name, day, "split", 7 / 3) for name in "AXY" for day in (date(2015, 3, 3), date(2017, 5, 5))]
    return bars, actions(*thirds, ("Z", date(2016, 2, 2), "dividend", 0.4))


def daily(name, bars, known, start, end):
    market = market_returns(bars, known) if SETS[name].needs_market else None
    return compute([SETS[name]], bars, known, start=start, end=end, market=market)[name]


@pytest.mark.parametrize("name", DAILY)
def test_single_years_that_read_their_look_back_make_up_the_range(name, years):
    bars, known = years
    whole = daily(name, bars, known, date(2016, 1, 1), date(2018, 12, 31))
    parts = []
    for year in (2017, 2016, 2018):
        earliest, end = date(year - PERIODS_BEFORE["daily"], 1, 1), date(year, 12, 31)
        rows, splits = read(bars, earliest, end), read(known, earliest, end, "ex_date")
        parts.append(daily(name, rows.sample(fraction=1.0, shuffle=True, seed=1), splits, date(year, 1, 1), end))
    assert whole.height > 5000
    assert_frame_equal(pl.concat(parts).sort("symbol", "date"), whole, check_exact=True)
    assert not_finite(whole, SETS[name].of("daily")) == []


@pytest.mark.parametrize("name", [name for name, one in SETS.items() if "daily" in one.intervals])
def test_the_last_sessions_alone_have_the_bits_of_their_whole_year(name, years):
    bars, known = years
    last = bars["date"].max()
    whole = daily(name, bars, known, date(last.year, 1, 1), last)
    for start in whole["date"].unique().sort()[[-1, -2, -40]]:
        alone = daily(name, bars, known, start, last)
        assert_frame_equal(alone, whole.filter(pl.col("date") >= start), check_exact=True)


def test_a_new_session_is_computed_from_its_look_back_alone(years):
    bars, known = years
    last = bars["date"].max()
    spans = BarRows.of(bars, known, history=256, start=last, end=last, before=20).frame.partition_by("span")
    assert {span["date"][-1] for span in spans} == {last}
    assert max(span.height for span in spans) == 21


def single_months(name, bars, known, interval, months):
    for year, month in months:
        start, end = date(year, month, 1), date(year, month, monthrange(year, month)[1])
        earliest = months_before(start, PERIODS_BEFORE[interval])
        frames = read(bars, earliest, end), read(known, earliest, end, "ex_date")
        yield compute([SETS[name]], *frames, start=start, end=end, interval=interval)[name]


@pytest.mark.parametrize("name", INTRADAY)
def test_single_months_that_read_their_look_back_make_up_the_range(name):
    bars = as_intraday(pl.concat([random_bars("XY", 2400), extreme_names(2400)]), per_session=40)
    bars = bars.filter((pl.col("symbol") != "Y") | (pl.col("close").rank() % 9 == 0))
    known = actions(("X", date(1992, 2, 11), "split", 7 / 3), ("Y", date(1992, 3, 3), "dividend", 0.4))
    window = {"start": date(1992, 2, 1), "end": date(1992, 3, 31), "interval": "minute"}
    whole = compute([SETS[name]], bars, known, **window)[name]
    parts = pl.concat(single_months(name, bars, known, "minute", [(1992, 3), (1992, 2)]))
    assert whole.height > 5000
    assert_frame_equal(parts.sort("symbol", "ts"), whole, check_exact=True)


@pytest.mark.parametrize("name", [name for name, one in SETS.items() if "minute" in one.intervals])
def test_the_last_minutes_alone_have_the_bits_of_their_whole_month(name):
    bars = as_intraday(pl.concat([random_bars("XY", 2400), extreme_names(2400)]), per_session=40)
    known = actions(("X", date(1992, 2, 11), "split", 7 / 3), ("Y", date(1992, 3, 3), "dividend", 0.4))
    last = bars["date"].max()
    frames = read(bars, months_before(last, PERIODS_BEFORE["minute"]), last), known
    whole = compute([SETS[name]], *frames, start=last.replace(day=1), end=last, interval="minute")[name]
    alone = compute([SETS[name]], *frames, start=last, end=last, interval="minute")[name]
    assert alone.height == 40 * whole["symbol"].n_unique()
    assert_frame_equal(alone, whole.filter(pl.col("date") == last), check_exact=True)


@pytest.mark.parametrize("name", INTRADAY)
def test_single_months_of_real_hours_make_up_the_year_and_every_value_is_finite(name):
    path = SHARED_DATA / "us_hour_1998_2021.parquet"
    if not path.exists():
        pytest.skip(f"the hourly bars are not there: {path}")
    local = pl.col("ts").dt.replace_time_zone("America/New_York")
    bars = (
        pl.read_parquet(path)
        .filter(pl.col("symbol").is_in(["AAPL", "IBM", "SPY"]), pl.col("ts").dt.year().is_between(2013, 2014))
        .filter(pl.col("ts").dt.hour().is_between(9, 15), pl.min_horizontal(PRICES) > 0)
        .with_columns(pl.col("ts").dt.date().alias("date"), local.dt.convert_time_zone("UTC").alias("ts"))
    )
    known = actions(("AAPL", date(2014, 6, 9), "split", 7.0))
    window = {"start": date(2014, 1, 1), "end": date(2014, 12, 31), "interval": "hourly"}
    whole = compute([SETS[name]], bars, known, **window)[name]
    parts = pl.concat(single_months(name, bars, known, "hourly", [(2014, month) for month in range(12, 0, -1)]))
    assert_frame_equal(parts.sort("symbol", "ts"), whole, check_exact=True)
    features = list(SETS[name].of("hourly"))
    assert not_finite(whole, features) == []
    assert whole.select(pl.col(features).null_count()).row(0) == (0,) * len(features)
