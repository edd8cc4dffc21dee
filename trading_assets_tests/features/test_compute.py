"""Laws of the computation that hold for any set of features: a value is a function of its period, to the last bit."""

import hashlib
import os
import subprocess
import sys
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.features import compute as computation
from trading_assets.features.compute import compute
from trading_assets.features.price_action.catalogue import SET as PRICE_ACTION
from trading_assets.features.technical.catalogue import SET as TECHNICAL
from trading_assets_tests.features.extremes import OHLCV, extreme_names
from trading_assets_tests.point_in_time.sample import actions, random_bars, real_bars, real_splits

ALL_TIME = {"start": date(1999, 1, 1), "end": date(2020, 12, 31)}
AUTUMN = {"start": date(2014, 9, 1), "end": date(2014, 12, 31), "interval": "hourly"}
SETS = {one.name: one for one in (TECHNICAL, PRICE_ACTION)}

every_set = pytest.mark.parametrize("one", SETS.values(), ids=SETS)


@pytest.fixture(scope="module")
def bars():
    return real_bars("AAPL", "MSFT", "IBM").filter(pl.col("date") < date(2006, 1, 1))


@pytest.fixture(scope="module")
def computed(bars):
    return compute(list(SETS.values()), bars, real_splits(), **ALL_TIME)


def alone(one, *args, **options):
    return compute([one], *args, **options)[one.name]


def assert_same_bits(actual, expected):
    assert_frame_equal(actual, expected, check_exact=True)


@every_set
class TestFrame:
    def test_columns_are_the_key_and_the_catalogue_in_single_precision(self, one, computed):
        expected = {"symbol": pl.String, "date": pl.Date, **dict.fromkeys(one.features, pl.Float32)}
        assert list(computed[one.name].schema.items()) == list(expected.items())

    def test_every_bar_of_the_window_has_one_row_in_order(self, one, bars, computed):
        keys = bars.select("symbol", "date").sort("symbol", "date")
        assert_frame_equal(computed[one.name].select("symbol", "date"), keys)

    def test_single_precision_is_the_rounding_of_the_full_one(self, one, bars, computed):
        full = alone(one, bars, real_splits(), **ALL_TIME, dtype=np.float64)
        assert set(full.dtypes[2:]) == {pl.Float64}
        assert_same_bits(full.with_columns(pl.col(list(one.features)).cast(pl.Float32)), computed[one.name])

    def test_a_window_without_bars_has_columns_but_no_rows(self, one):
        window = {"start": date(2019, 1, 1), "end": date(2019, 12, 31)}
        nothing = alone(one, random_bars("A", 30), actions(), **window)
        assert nothing.is_empty()
        assert nothing.columns == ["symbol", "date", *one.features]
        assert set(nothing.dtypes[2:]) == {pl.Float32}

    def test_no_bars_at_all_have_columns_but_no_rows(self, one):
        nothing = alone(one, random_bars("A", 30).clear(), actions(), **ALL_TIME)
        assert nothing.is_empty()
        assert nothing.columns == ["symbol", "date", *one.features]


@every_set
class TestPurity:
    def test_a_range_of_years_equals_its_single_years_in_any_order(self, one, bars, computed):
        years = [2003, 2000, 2005, 2001, 2004, 2002]
        single = [alone(one, bars, real_splits(), start=date(y, 1, 1), end=date(y, 12, 31)) for y in years]
        assert_same_bits(pl.concat(single).sort("symbol", "date"), computed[one.name])

    def test_single_days_equal_the_range(self, one, bars, computed):
        for day in (date(2000, 6, 21), date(2003, 12, 31), date(2005, 2, 28)):
            expected = computed[one.name].filter(pl.col("date") == day)
            assert expected.height == 3
            assert_same_bits(alone(one, bars, real_splits(), start=day, end=day), expected)

    @pytest.mark.parametrize("names", [["MSFT"], ["IBM", "AAPL"]])
    def test_other_names_do_not_matter(self, one, names, bars, computed):
        some = alone(one, bars.filter(pl.col("symbol").is_in(names)), real_splits(), **ALL_TIME)
        assert_same_bits(some, computed[one.name].filter(pl.col("symbol").is_in(names)))

    def test_other_sets_do_not_matter(self, one, bars, computed):
        assert_same_bits(alone(one, bars, real_splits(), **ALL_TIME), computed[one.name])

    def test_a_refresh_that_reads_just_the_look_back_equals_the_backfill(self, one, bars, computed):
        past, year = bars.filter(pl.col("date") < date(2004, 1, 1)), bars.filter(pl.col("date").dt.year() == 2004)
        read = pl.concat([past.sort("date").group_by("symbol").tail(one.history), year])
        late_splits = real_splits().filter(pl.col("ex_date") > date(2003, 1, 1))
        refreshed = alone(one, read, late_splits, start=date(2004, 1, 1), end=date(2004, 12, 31))
        assert_same_bits(refreshed, computed[one.name].filter(pl.col("date").dt.year() == 2004))

    def test_the_order_of_rows_does_not_matter(self, one, bars, computed):
        shuffled = bars.sample(fraction=1.0, shuffle=True, seed=3)
        assert_same_bits(alone(one, shuffled, real_splits()[::-1], **ALL_TIME), computed[one.name])

    def test_bars_after_the_end_do_not_matter(self, one, bars, computed):
        window = {"start": date(2003, 1, 1), "end": date(2003, 9, 30)}
        spoilt = bars.with_columns(
            pl.when(pl.col("date") > window["end"]).then(float("nan")).otherwise(pl.col("close")).alias("close")
        )
        expected = computed[one.name].filter(pl.col("date").is_between(*window.values()))
        assert_same_bits(alone(one, spoilt, real_splits(), **window), expected)

    def test_a_panel_too_wide_for_one_portion_is_still_one_sorted_panel(self, one, monkeypatch):
        monkeypatch.setattr(computation, "_ROWS_AT_ONCE", 200)
        wide = random_bars([f"S{i:02}" for i in range(30)], 40).sample(fraction=1.0, shuffle=True, seed=3)
        result = alone(one, wide, actions(), **ALL_TIME)
        assert_frame_equal(result.select("symbol", "date"), wide.select("symbol", "date").sort("symbol", "date"))
        last = alone(one, wide.filter(pl.col("symbol") == "S29"), actions(), **ALL_TIME)
        assert_same_bits(result.filter(pl.col("symbol") == "S29"), last)


