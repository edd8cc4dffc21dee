from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trading_assets.point_in_time.adjustment import forward_adjust
from trading_assets.point_in_time.backward_adjustment import backward_adjust
from trading_assets_tests.point_in_time.sample import actions, random_bars, real_bars, real_splits

MONDAY = date(2016, 5, 2)


def day(offset):
    return MONDAY + timedelta(days=offset)


def bars(closes, symbol="A", volume=1000):
    prices = {name: [float(close) for close in closes] for name in ("open", "high", "low", "close")}
    days = [day(number) for number in range(len(closes))]
    return pl.DataFrame({"symbol": [symbol] * len(closes), "date": days, **prices, "volume": [volume] * len(closes)})


class TestSplits:
    def test_a_split_divides_earlier_prices_and_multiplies_earlier_volumes(self):
        adjusted = backward_adjust(bars([100, 50, 51]), actions(("A", day(1), "split", 2.0)))
        assert adjusted["close"].to_list() == [50.0, 50.0, 51.0]
        assert adjusted["volume"].to_list() == [2000.0, 1000.0, 1000.0]

    def test_all_four_prices_are_scaled(self):
        row = bars([10]).with_columns(open=pl.lit(9.0), high=pl.lit(12.0), low=pl.lit(8.0))
        adjusted = backward_adjust(row, actions(("A", day(1), "split", 2.0)))
        assert adjusted.select("open", "high", "low", "close").row(0) == (4.5, 6.0, 4.0, 5.0)

    def test_a_reverse_split_multiplies_prices(self):
        adjusted = backward_adjust(bars([1, 10]), actions(("A", day(1), "split", 0.1)))
        assert adjusted["close"].to_list() == [10.0, 10.0]

    def test_a_split_after_the_last_bar_counts_since_the_shares_have_changed(self):
        assert backward_adjust(bars([100]), actions(("A", day(5), "split", 4.0)))["close"].to_list() == [25.0]

    def test_a_split_on_or_before_the_first_bar_changes_nothing(self):
        adjusted = backward_adjust(bars([100]), actions(("A", MONDAY, "split", 4.0), ("A", day(-9), "split", 2.0)))
        assert adjusted["close"].to_list() == [100.0]

    def test_splits_in_a_gap_between_bars_multiply(self):
        gap = bars([60, 1, 1, 10]).filter(pl.col("close") > 1)
        adjusted = backward_adjust(gap, actions(("A", day(1), "split", 2.0), ("A", day(2), "split", 3.0)))
        assert adjusted["close"].to_list() == [10.0, 10.0]

    def test_a_split_of_one_symbol_leaves_the_others_alone(self):
        both = pl.concat([bars([10, 5], "A"), bars([10, 5], "B")])
        adjusted = backward_adjust(both, actions(("B", day(1), "split", 2.0)))
        assert adjusted["close"].to_list() == [10.0, 5.0, 5.0, 5.0]

    def test_every_bar_of_the_days_before_an_intraday_split_is_scaled(self):
        hours = pl.concat([bars([8, 4]), bars([9, 5])]).sort("date")
        hours = hours.with_columns(
            ts=pl.Series([datetime(2016, 5, d, h, tzinfo=UTC) for d in (2, 3) for h in (14, 15)])
        )
        adjusted = backward_adjust(hours, actions(("A", day(1), "split", 2.0)))
        assert adjusted["close"].to_list() == [4.0, 4.5, 4.0, 5.0]

    def test_real_splits_leave_no_jump_and_the_last_price_as_traded(self):
        adjusted = backward_adjust(real_bars("AAPL", "MSFT"), real_splits())
        jumps = adjusted.with_columns(ratio=pl.col("close") / pl.col("close").shift(1).over("symbol"))
        on_ex_dates = jumps.join(real_splits(), left_on=["symbol", "date"], right_on=["symbol", "ex_date"])
        assert on_ex_dates.height == 3
        assert on_ex_dates["ratio"].is_between(0.85, 1.15).all()
        newest = adjusted.filter(pl.col("date") == pl.col("date").max().over("symbol"))
        raw = real_bars("AAPL", "MSFT").join(newest, on=["symbol", "date"], how="semi")
        assert_frame_equal(newest.select("symbol", "close"), raw.select("symbol", "close"))


