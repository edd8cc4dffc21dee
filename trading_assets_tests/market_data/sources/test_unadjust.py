"""Undoing a vendor's adjustment for splits: exact for prices in cents, whatever was split later."""

import doctest
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.market_data.sources import _unadjust
from trading_assets.market_data.sources._unadjust import raw_from_split_adjusted

DAY = date(2000, 1, 3)
RATIOS = st.sampled_from([(2, 1), (3, 2), (4, 1), (7, 1), (10, 1), (1, 5), (1, 10), (1, 25), (5, 4), (1281, 1000)])
BARS = st.lists(
    st.tuples(st.integers(0, 400), st.integers(50, 2_000_000), st.integers(0, 500), st.integers(0, 10**9)),
    min_size=1,
    max_size=30,
    unique_by=lambda bar: bar[0],
)


def adjusted(bars, splits):
    """What a vendor makes of raw bars: six decimals in a 32-bit float, shares of today."""
    rows = []
    for symbol, day, high, close, volume in bars.iter_rows():
        ratios = [value for name, ex_date, value in splits.iter_rows() if name == symbol and ex_date > day]
        ratio = float(np.prod(ratios)) if ratios else 1.0
        prices = [float(np.float32(round(price / ratio, 6))) for price in (high, close)]
        rows.append((symbol, day, *prices, round(volume * ratio)))
    return pl.DataFrame(rows, schema=bars.schema, orient="row")


def frame(symbol, bars):
    rows = [
        (symbol, DAY + timedelta(days=offset), (close + above) / 100, close / 100, volume)
        for offset, close, above, volume in bars
    ]
    schema = {"symbol": pl.String, "date": pl.Date, "high": pl.Float64, "close": pl.Float64, "volume": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def split_frame(symbol, splits):
    rows = [(symbol, DAY + timedelta(days=offset), over / under) for offset, (over, under) in splits]
    schema = {"symbol": pl.String, "ex_date": pl.Date, "value": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


@settings(max_examples=200)
@given(
    one=BARS,
    other=BARS,
    splits=st.lists(st.tuples(st.integers(0, 400), RATIOS), max_size=3, unique_by=lambda split: split[0]),
)
def test_adjusting_and_undoing_it_gives_back_every_cent_and_share(one, other, splits):
    bars = pl.concat([frame("ONE", one), frame("TWO", other)])
    actions = split_frame("ONE", splits)
    back = raw_from_split_adjusted(adjusted(bars, actions), actions)
    assert back.select("symbol", "date", "high", "close").equals(bars.select("symbol", "date", "high", "close"))
    # After a reverse split the vendor counts whole new shares: half of one is half the ratio in old shares.
    coarsest = max(1.0, 0.5 * float(np.prod([max(1.0, under / over) for _, (over, under) in splits])))
    assert (back["volume"] - bars["volume"]).abs().max() <= coarsest


@given(prices=st.lists(st.floats(0.01, 1e5), min_size=2, max_size=2), ratio=RATIOS)
def test_no_high_falls_below_a_close(prices, ratio):
    low, high = sorted(prices)
    bars = pl.DataFrame({"symbol": ["ONE"], "date": [DAY], "high": [high], "close": [low], "volume": [1]})
    back = raw_from_split_adjusted(bars, split_frame("ONE", [(1, ratio)]))
    assert back["high"].item() >= back["close"].item()


@pytest.mark.parametrize(
    ("day", "yahoo", "traded"),
    [
        # Apple as finance.yahoo.com has it, split 2:1 three times, 7:1 and 4:1 since
        (date(1980, 12, 12), 0.128348, 28.75),
        (date(1980, 12, 15), 0.12221, 27.375),
        (date(2012, 9, 19), float(np.float32(702.10 / 28)), 702.10),
        (date(2014, 6, 6), float(np.float32(645.57 / 28)), 645.57),
        (date(2020, 8, 28), float(np.float32(499.23 / 4)), 499.23),
        (date(2020, 8, 31), float(np.float32(129.04)), 129.04),
    ],
)
def test_apples_prices_come_back(day, yahoo, traded):
    splits = [
        (date(1987, 6, 16), 2.0), (date(2000, 6, 21), 2.0), (date(2005, 2, 28), 2.0), (date(2014, 6, 9), 7.0),
        (date(2020, 8, 31), 4.0),
    ]  # fmt: skip
    actions = pl.DataFrame([("AAPL", *split) for split in splits], schema=["symbol", "ex_date", "value"], orient="row")
    bars = pl.DataFrame({"symbol": ["AAPL"], "date": [day], "close": [yahoo]})
    assert raw_from_split_adjusted(bars, actions.sample(fraction=1, shuffle=True, seed=1))["close"].item() == traded


def test_apples_first_volume_comes_back():
    bars = pl.DataFrame({"symbol": ["AAPL"], "date": [DAY], "close": [0.128348], "volume": [469_033_600]})
    actions = split_frame("AAPL", [(1, (224, 1))])
    assert raw_from_split_adjusted(bars, actions)["volume"].item() == 2_093_900


def test_rows_keep_order_columns_and_what_is_missing():
    bars = pl.DataFrame(
        {
            "symbol": ["B", "A", None, "A"],
            "date": [DAY, DAY + timedelta(days=5), DAY, None],
            "close": [10.0, None, float("nan"), 3.0],
            "low": [9.0, 1.0, 2.0, 1.5],
            "note": ["x", "y", "z", "w"],
        }
    )
    back = raw_from_split_adjusted(bars, split_frame("A", [(5, (2, 1)), (9, (3, 1))]))
    assert back.columns == bars.columns
    assert back["note"].to_list() == ["x", "y", "z", "w"]
    assert back["low"].to_list() == [9.0, 3.0, 2.0, 1.5]
    assert back["close"][1] is None
    assert back["close"].is_nan().to_list() == [False, None, True, False]


def test_without_splits_nothing_but_the_noise_of_32_bits_goes():
    bars = pl.DataFrame({"symbol": ["A"], "date": [DAY], "close": [189.9499969482422], "volume": [7]})
    back = raw_from_split_adjusted(bars, split_frame("A", []))
    assert back.row(0) == ("A", DAY, 189.95, 7)


def test_the_example_of_the_docstring_holds():
    assert doctest.testmod(_unadjust).failed == 0
