"""Daily bars and corporate actions: raw, complete, and only what has ended."""

import subprocess
import sys
from datetime import UTC, date, datetime

import polars as pl
import pytest

from trading_assets.desk import calendar
from trading_assets.market_data.sources import (
    CORPORATE_ACTIONS_SCHEMA,
    DAILY_BARS_SCHEMA,
    CompaniesSource,
    FundamentalsSource,
    QuotesSource,
    Source,
    SourceConfigError,
    UnsupportedIntervalError,
    make_source,
)
from trading_assets_tests.market_data.sources.yahoo.conftest import APPLE

JUNE_2014 = (date(2014, 6, 2), date(2014, 6, 13))


def raw_rows(listing, days):
    return [(listing.symbol, day, *listing.raw(day)) for day in days]


def columns(bars):
    return bars.select("symbol", "date", "open", "high", "low", "close", "volume").rows()


def test_yahoo_is_a_source_of_all_that_it_offers(replay):
    source = replay.source("AAPL")
    for protocol in (Source, CompaniesSource, FundamentalsSource, QuotesSource):
        assert isinstance(source, protocol)
    assert (source.name, source.is_remote) == ("yahoo", True)
    assert source.offers == {
        "bars_daily", "bars_hourly", "bars_minute", "corporate_actions", "companies", "fundamentals", "quotes",
    }  # fmt: skip
    assert replay.asked == []


def test_prices_are_those_that_were_traded_whatever_was_split_since(replay):
    bars = replay.source("AAPL").bars(["AAPL"], *JUNE_2014)
    assert bars.schema == DAILY_BARS_SCHEMA
    assert columns(bars) == raw_rows(APPLE, calendar.sessions("XNYS", *JUNE_2014))
    assert bars.select("source", "feed", "adjustment", "raw").unique().rows() == [("yahoo", None, "split", None)]


def test_every_request_for_days_reaches_the_present_so_that_no_later_split_is_missed(replay):
    replay.source("AAPL").bars(["AAPL"], *JUNE_2014)
    (chart,) = replay.charts()
    assert int(chart["period2"]) > replay.now.timestamp()


def test_a_split_on_the_running_day_is_undone_for_the_days_before(replay):
    # given a split whose ex-date is today, before the close
    replay.now = datetime(2020, 8, 31, 15, 0, tzinfo=UTC)
    days = (date(2020, 8, 27), date(2020, 8, 31))
    # then the days before are raw, and today is no bar yet
    bars = replay.source("AAPL").bars(["AAPL"], *days)
    assert columns(bars) == raw_rows(APPLE, [date(2020, 8, 27), date(2020, 8, 28)])


@pytest.mark.parametrize(("minute", "last"), [(59, date(2024, 12, 19)), (0, date(2024, 12, 20))])
def test_a_day_is_data_from_its_close_on(replay, minute, last):
    hour = 20 if minute == 59 else 21
    replay.now = datetime(2024, 12, 20, hour, minute, tzinfo=UTC)
    bars = replay.source("MSFT").bars(["MSFT"], date(2024, 12, 16), date(2024, 12, 31))
    assert bars["date"].max() == last


def test_a_half_day_ends_at_its_own_close(replay):
    replay.now = datetime(2024, 7, 3, 17, 0, tzinfo=UTC)  # 13:00 in New York
    assert replay.source("MSFT").bars(["MSFT"], date(2024, 7, 3), date(2024, 7, 3)).height == 1


def test_rows_are_in_order_of_symbol_and_day_however_they_were_asked(replay):
    source = replay.source("MSFT", "AAPL", threads=4)
    bars = source.bars(["MSFT", "AAPL", "LATE", "MSFT"], date(2024, 9, 3), date(2024, 9, 30))
    assert bars.equals(bars.sort("symbol", "date"))
    assert bars["symbol"].unique().sort().to_list() == ["AAPL", "LATE", "MSFT"]
    assert bars.equals(source.bars(["LATE", "AAPL", "MSFT"], date(2024, 9, 3), date(2024, 9, 30)))


def test_a_window_is_the_union_of_its_days(replay):
    source, days = replay.source("AAPL"), calendar.sessions("XNYS", date(2020, 8, 26), date(2020, 9, 2))
    whole = source.bars(["AAPL"], days[0], days[-1])
    assert whole.equals(pl.concat(source.bars(["AAPL"], day, day) for day in days))


@pytest.mark.parametrize("window", [(date(2025, 1, 2), date.max), (date(2024, 12, 14), date(2024, 12, 15))])
def test_a_window_in_which_no_session_has_ended_is_empty_and_costs_no_request(replay, window):
    assert replay.source("AAPL").bars(["AAPL"], *window).is_empty()
    assert replay.asked == []


def test_a_window_before_the_listing_is_empty(replay):
    source = replay.source("LATE")
    assert source.bars(["LATE"], date(2024, 1, 2), date(2024, 3, 1)).is_empty()
    assert source.bars(["LATE"], date(2024, 8, 1), date(2024, 9, 4))["date"].to_list() == [
        date(2024, 9, 3),
        date(2024, 9, 4),
    ]


@pytest.mark.parametrize(
    ("symbol", "exchange", "currency", "holiday", "trades"),
    [
        ("SHEL.L", "XLON", "GBP", date(2024, 5, 6), date(2024, 7, 4)),
        ("INFY.BO", "XBOM", "INR", date(2024, 8, 15), date(2024, 7, 4)),
    ],
)
def test_sessions_are_those_of_the_exchange(replay, symbol, exchange, currency, holiday, trades):
    source = replay.source(symbol, exchange=exchange, currency=currency)
    bars = source.bars([symbol], date(2024, 4, 29), date(2024, 8, 30))
    assert bars["date"].to_list() == calendar.sessions(exchange, date(2024, 4, 29), date(2024, 8, 30))
    assert holiday not in bars["date"]
    assert trades in bars["date"]