class TestDividends:
    PAID = actions(("A", day(1), "dividend", 2.0))

    @pytest.mark.parametrize("method", ["dividend", "total_return"])
    def test_a_dividend_takes_its_part_of_the_previous_close_from_earlier_prices(self, method):
        adjusted = backward_adjust(bars([50, 100, 98]), actions(("A", day(2), "dividend", 2.0)), method=method)
        assert adjusted["close"].to_list() == pytest.approx([49.0, 98.0, 98.0], rel=1e-15)
        assert adjusted["volume"].to_list() == [1000.0] * 3

    def test_splits_alone_leave_dividends_alone(self):
        assert backward_adjust(bars([100, 98]), self.PAID)["close"].to_list() == [100.0, 98.0]

    def test_dividends_alone_leave_splits_alone(self):
        both = actions(("A", day(1), "split", 2.0), ("A", day(1), "dividend", 2.0))
        assert backward_adjust(bars([100, 48]), both, method="dividend")["close"].to_list() == [96.0, 48.0]

    def test_a_dividend_on_the_day_of_a_split_is_per_new_share(self):
        both = actions(("A", day(1), "split", 2.0), ("A", day(1), "dividend", 2.0))
        adjusted = backward_adjust(bars([100, 48]), both, method="total_return")
        assert adjusted["close"].to_list() == pytest.approx([48.0, 48.0], rel=1e-15)

    def test_a_dividend_before_a_split_in_a_gap_is_per_old_share(self):
        gap = bars([100, 1, 49]).filter(pl.col("close") > 1)
        both = actions(("A", day(1), "dividend", 2.0), ("A", day(2), "split", 2.0))
        assert backward_adjust(gap, both, method="total_return")["close"].to_list() == [49.0, 49.0]

    @pytest.mark.parametrize("method", ["dividend", "total_return"])
    def test_a_dividend_not_below_the_previous_close_is_named(self, method):
        with pytest.raises(ValueError, match=r"dividend of 100.0 on A after 2016-05-02 .* correct the amount"):
            backward_adjust(bars([100, 98]), actions(("A", day(1), "dividend", 100.0)), method=method)

    @pytest.mark.parametrize("method", ["split", "none"])
    def test_what_cannot_be_applied_is_refused(self, method):
        with pytest.raises(ValueError, match=r"unusable corporate action|there is no adjustment 'none'"):
            backward_adjust(bars([100, 98]), actions(("A", day(1), "split", 0.0)), method=method)


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from("AB"),
        st.integers(-3, 33).map(day),
        st.one_of(
            st.tuples(st.just("split"), st.sampled_from([0.1, 0.5, 1.5, 2.0, 7.0])),
            st.tuples(st.just("dividend"), st.floats(0.01, 0.2)),
        ),
    ).map(lambda row: (row[0], row[1], *row[2])),
    max_size=8,
    unique_by=lambda row: row[:3],
)


class TestLaws:
    @settings(deadline=None, max_examples=150)
    @given(ACTIONS, st.integers(0, 5), st.sampled_from([("split", False), ("total_return", True)]))
    def test_returns_are_those_of_forward_adjustment(self, rows, seed, methods):
        panel, happened = random_bars(["A", "B"], 20, seed, MONDAY), actions(*rows)
        backward = backward_adjust(panel, happened, method=methods[0])
        forward = forward_adjust(panel, happened, dividends=methods[1])
        factor = backward.select("symbol", close=pl.col("close") / forward["close"])
        spread = factor.group_by("symbol").agg(pl.col("close").max() / pl.col("close").min() - 1)
        assert spread["close"].max() < 1e-12

    @settings(deadline=None, max_examples=100)
    @given(ACTIONS)
    def test_a_split_changes_no_traded_value(self, rows):
        panel = random_bars(["A", "B"], 20, 1, MONDAY)
        adjusted = backward_adjust(panel, actions(*rows))
        before, after = (frame["close"] * frame["volume"] for frame in (panel, adjusted))
        assert ((after / before - 1).abs() < 1e-12).all()

    @settings(deadline=None, max_examples=100)
    @given(ACTIONS, st.randoms(use_true_random=False))
    def test_the_order_of_the_rows_does_not_matter(self, rows, random):
        panel = random_bars(["A", "B"], 20, 2, MONDAY)
        mixed = list(rows)
        random.shuffle(mixed)
        assert_frame_equal(
            backward_adjust(panel, actions(*rows), method="total_return"),
            backward_adjust(panel.sample(fraction=1, shuffle=True, seed=3), actions(*mixed), method="total_return"),
            check_exact=True,
        )
