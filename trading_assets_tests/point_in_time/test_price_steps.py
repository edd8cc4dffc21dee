"""Steps between bars adjust prices as forward adjustment does, from whichever row one begins."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trading_assets.point_in_time.adjustment import forward_adjust, forward_adjust_blocks
from trading_assets.point_in_time.price_steps import adjusted_from_first_row, price_steps
from trading_assets_tests.point_in_time.sample import actions, random_bars, real_bars, real_splits

MONDAY = date(2016, 5, 2)


def day(offset):
    return MONDAY + timedelta(days=offset)


def bars(*closes, symbol="A"):
    days = [day(i) for i in range(len(closes))]
    prices = {name: [float(close) for close in closes] for name in ("open", "high", "low", "close")}
    return pl.DataFrame({"symbol": [symbol] * len(closes), "date": days, **prices, "volume": [1000] * len(closes)})


def test_a_split_and_a_dividend_are_factors_of_the_bar_at_which_they_take_effect():
    found = price_steps(bars(100, 50, 45), actions(("A", day(1), "split", 2.0), ("A", day(2), "dividend", 5.0)))
    assert found["share_step"].to_list() == [1.0, 2.0, 1.0]
    assert found["price_step"].to_list() == [1.0, 2.0, 1.0 / 0.9]
    adjusted = adjusted_from_first_row(found)
    assert adjusted["close"].to_list() == [100.0, 100.0, 100.0]
    assert adjusted["volume"].to_list() == [1000.0, 500.0, 500.0]


def test_an_action_without_a_bar_takes_effect_at_the_next_one_and_one_after_the_last_bar_not_at_all():
    gap = bars(100, 0, 50, 50).filter(pl.col("close") > 0)
    found = price_steps(gap, actions(("A", day(1), "split", 2.0), ("A", day(9), "split", 3.0)))
    assert found["share_step"].to_list() == [1.0, 2.0, 1.0]


def test_columns_that_are_not_asked_for_are_not_needed():
    found = adjusted_from_first_row(price_steps(bars(100, 50).select("symbol", "date", "close"), real_splits()))
    assert found.columns == ["symbol", "date", "close"]


def test_a_dividend_that_is_not_below_the_close_before_is_refused_by_name():
    with pytest.raises(ValueError, match=r"dividend of 100.0 on A after 2016-05-02 is not below that day's close"):
        price_steps(bars(100, 50), actions(("A", day(1), "dividend", 100.0)))


def test_an_unusable_action_is_refused_by_name():
    with pytest.raises(ValueError, match=r"first: A 2016-05-03 split -1.0"):
        price_steps(bars(100, 50), actions(("A", day(1), "split", -1.0)))


def test_real_splits_and_dividends_give_the_bits_of_forward_adjustment():
    raw = real_bars("AAPL", "MSFT").filter(pl.col("date") > date(2000, 1, 1))
    paid = actions(("MSFT", date(2004, 11, 15), "dividend", 3.0), ("AAPL", date(2005, 2, 28), "dividend", 1.0))
    known = pl.concat([real_splits(), paid])
    # splits before the first bar count there and not here
    from_first = forward_adjust_blocks(raw.with_columns(block=pl.lit(1)), known, dividends=True).drop("block")
    assert_frame_equal(adjusted_from_first_row(price_steps(raw, known)), from_first, check_exact=True)


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_any_actions_give_the_prices_of_forward_adjustment_from_any_row(data):
    raw = random_bars("AB", 40, first=MONDAY)
    days = raw["date"].unique().sort().to_list()
    kinds = st.one_of(
        st.tuples(st.just("split"), st.sampled_from([0.1, 0.5, 1.5, 2.0])),
        st.tuples(st.just("dividend"), st.floats(0.01, 3.0)),
    )
    drawn = data.draw(st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from(days), kinds), max_size=6))
    known = actions(*((symbol, ex_date, *one) for symbol, ex_date, one in drawn)).unique(
        ["symbol", "ex_date", "kind"], maintain_order=True
    )
    stepped = price_steps(raw, known)
    first = data.draw(st.sampled_from(days[:30]))
    begun = adjusted_from_first_row(stepped.filter(pl.col("date") >= first))
    whole = forward_adjust(raw, known, dividends=True).filter(pl.col("date") >= first)
    base = pl.col("close") / pl.col("close").first().over("symbol")
    ratio = (begun.select(base).to_series() / whole.select(base).to_series() - 1).abs().max()
    assert ratio < 1e-12


def test_a_value_depends_on_no_later_row():
    raw, known = (
        random_bars("AB", 60),
        actions(("A", date(2014, 7, 1), "split", 2.0), ("A", date(2014, 8, 1), "split", 3.0)),
    )
    cut = date(2014, 7, 15)
    whole = adjusted_from_first_row(price_steps(raw, known)).filter(pl.col("date") <= cut)
    early = adjusted_from_first_row(price_steps(raw.filter(pl.col("date") <= cut), known))
    assert_frame_equal(early, whole, check_exact=True)
