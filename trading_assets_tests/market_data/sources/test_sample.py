"""The offline sample's facts."""

import math
from datetime import UTC, date, datetime

import polars as pl
import pytest

from trading_assets.desk import calendar
from trading_assets.market_data.sources import (
    CORPORATE_ACTIONS_SCHEMA,
    DAILY_BARS_SCHEMA,
    SYMBOLS_SCHEMA,
    SampleSource,
    Source,
    SourceConfigError,
    UnknownSymbolError,
    UnsupportedIntervalError,
)
from trading_assets.market_data.sources.sample import derive_corporate_actions

SOURCE = SampleSource()
ALL = ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
SPAN = (date(2000, 1, 1), date(2013, 12, 31))


def test_sample_is_a_source_with_the_shared_schemas():
    assert isinstance(SOURCE, Source)
    assert SOURCE.symbols().schema == SYMBOLS_SCHEMA
    assert SOURCE.bars(ALL, *SPAN).schema == DAILY_BARS_SCHEMA
    assert SOURCE.corporate_actions(ALL, *SPAN).schema == CORPORATE_ACTIONS_SCHEMA


@pytest.mark.parametrize(
    ("symbol", "rows", "first"),
    [
        ("AAPL", 3270, date(2000, 3, 1)),
        ("FB", 196, date(2012, 5, 18)),
        ("GOOG", 2148, date(2004, 8, 19)),
        ("IBM", 3270, date(2000, 3, 1)),
        ("MSFT", 3270, date(2000, 3, 1)),
    ],
)
def test_every_session_of_a_name_has_one_bar(symbol, rows, first):
    bars = SOURCE.bars([symbol], *SPAN)
    assert bars.height == rows
    assert bars["date"].to_list() == calendar.sessions("XNYS", first, date(2013, 3, 1))
    row = SOURCE.symbols().row(by_predicate=pl.col("symbol") == symbol, named=True)
    assert (row["first_session"], row["last_session"], row["delisted_on"]) == (first, date(2013, 3, 1), None)
    assert (row["exchange"], row["currency"], row["source"]) == ("XNYS", "USD", "sample")


def test_splits_are_the_three_of_the_span():
    splits = SOURCE.corporate_actions(ALL, *SPAN).filter(kind="split")
    assert splits.select("symbol", "ex_date", "value").rows() == [
        ("AAPL", date(2000, 6, 21), 2.0),
        ("AAPL", date(2005, 2, 28), 2.0),
        ("MSFT", date(2003, 2, 18), 2.0),
    ]


def test_apples_crash_is_no_split():
    bars = SOURCE.bars(["AAPL"], date(2000, 9, 28), date(2000, 9, 29))
    assert bars["close"][1] / bars["close"][0] < 0.5
    assert SOURCE.corporate_actions(["AAPL"], date(2000, 9, 1), date(2000, 10, 31)).is_empty()


@pytest.mark.parametrize(
    ("symbol", "ex_date", "cash"),
    [
        ("AAPL", date(2012, 8, 9), 2.65),
        ("AAPL", date(2012, 11, 7), 2.65),
        ("AAPL", date(2013, 2, 7), 2.65),
        ("MSFT", date(2003, 2, 19), 0.08),
        ("MSFT", date(2004, 11, 15), 3.08),  # the special dividend of 3.00 and the quarterly one of 0.08
        ("MSFT", date(2012, 11, 13), 0.23),
        ("IBM", date(2012, 5, 8), 0.85),
    ],
)
def test_dividends_are_those_the_companies_paid(symbol, ex_date, cash):
    action = SOURCE.corporate_actions([symbol], ex_date, ex_date)
    assert action.select("kind", "value").rows() == [("dividend", cash)]


def test_number_of_dividends():
    dividends = SOURCE.corporate_actions(ALL, *SPAN).filter(kind="dividend")
    counts = dict(dividends["symbol"].value_counts().iter_rows())
    assert counts == {"AAPL": 3, "IBM": 52, "MSFT": 37}


def test_derived_actions_give_back_every_adjusted_close():
    from bokeh_sampledata import stocks

    for symbol in ALL:
        vendor = pl.DataFrame(getattr(stocks, symbol)).with_columns(pl.col("date").str.to_date())
        actions = SOURCE.corporate_actions([symbol], *SPAN).rename({"ex_date": "date"})
        split = actions.filter(kind="split").select("date", ratio="value")
        cash = actions.filter(kind="dividend").select("date", cash="value")
        rebuilt = vendor.join(split, on="date", how="left").join(cash, on="date", how="left").sort("date")
        step = pl.col("ratio").fill_null(1.0) * (1 + pl.col("cash").fill_null(0.0) / pl.col("close"))
        later = step.log().sum() - step.log().cum_sum()
        last = vendor["close"][-1] / vendor["adj_close"][-1]
        rebuilt = rebuilt.with_columns(rebuilt=pl.col("close") / later.exp() / last)
        error = (rebuilt["rebuilt"] / rebuilt["adj_close"] - 1).abs().max()
        assert error < 1e-9


def test_action_is_known_after_the_previous_close_and_before_the_ex_dates_open():
    for row in SOURCE.corporate_actions(ALL, *SPAN).iter_rows(named=True):
        assert row["known_at"] == datetime.combine(row["ex_date"], datetime.min.time(), UTC)
        assert row["known_at"] > calendar.session_close("XNYS", calendar.previous_session("XNYS", row["ex_date"]))


def test_reverse_split_is_derived_too():
    prices = pl.DataFrame(
        {"symbol": ["X"] * 3, "date": [date(2020, 1, d) for d in (1, 2, 3)], "close": [1.0, 10.1, 10.2]}
    ).with_columns(adj_close=pl.Series([10.0, 10.1, 10.2]))
    assert derive_corporate_actions(prices).select("kind", "value").rows() == [("split", 0.1)]


def test_window_includes_both_ends_and_repeated_symbols_count_once():
    bars = SOURCE.bars(["IBM", "AAPL", "IBM"], date(2012, 10, 26), date(2012, 10, 31))
    assert bars.select("symbol", "date").rows() == [
        (symbol, date(2012, 10, day)) for symbol in ("AAPL", "IBM") for day in (26, 31)
    ]
    assert SOURCE.bars([], *SPAN).is_empty()


def test_prices_are_raw():
    assert math.isclose(SOURCE.bars(["AAPL"], date(2000, 3, 1), date(2000, 3, 1))["close"][0], 130.31)


def test_unreasonable_requests_are_refused():
    with pytest.raises(UnknownSymbolError, match=r"'sample' does not have 'APPL' \(did you mean 'AAPL'\?\)"):
        SOURCE.bars(["IBM", "APPL"], *SPAN)
    with pytest.raises(UnsupportedIntervalError, match=r"'sample'.*'1m'.*1d"):
        SOURCE.bars(["IBM"], *SPAN, "1m")
    with pytest.raises(SourceConfigError, match="pass a list"):
        SOURCE.bars("IBM", *SPAN)
    with pytest.raises(SourceConfigError, match="ends before it starts"):
        SOURCE.corporate_actions(["IBM"], SPAN[1], SPAN[0])
