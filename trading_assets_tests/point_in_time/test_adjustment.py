from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trading_assets.point_in_time.adjustment import forward_adjust, forward_adjust_blocks
from trading_assets.point_in_time.blocks import lookback_blocks
from trading_assets_tests.point_in_time.sample import actions, random_bars, real_bars, real_splits

MONDAY = date(2016, 5, 2)


def day(offset):
    return MONDAY + timedelta(days=offset)


def bars(closes, symbol="A", volume=1000):
    days = [day(i) for i in range(len(closes))]
    prices = {name: [float(c) for c in closes] for name in ("open", "high", "low", "close")}
    return pl.DataFrame({"symbol": [symbol] * len(closes), "date": days, **prices, "volume": [volume] * len(closes)})


class TestSplits:
    def test_a_split_scales_its_own_day_and_later_but_no_earlier_price(self):
        adjusted = forward_adjust(bars([100, 50, 51]), actions(("A", day(1), "split", 2.0)))
        assert adjusted["close"].to_list() == [100.0, 100.0, 102.0]
        assert adjusted["volume"].to_list() == [1000.0, 500.0, 500.0]

    def test_all_four_prices_are_scaled(self):
        row = bars([10]).with_columns(open=pl.lit(9.0), high=pl.lit(12.0), low=pl.lit(8.0))
        adjusted = forward_adjust(row, actions(("A", MONDAY, "split", 3.0)))
        assert adjusted.select("open", "high", "low", "close").row(0) == (27.0, 36.0, 24.0, 30.0)

    def test_a_reverse_split_divides(self):
        adjusted = forward_adjust(bars([1, 10]), actions(("A", day(1), "split", 0.1)))
        assert adjusted["close"].to_list() == [1.0, 1.0]

    def test_an_ex_date_without_a_bar_takes_effect_at_the_next_bar(self):
        holiday = bars([100, 100, 50]).filter(pl.col("date") != day(1))
        adjusted = forward_adjust(holiday, actions(("A", day(1), "split", 2.0)))
        assert adjusted["close"].to_list() == [100.0, 100.0]

    def test_several_splits_before_one_bar_multiply(self):
        split_twice = actions(("A", day(1), "split", 2.0), ("A", day(2), "split", 3.0))
        adjusted = forward_adjust(bars([60, 0, 0, 10]).filter(pl.col("close") > 0), split_twice)
        assert adjusted["close"].to_list() == [60.0, 60.0]

    def test_a_split_before_the_first_bar_counts_so_the_start_of_a_read_does_not_matter(self):
        panel, split = bars([100, 50, 51, 52]), actions(("A", day(1), "split", 2.0))
        late = forward_adjust(panel.filter(pl.col("date") >= day(2)), split)
        assert_frame_equal(late, forward_adjust(panel, split).filter(pl.col("date") >= day(2)), check_exact=True)

    def test_a_split_of_one_symbol_leaves_the_others_alone(self):
        both = pl.concat([bars([10, 5], "A"), bars([10, 5], "B")])
        adjusted = forward_adjust(both, actions(("B", day(1), "split", 2.0)))
        assert adjusted["close"].to_list() == [10.0, 5.0, 10.0, 10.0]

    def test_real_splits_leave_no_jump(self):
        panel = real_bars("AAPL", "MSFT")
        adjusted = forward_adjust(panel, real_splits())
        jumps = adjusted.with_columns(ratio=pl.col("close") / pl.col("close").shift(1).over("symbol"))
        on_ex_dates = jumps.join(real_splits(), left_on=["symbol", "date"], right_on=["symbol", "ex_date"])
        assert on_ex_dates.height == 3
        assert on_ex_dates["ratio"].is_between(0.85, 1.15).all()


class TestDividends:
    def test_a_dividend_is_reinvested_at_the_close_before_its_ex_date(self):
        adjusted = forward_adjust(bars([100, 98]), actions(("A", day(1), "dividend", 2.0)), dividends=True)
        assert adjusted["close"].to_list() == [100.0, pytest.approx(100.0, rel=1e-15)]
        assert adjusted["volume"].to_list() == [1000.0, 1000.0]

    def test_dividends_are_left_alone_unless_asked_for(self):
        adjusted = forward_adjust(bars([100, 98]), actions(("A", day(1), "dividend", 2.0)))
        assert adjusted["close"].to_list() == [100.0, 98.0]

    def test_a_dividend_on_the_day_of_a_split_is_per_new_share(self):
        # 100 becomes two shares worth 49 each plus 1 each in cash: nothing gained, nothing lost
        both = actions(("A", day(1), "dividend", 1.0), ("A", day(1), "split", 2.0))
        adjusted = forward_adjust(bars([100, 49]), both, dividends=True)
        assert adjusted["close"][1] == pytest.approx(100.0, rel=1e-15)

    def test_a_dividend_before_a_split_is_per_old_share(self):
        gap = bars([100, 0, 49]).filter(pl.col("close") > 0)
        both = actions(("A", day(1), "dividend", 2.0), ("A", day(2), "split", 2.0))
        adjusted = forward_adjust(gap, both, dividends=True)
        assert adjusted["close"][1] == pytest.approx(100.0, rel=1e-15)

    def test_a_dividend_on_the_first_bar_has_no_previous_close_and_no_effect(self):
        adjusted = forward_adjust(bars([100, 98]), actions(("A", MONDAY, "dividend", 2.0)), dividends=True)
        assert adjusted["close"].to_list() == [100.0, 98.0]

    def test_a_dividend_above_the_previous_close_is_refused_by_name(self):
        with pytest.raises(ValueError, match=r"dividend of 100.0 on A effective 2016-05-03 .* previous close 100.0"):
            forward_adjust(bars([100, 98]), actions(("A", day(1), "dividend", 100.0)), dividends=True)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("split", 0.0), ("split", -2.0), ("split", None), ("split", float("nan")), ("dividend", -1.0), ("spinoff", 1.0)],
)
def test_an_unusable_action_is_refused_by_name(kind, value):
    with pytest.raises(ValueError, match=f"A {MONDAY} {kind}"):
        forward_adjust(bars([100]), actions(("A", MONDAY, kind, value)))