@every_set
class TestPrices:
    def test_the_level_of_prices_and_volumes_does_not_matter(self, one):
        panel = random_bars("AB", 600)
        scaled = panel.with_columns(pl.col(*OHLCV[:4]) * 4.0, volume=pl.col("volume") * 8)
        assert_same_bits(alone(one, scaled, actions(), **ALL_TIME), alone(one, panel, actions(), **ALL_TIME))

    @pytest.mark.parametrize("ratio", [2.0, 0.5])
    def test_a_split_leaves_no_trace(self, one, ratio):
        panel, ex_date = random_bars("AB", 600).with_columns(volume=pl.col("volume") * 2), date(2015, 5, 5)
        after = (pl.col("date") >= ex_date) & (pl.col("symbol") == "A")
        split = panel.with_columns(
            *(pl.when(after).then(pl.col(name) / ratio).otherwise(pl.col(name)) for name in OHLCV[:4]),
            pl.when(after).then(pl.col("volume") * ratio).otherwise(pl.col("volume")).cast(pl.Int64),
        )
        traced = alone(one, split, actions(("A", ex_date, "split", ratio)), **ALL_TIME)
        assert_same_bits(traced, alone(one, panel, actions(), **ALL_TIME))
        assert not traced.equals(alone(one, split, actions(), **ALL_TIME))

    def test_a_dividend_changes_nothing(self, one):
        panel = random_bars("A", 300)
        paid = actions(("A", date(2015, 2, 3), "dividend", 1.0))
        assert_same_bits(alone(one, panel, paid, **ALL_TIME), alone(one, panel, actions(), **ALL_TIME))

    @pytest.mark.parametrize(
        ("column", "value"),
        [("close", float("nan")), ("open", None), ("low", 0.0), ("high", float("inf")), ("volume", -1)],
    )
    def test_an_unusable_bar_is_refused_by_name(self, one, column, value):
        panel = random_bars("A", 30)
        day = panel["date"][7]
        broken = panel.with_columns(pl.when(pl.col("date") == day).then(value).otherwise(pl.col(column)).alias(column))
        with pytest.raises(ValueError, match=f"A {day}.*quarantine"):
            alone(one, broken, actions(), **ALL_TIME)

    def test_a_repeated_bar_is_refused_by_name(self, one):
        panel = random_bars("A", 30)
        with pytest.raises(ValueError, match=f"A {panel['date'][7]}"):
            alone(one, pl.concat([panel, panel[7:8]]), actions(), **ALL_TIME)


