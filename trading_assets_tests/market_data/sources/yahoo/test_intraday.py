"""Bars within a session: labelled by their start in UTC, regular hours only, within Yahoo's limits."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from trading_assets.desk import calendar
from trading_assets.market_data.sources import INTRADAY_BARS_SCHEMA, SourceConfigError
from trading_assets_tests.market_data.sources.yahoo._yahoo_replay import Listing


def starts(bars, day):
    return [ts.strftime("%H:%M") for ts in bars.filter(date=day)["ts"]]


def test_hours_count_from_the_open_and_half_days_end_early(replay):
    bars = replay.source("AAPL").bars(["AAPL"], date(2024, 7, 2), date(2024, 7, 5), "1h")
    assert bars.schema == INTRADAY_BARS_SCHEMA
    # 09:30, 10:30 ... 15:30 in New York, the last one half as long
    assert starts(bars, date(2024, 7, 2)) == ["13:30", "14:30", "15:30", "16:30", "17:30", "18:30", "19:30"]
    # on the half day Yahoo goes on after 13:00; those are no bars of the session
    assert starts(bars, date(2024, 7, 3)) == ["13:30", "14:30", "15:30", "16:30"]
    assert starts(bars, date(2024, 7, 4)) == []


def test_minutes_are_those_of_the_calendar_on_full_and_half_days(replay):
    first, last = date(2024, 11, 27), date(2024, 12, 2)
    bars = replay.source("AAPL").bars(["AAPL"], first, last, "1m")
    assert bars.select("date", "ts").equals(calendar.session_minutes("XNYS", first, last))
    assert bars.filter(date=date(2024, 11, 29)).height == 210
    assert bars["adjustment"].unique().to_list() == ["split"]


def test_the_change_of_clocks_moves_the_stamps_not_the_sessions(replay):
    bars = replay.source("AAPL").bars(["AAPL"], date(2024, 11, 1), date(2024, 11, 4), "1h")
    assert starts(bars, date(2024, 11, 1))[0] == "13:30"
    assert starts(bars, date(2024, 11, 4))[0] == "14:30"
    assert bars.group_by("date").len()["len"].to_list() == [7, 7]


def test_hours_of_bombay_begin_at_a_quarter_past_nine_there(replay):
    source = replay.source("INFY.BO", exchange="XBOM", currency="INR")
    bars = source.bars(["INFY.BO"], date(2024, 12, 16), date(2024, 12, 16), "1h")
    assert starts(bars, date(2024, 12, 16)) == ["03:45", "04:45", "05:45", "06:45", "07:45", "08:45", "09:45"]


@pytest.mark.parametrize(("interval", "last"), [("1h", "15:30"), ("1m", "16:40")])
def test_a_bar_that_has_not_ended_is_not_data(replay, interval, last):
    replay.now = datetime(2024, 12, 20, 16, 41, 30, tzinfo=UTC)
    bars = replay.source("AAPL").bars(["AAPL"], date(2024, 12, 20), date(2024, 12, 20), interval)
    assert starts(bars, date(2024, 12, 20))[-1] == last


def test_the_last_short_hour_is_data_from_the_close_on(replay):
    replay.now = datetime(2024, 12, 20, 21, 0, tzinfo=UTC)
    bars = replay.source("AAPL").bars(["AAPL"], date(2024, 12, 20), date(2024, 12, 20), "1h")
    assert starts(bars, date(2024, 12, 20))[-1] == "20:30"


def test_prices_within_a_session_are_raw_too(replay):
    split = date(2024, 6, 10)
    replay.add(Listing("NVDA", splits={split: (10, 1)}))
    bars = replay.source("NVDA").bars(["NVDA"], date(2024, 6, 7), split, "1h")
    for day in (date(2024, 6, 7), split):
        expected = [replay.listings["NVDA"].raw(day, hour) for hour in range(7)]
        assert bars.filter(date=day).select("open", "high", "low", "close", "volume").rows() == expected


def test_a_minute_without_a_trade_has_no_bar(replay):
    quiet = date(2024, 12, 18)
    replay.add(Listing("THIN", holes=frozenset({quiet})))
    bars = replay.source("THIN").bars(["THIN"], date(2024, 12, 17), date(2024, 12, 19), "1m")
    assert bars["date"].unique().sort().to_list() == [date(2024, 12, 17), date(2024, 12, 19)]
    assert bars["close"].null_count() == 0


def test_minutes_are_asked_for_in_pieces_of_at_most_a_week(replay):
    bars = replay.source("AAPL").bars(["AAPL"], date(2024, 11, 21), date(2024, 12, 20), "1m")
    asked = [query for query in replay.charts() if query["interval"] == "1m"]
    assert len(asked) == 5
    assert all(int(query["period2"]) - int(query["period1"]) <= timedelta(days=7).total_seconds() for query in asked)
    assert bars.select("date", "ts").equals(calendar.session_minutes("XNYS", date(2024, 11, 21), date(2024, 12, 20)))


@pytest.mark.parametrize(
    ("interval", "first", "message"),
    [
        ("1m", date(2024, 11, 19), r"1m only for the last 30 days.*2024-11-19..2024-12-20 of AAPL.*2024-11-21"),
        ("1h", date(2022, 12, 20), r"1h only for the last 730 days.*2022-12-20.*AAPL.*begin the window on 2022-12-22"),
    ],
)
def test_a_window_that_yahoo_does_not_reach_is_an_error_that_says_where_it_begins(replay, interval, first, message):
    with pytest.raises(SourceConfigError, match=message) as raised:
        replay.source("AAPL").bars(["AAPL"], first, date(2024, 12, 20), interval)
    assert "another source" in str(raised.value)
    assert replay.asked == []


def test_the_future_part_of_a_window_is_no_error(replay):
    bars = replay.source("AAPL").bars(["AAPL"], date(2024, 12, 19), date(2030, 1, 1), "1h")
    assert bars["date"].unique().sort().to_list() == [date(2024, 12, 19), date(2024, 12, 20)]


@pytest.mark.parametrize("interval", ["1d", "1h", "1m"])
def test_a_session_that_has_not_opened_costs_no_request(replay, interval):
    replay.now = datetime(2024, 12, 20, 14, 29, tzinfo=UTC)
    assert replay.source("AAPL").bars(["AAPL"], date(2024, 12, 20), date(2024, 12, 20), interval).is_empty()
    assert replay.asked == []


def test_what_was_answered_before_is_asked_for_again(replay):
    # yfinance remembers answers for windows of the past, the bad ones too
    source, day = replay.source("AAPL"), date(2024, 12, 18)
    before = source.bars(["AAPL"], day, day, "1h")
    replay.add(Listing("AAPL", splits={date(2024, 12, 19): (2, 1)}))
    after = source.bars(["AAPL"], day, day, "1h")
    assert len([query for query in replay.charts() if query["interval"] == "1h"]) == 2
    assert after.equals(before)


def test_stray_rows_of_a_closed_exchange_are_passed_on(replay):
    # Yahoo's row for 4 July, which the lake quarantines, is not dropped in silence
    answer = {
        "chart": {
            "result": [
                {
                    "meta": {
                        "currency": "USD", "symbol": "ODD", "instrumentType": "EQUITY", "firstTradeDate": 1000000000,
                        "regularMarketTime": 1720120000, "exchangeTimezoneName": "America/New_York",
                    },
                    "timestamp": [1720013400, 1720099800],
                    "indicators": {"quote": [{name: [10.0, 10.0] for name in ("open", "high", "low", "close")}
                                             | {"volume": [5, 5]}]},
                }
            ],
            "error": None,
        }
    }  # fmt: skip
    replay.bodies["odd"] = answer
    replay.fail("/chart/ODD", "odd")
    bars = replay.source("ODD").bars(["ODD"], date(2024, 7, 3), date(2024, 7, 5))
    assert bars.select("date", "close").rows() == [(date(2024, 7, 3), 10.0), (date(2024, 7, 4), 10.0)]
    assert bars.filter(pl.col("close").is_null()).is_empty()