ratios = st.sampled_from([2.0, 3.0, 1.5, 0.1, 7 / 3])
events = st.lists(
    st.tuples(st.integers(-3, 33), st.sampled_from(["split", "dividend"]), ratios),
    max_size=6,
    unique_by=lambda e: e[:2],
)


class TestLaws:
    @settings(max_examples=50, deadline=None)
    @given(events=events, cut=st.integers(1, 29), dividends=st.booleans())
    def test_later_history_and_later_actions_change_no_earlier_bit(self, events, cut, dividends):
        panel = bars([100 + i % 7 for i in range(30)])
        every = actions(*(("A", day(offset), kind, value) for offset, kind, value in events))
        known = every.filter(pl.col("ex_date") <= day(cut))
        then = forward_adjust(panel.filter(pl.col("date") <= day(cut)), known, dividends=dividends)
        now = forward_adjust(panel, every, dividends=dividends).filter(pl.col("date") <= day(cut))
        assert_frame_equal(then, now, check_exact=True)

    @settings(max_examples=50, deadline=None)
    @given(events=events)
    def test_a_split_changes_neither_value_nor_traded_amount(self, events):
        splits = [(offset, value) for offset, kind, value in events if kind == "split"]
        panel = bars([100 + i % 7 for i in range(30)])
        every = actions(*(("A", day(offset), "split", value) for offset, value in splits))
        adjusted = forward_adjust(panel, every)
        traded = adjusted["close"] * adjusted["volume"]
        assert traded.to_list() == pytest.approx((panel["close"] * panel["volume"]).to_list(), rel=1e-12)

    @settings(max_examples=50, deadline=None)
    @given(events=events, seed=st.integers(0, 5))
    def test_the_order_of_rows_does_not_matter(self, events, seed):
        panel = pl.concat([bars([100 + i % 7 for i in range(30)], symbol) for symbol in "AB"])
        every = actions(*((("A", "B")[i % 2], day(o), kind, value) for i, (o, kind, value) in enumerate(events)))
        shuffled = forward_adjust(
            panel.sample(fraction=1, shuffle=True, seed=seed),
            every.sample(fraction=1, shuffle=True, seed=seed),
            dividends=True,
        )
        assert_frame_equal(shuffled, forward_adjust(panel, every, dividends=True), check_exact=True)


class TestBlocks:
    SPLITS = actions(
        ("A", date(2014, 9, 3), "split", 3.0),
        ("A", date(2015, 7, 1), "split", 1.5),
        ("A", date(2015, 8, 3), "dividend", 0.7),
    )

    def adjusted(self, panel, splits, *, dividends=False):
        window = {"lookback": 50, "period": "year", "start": date(2015, 1, 1), "end": date(2015, 12, 31)}
        return forward_adjust_blocks(lookback_blocks(panel, **window), splits, dividends=dividends)

    @pytest.mark.parametrize("dividends", [False, True])
    def test_a_block_does_not_depend_on_the_history_or_actions_read_before_it(self, dividends):
        panel = random_bars("A", 400)
        recent = panel.filter(pl.col("date") >= date(2014, 10, 1))
        recent_splits = self.SPLITS.filter(pl.col("ex_date") >= date(2015, 1, 1))
        assert_frame_equal(
            self.adjusted(panel, self.SPLITS, dividends=dividends),
            self.adjusted(recent, recent_splits, dividends=dividends),
            check_exact=True,
        )

    def test_the_first_row_of_a_block_is_its_base_even_on_an_ex_date(self):
        panel = random_bars("A", 400)
        first = self.adjusted(panel, actions()).row(0, named=True)
        adjusted = self.adjusted(panel, actions(("A", first["date"], "split", 2.0)))
        assert adjusted["close"].to_list() == self.adjusted(panel, actions())["close"].to_list()

    def test_every_block_gets_the_splits_inside_it(self):
        panel = random_bars("A", 400)
        rows = lookback_blocks(panel, lookback=150, period="year", start=date(2014, 1, 1), end=date(2015, 12, 31))
        split = actions(("A", date(2014, 12, 1), "split", 2.0))
        ratio = forward_adjust_blocks(rows, split).select("block", "date", factor=pl.col("close") / rows["close"])
        expected = ratio.with_columns(wanted=pl.when(pl.col("date") >= date(2014, 12, 1)).then(2.0).otherwise(1.0))
        assert expected["block"].unique().sort().to_list() == [2014, 2015]
        assert (expected["factor"] == expected["wanted"]).all()
