"""The rows of features: blocks of adjusted bars, and the statistics of their windows."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest
from scipy import stats

from trading_assets.features.bar_rows import BarRows, clean_bars, guarded, ratio
from trading_assets_tests.features.bars import as_intraday, bars_of
from trading_assets_tests.point_in_time.sample import actions, random_bars

YEAR = {"start": date(2015, 1, 1), "end": date(2015, 12, 31)}
PRICES = ("open", "high", "low", "close")


@pytest.fixture(scope="module")
def bars():
    return random_bars("AB", 500)


def rows_of(bars, splits=None, history=10, **options):
    window = YEAR | options
    clean = clean_bars(bars, window.get("interval", "daily"), window["end"])
    return BarRows.of(clean, actions() if splits is None else splits, history=history, **window)


class TestBlocks:
    def test_a_name_has_a_span_for_each_period_with_the_rows_before_it(self, bars):
        rows = rows_of(bars, end=date(2016, 3, 31))
        spans = [rows.frame[first:stop] for first, stop in rows.spans()]
        assert [(span["symbol"][0], span["block"][0]) for span in spans] == [
            (symbol, year) for symbol in "AB" for year in (2015, 2016)
        ]
        for span in spans:
            assert (~span["is_output"]).to_list() == [True] * 10 + [False] * (span.height - 10)
            assert span["date"].is_sorted()

    def test_shorter_bars_come_in_months(self):
        bars = as_intraday(random_bars("A", 3000), per_session=60)
        rows = rows_of(bars, interval="minute", history=70, start=date(1992, 1, 1), end=date(1992, 3, 31))
        spans = [rows.frame[first:stop] for first, stop in rows.spans()]
        assert [span["block"][0] for span in spans] == [199201, 199202, 199203]
        # the first month has nothing before it
        assert [(~span["is_output"]).sum() for span in spans] == [0, 70, 70]
        assert all(span["ts"].is_sorted() for span in spans)

    def test_prices_are_on_the_scale_of_the_span_s_first_row(self, bars):
        late = date(2015, 6, 1)
        splits = actions(("A", date(2014, 7, 1), "split", 5.0), ("A", late, "split", 2.0), ("A", late, "dividend", 9.0))
        plain, adjusted = rows_of(bars), rows_of(bars, splits)
        factor = np.where((adjusted.frame["symbol"] == "A") & (adjusted.frame["date"] >= late), 2.0, 1.0)
        for name in PRICES:
            np.testing.assert_array_equal(getattr(adjusted, name), getattr(plain, name) * factor)
        np.testing.assert_array_equal(adjusted.volume, plain.volume / factor)

    def test_what_comes_after_the_end_or_before_the_history_changes_no_bit(self, bars):
        end = date(2015, 6, 30)
        read = pl.concat(
            [
                bars.filter(pl.col("date") < date(2015, 1, 1)).sort("date").group_by("symbol").tail(10),
                bars.filter(pl.col("date").is_between(date(2015, 1, 1), end)),
            ]
        )
        assert rows_of(read, end=end).frame.equals(rows_of(bars[::-1], end=end).frame)

    def test_the_market_s_return_is_beside_each_bar_and_unknown_without_one(self, bars):
        days = bars["date"].unique().sort()
        market = pl.DataFrame({"date": days[1:], "market_return": np.arange(1.0, len(days))})
        rows = rows_of(bars, history=10_000, market=market)
        found = rows.column("market_return")
        for first, stop in rows.spans():
            assert np.isnan(found[first])
            np.testing.assert_array_equal(found[first + 1 : stop], np.arange(1.0, stop - first))

    def test_no_bars_have_no_rows(self, bars):
        rows = rows_of(bars.clear())
        assert list(rows.spans()) == []
        assert rows.mean(rows.close, 5).size == 0

    @pytest.mark.parametrize(
        ("column", "value"),
        [("close", float("nan")), ("open", None), ("low", 0.0), ("high", float("inf")), ("volume", -1)],
    )
    def test_an_unusable_bar_is_refused_by_name(self, bars, column, value):
        day = bars["date"][200]
        spoilt = (pl.col("date") == day) & (pl.col("symbol") == "B")
        broken = bars.with_columns(pl.when(spoilt).then(pl.lit(value)).otherwise(pl.col(column)).alias(column))
        with pytest.raises(ValueError, match=f"1 unusable bar.*B {day}.*quarantine"):
            rows_of(broken)

    def test_a_repeated_bar_is_refused(self, bars):
        with pytest.raises(ValueError, match="repeated"):
            rows_of(pl.concat([bars, bars[300:301]]))

    @pytest.mark.parametrize(("interval", "expected"), [("daily", 252), ("hourly", 1638), ("minute", 98_280)])
    def test_bars_of_a_year(self, interval, expected):
        assert BarRows(pl.DataFrame(), interval).bars_per_year == expected


class TestWindows:
    @pytest.fixture(scope="class")
    def rows(self, bars):
        return rows_of(bars, history=10_000)

    def test_returns_begin_with_the_second_row_of_a_span(self, rows):
        for first, stop in rows.spans():
            close = rows.close[first:stop]
            assert np.isnan(rows.log_return[first])
            np.testing.assert_allclose(rows.log_return[first + 1 : stop], np.log(close[1:] / close[:-1]), atol=1e-15)

    def test_a_value_before_is_that_of_the_same_span(self, rows):
        before = rows.before(rows.close, 3)
        for first, stop in rows.spans():
            assert np.isnan(before[first : first + 3]).all()
            np.testing.assert_array_equal(before[first + 3 : stop], rows.close[first : stop - 3])

    @pytest.mark.parametrize("window", [5, 21, 63])
    def test_statistics_of_a_window_are_those_of_numpy_and_scipy(self, rows, window):
        x, y = rows.log_return, np.log(rows.high / rows.low)
        a, b = x[-window:], y[-window:]
        expected = {
            "mean": (rows.mean(x, window), a.mean()),
            "deviation": (rows.deviation(x, window), a.std(ddof=1)),
            "population": (rows.deviation(x, window, ddof=0), a.std()),
            "skewness": (rows.skewness(x, window), stats.skew(a)),
            "kurtosis": (rows.kurtosis(x, window), stats.kurtosis(a)),
            "covariance": (rows.covariance(x, y, window), np.cov(a, b)[0, 1]),
            "correlation": (rows.correlation(x, y, window), np.corrcoef(a, b)[0, 1]),
            "highest": (rows.highest(x, window), a.max()),
            "lowest": (rows.lowest(x, window), a.min()),
        }
        assert {name: found[-1] for name, (found, _) in expected.items()} == pytest.approx(
            {name: value for name, (_, value) in expected.items()}, rel=1e-10, abs=1e-15
        )

    def test_windows_without_movement_have_exact_values(self):
        closes = np.r_[np.random.default_rng(0).uniform(1.0, 1e6, 50), np.full(50, 0.1)]
        flat = bars_of(closes).with_columns(
            pl.date_range(date(2015, 1, 1), date(2015, 4, 10), eager=True).alias("date")
        )
        rows = rows_of(flat)
        other = np.arange(100.0)
        for window in (2, 20, 49):
            still = slice(50 + window, None)
            for found in (
                rows.deviation(rows.log_return, window),
                rows.skewness(rows.log_return, window),
                rows.kurtosis(rows.log_return, window),
                rows.correlation(rows.close, other, window),
                rows.covariance(other, rows.close, window),
            ):
                assert (found[still] == 0.0).all()

    def test_a_correlation_never_leaves_its_bounds(self):
        closes = np.exp(np.cumsum(np.random.default_rng(0).normal(0, 1e-3, 90)))
        days = pl.date_range(date(2015, 1, 1), date(2015, 3, 31), eager=True).alias("date")
        rows = rows_of(bars_of(closes).with_columns(days))
        for window in (2, 3, 30):
            same, turned = (
                rows.correlation(rows.close, 3 * rows.close, window),
                rows.correlation(rows.close, -rows.close, window),
            )
            assert np.nanmax(same) <= 1.0
            assert np.nanmin(turned) >= -1.0
            np.testing.assert_allclose(same[window:], 1.0, atol=1e-9)
            np.testing.assert_allclose(turned[window:], -1.0, atol=1e-9)


class TestNeutralValues:
    def test_a_quotient_by_zero_is_neutral_and_one_of_the_unknown_unknown(self):
        numerator, denominator = np.array([6.0, 6.0, np.nan, 0.0, 1.0]), np.array([3.0, 0.0, 0.0, 0.0, np.nan])
        np.testing.assert_array_equal(ratio(numerator, denominator), [2.0, 0.0, np.nan, 0.0, np.nan])
        np.testing.assert_array_equal(ratio(numerator, denominator, 0.5), [2.0, 0.5, np.nan, 0.5, np.nan])

    def test_a_degenerate_window_has_the_neutral_value(self):
        values, degenerate = np.array([1.0, np.inf, np.nan]), np.array([False, True, False])
        np.testing.assert_array_equal(guarded(values, degenerate, 0.5), [1.0, 0.5, np.nan])


def test_a_split_within_a_day_takes_effect_at_its_first_bar():
    starts = [datetime(2015, 1, day, 14, minute, tzinfo=UTC) for day in (5, 6) for minute in (30, 31)]
    bars = bars_of([100.0, 102.0, 51.0, 52.0]).with_columns(
        pl.Series("ts", starts, dtype=pl.Datetime("us", "UTC")), date=pl.Series([start.date() for start in starts])
    )
    rows = rows_of(bars, actions(("A", date(2015, 1, 6), "split", 2.0)), interval="minute")
    assert rows.close.tolist() == [100.0, 102.0, 102.0, 104.0]