def test_pence_become_pounds(replay):
    source = replay.source("SHEL.L", exchange="XLON", currency="GBP")
    days = calendar.sessions("XLON", date(2024, 10, 1), date(2024, 10, 31))
    assert columns(source.bars(["SHEL.L"], days[0], days[-1])) == raw_rows(replay.listings["SHEL.L"], days)


def test_a_price_of_a_fraction_of_a_penny_keeps_its_digits(replay):
    day = date(2024, 12, 19)
    opens = int(calendar.session_open("XLON", day).timestamp())
    meta = {"currency": "GBp", "symbol": "DUST.L", "instrumentType": "EQUITY", "exchangeTimezoneName": "Europe/London"}
    prices = {name: [0.0123] for name in ("open", "high", "low", "close")}
    row = {"meta": meta, "timestamp": [opens], "indicators": {"quote": [prices | {"volume": [5]}]}}
    replay.bodies["dust"] = {"chart": {"result": [row], "error": None}}
    replay.fail("/chart/DUST.L", "dust")
    bars = replay.source("DUST.L", exchange="XLON", currency="GBP").bars(["DUST.L"], day, day)
    assert bars["close"].to_list() == [0.000123]


def test_bombay_closes_while_new_york_sleeps(replay):
    replay.now = datetime(2024, 12, 20, 10, 0, tzinfo=UTC)  # 15:30 in Bombay
    source = replay.source("INFY.BO", exchange="XBOM", currency="INR")
    bars = source.bars(["INFY.BO"], date(2024, 12, 20), date(2024, 12, 20))
    assert bars["date"].to_list() == [date(2024, 12, 20)]


def test_a_symbol_of_another_exchange_or_currency_names_the_setting(replay):
    with pytest.raises(SourceConfigError, match=r"INFY.BO trades in the zone Asia/Kolkata.*source.yahoo.exchange"):
        replay.source("INFY.BO").bars(["INFY.BO"], *JUNE_2014)
    with pytest.raises(SourceConfigError, match=r"SHEL.L in GBp, but source.yahoo.currency is EUR; set it to GBP"):
        replay.source("SHEL.L", exchange="XLON", currency="EUR").bars(["SHEL.L"], *JUNE_2014)


def test_actions_are_those_that_happened_in_the_shares_of_their_day(replay):
    actions = replay.source("AAPL").corporate_actions(["AAPL"], date(2014, 1, 2), date(2024, 11, 8))
    assert actions.schema == CORPORATE_ACTIONS_SCHEMA
    assert actions.select("ex_date", "kind", "value").rows() == [
        (date(2014, 5, 8), "dividend", 3.29),
        (date(2014, 6, 9), "split", 7.0),
        (date(2014, 8, 7), "dividend", 0.47),
        (date(2020, 8, 7), "dividend", 0.82),
        (date(2020, 8, 31), "split", 4.0),
        (date(2020, 11, 6), "dividend", 0.205),
        (date(2024, 11, 8), "dividend", 0.25),
    ]
    assert actions["known_at"].dt.date().to_list() == actions["ex_date"].to_list()
    assert actions["known_at"].dt.time().unique().to_list() == [datetime.min.time()]


def test_actions_outside_of_the_window_are_left_out_and_none_is_no_error(replay):
    source = replay.source("AAPL", "MSFT")
    inside = source.corporate_actions(["AAPL", "MSFT"], date(2020, 8, 8), date(2020, 11, 5))
    assert inside.select("symbol", "ex_date", "kind").rows() == [("AAPL", date(2020, 8, 31), "split")]
    assert source.corporate_actions(["MSFT"], date(2020, 1, 2), date(2020, 12, 31)).is_empty()


def test_an_interval_that_yahoo_is_not_asked_for_is_named(replay):
    with pytest.raises(UnsupportedIntervalError, match="'5m'"):
        replay.source("AAPL").bars(["AAPL"], *JUNE_2014, "5m")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, r"source.yahoo.symbols is empty; list tickers"),
        ({"symbols": "AAPL"}, r"source.yahoo.symbols"),
        ({"symbols": ["AAPL"], "requests_per_second": 0}, r"source.yahoo.requests_per_second is 0.*above 0"),
        ({"symbols": ["AAPL"], "retries": -1}, r"source.yahoo.retries is -1"),
        ({"symbols": ["AAPL"], "tranport": 1}, r"source.yahoo.tranport does not exist"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(SourceConfigError, match=message):
        make_source({"kind": "yahoo", **settings})


def test_what_yahoo_needs_is_not_loaded_before_it_is_asked():
    code = (
        "import sys; from trading_assets.market_data.sources import make_source\n"
        "make_source({'kind': 'yahoo', 'symbols': ['AAPL']}).offers\n"
        "print([name for name in ('yfinance', 'curl_cffi', 'pandas', 'exchange_calendars') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_a_source_made_from_settings_shows_no_secret_and_reads_the_one_clock():
    from trading_assets.desk.clock import now

    source = make_source({"kind": "yahoo", "symbols": ["AAPL"], "proxy": "http://me:hunter2@proxy:3128"})
    assert "hunter2" not in repr(source)
    assert source.transport.now is now