def hours(names, days):
    """Seven bars of an hour a day."""
    panel = random_bars(names, days * 7)
    weekdays = panel["date"].unique().sort()
    bar = pl.int_range(pl.len()).over("symbol")
    opening = pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC") + timedelta(hours=14, minutes=30)
    return panel.with_columns(date=pl.lit(weekdays).implode().list.get(bar // 7)).with_columns(
        ts=opening + pl.duration(hours=bar % 7)
    )


@pytest.fixture(scope="module")
def panel():
    return hours("AB", 150)


@pytest.fixture(scope="module")
def split():
    return actions(("A", date(2014, 10, 8), "split", 2.0))


@every_set
class TestWithinSessions:
    def test_rows_are_those_of_the_bars_with_their_moment(self, one, panel, split):
        result = alone(one, panel, split, **AUTUMN)
        inside = panel.filter(pl.col("date").is_between(AUTUMN["start"], AUTUMN["end"]))
        assert result.columns == ["symbol", "date", "ts", *one.of("hourly")]
        assert result.schema["ts"] == pl.Datetime("us", "UTC")
        assert_frame_equal(
            result.select("symbol", "date", "ts"), inside.select("symbol", "date", "ts").sort("symbol", "ts")
        )
        assert result["ts"][6] == datetime.fromisoformat("2014-09-01T20:30:00+00:00")

    def test_a_range_of_months_equals_its_single_months_in_any_order(self, one, panel, split):
        ends = {11: 30, 9: 30, 12: 31, 10: 31}
        single = [
            alone(one, panel, split, start=date(2014, m, 1), end=date(2014, m, d), interval="hourly")
            for m, d in ends.items()
        ]
        together = alone(one, panel, split, **AUTUMN)
        assert together.height > 1000
        assert_same_bits(pl.concat(single).sort("symbol", "ts"), together)

    def test_the_order_of_rows_does_not_matter(self, one, panel, split):
        shuffled = panel.sample(fraction=1.0, shuffle=True, seed=3)
        assert_same_bits(alone(one, shuffled, split, **AUTUMN), alone(one, panel, split, **AUTUMN))

    def test_values_are_those_of_the_same_bars_a_day_each(self, one, panel):
        span, options = {"start": date(2014, 1, 1), "end": date(2020, 12, 31)}, {"dtype": np.float64, "history": 5_000}
        names = list(one.of("hourly"))
        by_hour = alone(one, panel, actions(), **span, **options, interval="hourly").select(names)
        by_day = alone(one, random_bars("AB", 150 * 7), actions(), **span, **options).select(names)
        # the look-back is all there is, so blocks of months and of years end alike
        assert_frame_equal(by_hour.tail(1), by_day.tail(1), rel_tol=1e-9, abs_tol=1e-12)


def digest():
    """Digest of both sets of a panel with all kinds of names."""
    panel = extreme_names()
    result = compute(list(SETS.values()), panel, actions(("A", date(2015, 5, 5), "split", 1.5)), **ALL_TIME)
    columns = (frame[name] for frame in result.values() for name in frame.columns[2:])
    return hashlib.sha256(b"".join(column.fill_null(-9.0).to_numpy().tobytes() for column in columns)).hexdigest()


def test_another_process_with_another_number_of_threads_computes_the_same_bits():
    program = "from trading_assets_tests.features.test_compute import digest\nprint(digest())\n"
    threads = "1" if pl.thread_pool_size() > 1 else "2"
    other = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "POLARS_MAX_THREADS": threads},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout == digest() + "\n"


@every_set
def test_a_name_that_returns_after_a_long_silence_begins_anew(one, bars):
    """AAPL until the end of 2003 and MSFT from December 2004 on under its symbol: the features of the two apart."""
    first = bars.filter(pl.col("symbol") == "AAPL", pl.col("date") < date(2004, 1, 1))
    second = bars.filter(pl.col("symbol") == "MSFT", pl.col("date") >= date(2004, 12, 1))
    reused = pl.concat([first, second.with_columns(symbol=pl.lit("AAPL"))])
    splits = real_splits().filter(pl.col("symbol") == "AAPL", pl.col("ex_date") < date(2004, 1, 1))
    found = alone(one, reused, splits, **ALL_TIME)
    until, since = alone(one, first, splits, **ALL_TIME), alone(one, second, splits, **ALL_TIME)
    assert_same_bits(found, pl.concat([until, since.with_columns(symbol=pl.lit("AAPL"))]))
    together = alone(one, reused, splits, **ALL_TIME, relisted_after=730)
    assert not together.equals(found)
    # the year after the silence, computed alone as a refresh does
    last = {"start": date(2005, 1, 1), "end": date(2005, 12, 31)}
    assert_same_bits(alone(one, reused, splits, **last), found.filter(pl.col("date") >= date(2005, 1, 1)))


@every_set
def test_a_silence_within_a_year_parts_the_year(one, bars):
    rows = bars.filter(pl.col("symbol") == "IBM", pl.col("date") < date(2004, 1, 1))
    silent = rows.filter(~pl.col("date").is_between(date(2003, 2, 1), date(2003, 9, 30)))
    after = pl.col("date") > date(2003, 9, 30)
    found = alone(one, silent, real_splits(), **ALL_TIME)
    assert_same_bits(found.filter(after), alone(one, rows.filter(after), real_splits(), **ALL_TIME))
    assert_same_bits(found.filter(~after), alone(one, silent.filter(~after), real_splits(), **ALL_TIME))
