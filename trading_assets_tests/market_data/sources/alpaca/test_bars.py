"""Bars of Alpaca: those of the lake behind the broker, of regular sessions, ended, from any number of pages."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from trading_assets.desk.calendar import session_close, session_minutes, session_open
from trading_assets.lake.store.frames import LakeFrame
from trading_assets.market_data.contract import BARS_DAILY, BARS_HOURLY, BARS_MINUTE
from trading_assets.market_data.sources import (
    DelistedSymbolError,
    NoDataError,
    PartialAnswerError,
    SourceConfigError,
    UnknownSymbolError,
    UnsupportedIntervalError,
)
from trading_assets.market_data.sources.alpaca import _bars
from trading_assets.market_data.sources.alpaca import _requests as module
from trading_assets_tests.brokers.embedded.markets import at
from trading_assets_tests.market_data.sources.alpaca.conftest import DAYS, HALF_DAY, calls_of

VALUES = ["symbol", "date", "open", "high", "low", "close", "volume"]


def test_daily_bars_are_the_lake_s(source, market):
    rows = source.bars(["BBB", "AAA"], DAYS[0], DAYS[-2])
    stored = LakeFrame(market, BARS_DAILY).read(VALUES, start=DAYS[0], end=DAYS[-2], symbol=["AAA", "BBB"])
    assert rows.select(VALUES).equals(stored)
    assert rows.select("source", "feed", "adjustment").unique().rows() == [("alpaca", "iex", "none")]
    assert BARS_DAILY.split(rows).quarantined.is_empty()


def test_feed_is_asked_for_and_recorded(make_source, broker):
    rows = make_source(feed="sip").bars(["AAA"], DAYS[0], DAYS[1])
    asked = [call["query"] for call in broker.calls() if call["path"] == "/v2/stocks/bars"][-1]
    assert (asked["feed"], asked["adjustment"]) == ("sip", "raw")
    assert set(rows["feed"]) == {"sip"}


def test_session_that_goes_on_has_no_bar_yet(source):
    # the broker's time is the evening of 11 July; 12 July is in the lake already
    rows = source.bars(["AAA"], DAYS[-3], DAYS[-1])
    assert rows["date"].max() == date(2024, 7, 11)


@pytest.mark.parametrize(
    ("now", "sessions"), [("15:59", []), ("16:00", [DAYS[0]])], ids=["before the close", "at the close"]
)
def test_daily_bar_of_a_session_is_there_from_its_close_on(now, sessions):
    midnight = at(DAYS[0], "00:00")
    read = _bars.read_rows([{"AAA": [alpaca_bar(midnight)]}])
    assert _bars.daily_bars(read, "XNYS", at(DAYS[0], now))["date"].to_list() == sessions


@pytest.mark.parametrize("day", [DAYS[0], HALF_DAY])
def test_minute_bars_are_those_of_the_regular_session(source, day):
    rows = source.bars(["AAA", "BBB"], day, day, "1m")
    minutes = session_minutes("XNYS", day, day)["ts"].to_list()
    for symbol in ("AAA", "BBB"):
        assert rows.filter(symbol=symbol)["ts"].to_list() == minutes
    assert BARS_MINUTE.split(rows).quarantined.is_empty()


@pytest.mark.parametrize(("day", "hours"), [(DAYS[0], 7), (HALF_DAY, 4)])
def test_hourly_bars_are_counted_from_the_open(source, market, day, hours):
    rows = source.bars(["AAA"], day, day, "1h")
    opened = session_open("XNYS", day)
    assert rows["ts"].to_list() == [opened + timedelta(hours=hour) for hour in range(hours)]
    assert BARS_HOURLY.split(rows).quarantined.is_empty()
    whole = LakeFrame(market, BARS_DAILY).read(VALUES, start=day, end=day, symbol="AAA").row(0, named=True)
    first, last = rows.row(0, named=True), rows.row(-1, named=True)
    assert (first["open"], last["close"]) == (whole["open"], whole["close"])
    assert (rows["high"].max(), rows["low"].min()) == (whole["high"], whole["low"])
    assert rows["volume"].sum() == pytest.approx(whole["volume"], abs=hours)


def test_hours_equal_the_minutes_in_them(source):
    minutes = source.bars(["BBB"], HALF_DAY, HALF_DAY, "1m").with_columns(
        hour=(pl.col("ts").rank("ordinal").over("symbol") - 1) // 60
    )
    joined = minutes.group_by("hour", maintain_order=True).agg(
        pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last()
    )
    hours = source.bars(["BBB"], HALF_DAY, HALF_DAY, "1h")
    assert hours.select("open", "high", "low", "close").equals(joined.drop("hour"))


def test_extended_hours_are_left_out_and_so_are_bars_that_have_not_ended():
    opened, closed = session_open("XNYS", HALF_DAY), session_close("XNYS", HALF_DAY)
    starts = [
        opened - timedelta(minutes=30),
        opened,
        opened + timedelta(minutes=30),
        closed - timedelta(minutes=30),
        closed,
    ]
    read = _bars.read_rows([{"AAA": [alpaca_bar(start) for start in starts]}])
    later = closed + timedelta(hours=2)
    hours = _bars.hourly_bars(read, "XNYS", later)
    assert hours.select("ts", "volume").rows() == [(opened, 200.0), (closed - timedelta(minutes=30), 100.0)]
    assert _bars.minute_bars(read, "XNYS", later)["ts"].to_list() == starts[1:-1]
    assert _bars.hourly_bars(read, "XNYS", closed)["ts"].to_list() == [opened, closed - timedelta(minutes=30)]
    # half of the first hour is there, but it goes on
    assert _bars.hourly_bars(read, "XNYS", opened + timedelta(minutes=59)).is_empty()
    assert _bars.minute_bars(read, "XNYS", opened + timedelta(seconds=59)).is_empty()
    assert _bars.minute_bars(read, "XNYS", opened + timedelta(minutes=1))["ts"].to_list() == [opened]


def test_pages_of_any_size_give_the_same_bars(make_source, broker, monkeypatch):
    whole = make_source().bars(["AAA", "BBB"], DAYS[0], DAYS[1], "1m")
    before = calls_of(broker, "/v2/stocks/bars")
    monkeypatch.setattr(module, "_ROWS_PER_PAGE", 97)
    assert make_source().bars(["AAA", "BBB"], DAYS[0], DAYS[1], "1m").equals(whole)
    assert calls_of(broker, "/v2/stocks/bars") - before == -(-whole.height // 97)


def test_batches_of_any_size_give_the_same_bars(make_source, monkeypatch):
    whole = make_source().bars(["AAA", "BBB"], DAYS[0], DAYS[-2])
    monkeypatch.setattr(module, "_SYMBOLS_PER_REQUEST", 1)
    assert make_source().bars(["AAA", "BBB"], DAYS[0], DAYS[-2]).equals(whole)


@pytest.mark.parametrize("bars", [None, {}, {"AAA": None}, {"AAA": []}])
def test_answer_without_bars_is_an_empty_answer(source, broker, bars):
    broker.inject(path="/v2/stocks/bars", status=200, body={"bars": bars, "next_page_token": None})
    with pytest.raises(PartialAnswerError) as caught:
        source.bars(["AAA"], DAYS[0], DAYS[0])
    assert isinstance(caught.value.failures["AAA"], NoDataError)


def test_who_has_nothing_is_told_from_who_should_have(source):
    with pytest.raises(PartialAnswerError) as caught:
        source.bars(["AAA", "GONE", "LATE", "NOPE", "BAD-1"], date(2024, 7, 5), date(2024, 7, 5))
    failures = caught.value.failures
    assert caught.value.rows["symbol"].to_list() == ["AAA"]
    # LATE is listed on 8 July: it has nothing rightly
    assert {symbol: type(error) for symbol, error in failures.items()} == {
        "GONE": DelistedSymbolError,
        "NOPE": UnknownSymbolError,
        "BAD-1": UnknownSymbolError,
    }
    for symbol, error in failures.items():
        assert symbol in str(error)


def test_window_without_an_ended_session_says_nothing_about_anybody(source):
    assert source.bars(["AAA", "NOPE"], date(2024, 7, 12), date(2024, 7, 12)).is_empty()
    assert source.bars(["AAA", "NOPE"], date(2024, 7, 6), date(2024, 7, 7)).is_empty()


def test_cell_that_cannot_be_read_is_null_and_the_row_is_kept(source, broker):
    stamp = at(DAYS[0], "00:00").isoformat().replace("+00:00", "Z")
    rows = [{"t": stamp, "o": "many", "h": 2.0, "l": 1.0, "c": 1.5, "v": 10.6}, {"t": "never", "o": 1.0}]
    broker.inject(path="/v2/stocks/bars", status=200, body={"bars": {"AAA": rows}, "next_page_token": None})
    found = source.bars(["AAA"], DAYS[0], DAYS[0])
    assert found.sort("date", nulls_last=True).select("date", "open", "close", "volume").rows() == [
        (DAYS[0], None, 1.5, 11),
        (None, 1.0, None, None),
    ]
    assert all('"t"' in raw for raw in found["raw"])
    assert BARS_DAILY.split(found).good.is_empty()


def test_symbols_have_the_span_of_their_bars(make_source):
    source = make_source(symbols=["LATE", "GONE", "AAA", "NOPE"])
    with pytest.raises(PartialAnswerError) as caught:
        source.symbols()
    assert set(caught.value.failures) == {"NOPE"}
    assert caught.value.rows.select("symbol", "name", "first_session", "last_session", "delisted_on").rows() == [
        ("AAA", "AAA Inc", DAYS[0], date(2024, 7, 11), None),
        ("GONE", "GONE Inc", DAYS[0], HALF_DAY, date(2024, 7, 5)),
        ("LATE", "LATE Inc", date(2024, 7, 8), date(2024, 7, 11), None),
    ]


@pytest.mark.parametrize("symbols", [None, []])
def test_without_symbols_the_settings_mean_all_that_are_active(make_source, symbols):
    assert make_source(symbols=symbols).symbols()["symbol"].to_list() == ["AAA", "BBB", "LATE"]


def test_requests_that_make_no_sense(source):
    with pytest.raises(UnsupportedIntervalError):
        source.bars(["AAA"], DAYS[0], DAYS[1], "5m")
    with pytest.raises(SourceConfigError, match="ends before it starts"):
        source.bars(["AAA"], DAYS[1], DAYS[0])


def alpaca_bar(start: datetime) -> dict:
    return {"t": start.isoformat().replace("+00:00", "Z"), "o": 1.0, "h": 2.0, "l": 0.5, "c": 1.5, "v": 100.0}
