"""Alpaca through the desk: the tables of market data, filled from a broker over another lake."""

from __future__ import annotations

from datetime import date

import pytest

from trading_assets.desk.settings import INTRADAY_TABLES
from trading_assets.lake.store.frames import LakeFrame
from trading_assets.market_data.contract import (
    BARS_DAILY,
    BARS_HOURLY,
    BARS_MINUTE,
    CORPORATE_ACTIONS,
    SOURCE_FAILURES,
    SYMBOLS,
)
from trading_assets.market_data.stage import INTRADAY_JOB
from trading_assets_tests.desks import metadata_of, multi_range, open_bench
from trading_assets_tests.market_data.sources.alpaca.conftest import DAYS, calls_of

START, END = date(2024, 1, 1), date(2024, 7, 12)  # the broker's time is the evening of 11 July
YEAR = multi_range({"date": "2024", "symbol": "AAA"}, {"date": "2024", "symbol": "LATE"})
MONTH = multi_range({"date": "2024-07", "symbol": "AAA"}, {"date": "2024-07", "symbol": "LATE"})
NAMES = ["AAA", "BBB", "GONE", "LATE", "NOPE"]


@pytest.fixture
def bench(postgres, tmp_path, make_source):
    with open_bench(postgres, tmp_path, make_source(symbols=NAMES), START, END, intraday=INTRADAY_TABLES) as opened:
        assert opened.list_symbols() == NAMES[:-1]
        yield opened


@pytest.mark.slow
def test_the_desk_is_filled_from_alpaca(bench, market, broker):
    assert bench.run("refresh_panel", YEAR, only=[BARS_DAILY.table, CORPORATE_ACTIONS.table]).success
    values = ["symbol", "date", "open", "high", "low", "close", "volume"]
    stored = LakeFrame(market, BARS_DAILY).read(values, end=date(2024, 7, 11))
    assert bench.read(BARS_DAILY.table).select(values).equals(stored)
    actions = ["symbol", "ex_date", "kind", "value"]
    known = LakeFrame(market, CORPORATE_ACTIONS).read(actions, end=date(2024, 7, 11))
    assert bench.read(CORPORATE_ACTIONS.table).select(actions).equals(known)
    failed = LakeFrame(bench.desk.lake, SOURCE_FAILURES).read(["table_name", "symbol", "reason"]).rows()
    assert (SYMBOLS.table, "NOPE", "unknown_symbol") in failed

    before = calls_of(broker, "/v2/stocks/bars")
    again = bench.run("refresh_panel", YEAR, only=[BARS_DAILY.table])
    assert [metadata_of(again, BARS_DAILY.table)[f"rows_{what}"] for what in ("added", "changed", "removed")] == [
        0,
        0,
        0,
    ]
    assert calls_of(broker, "/v2/stocks/bars") - before <= 3, "the last sessions alone are asked for again"


@pytest.mark.slow
def test_minutes_and_hours_of_the_desk_are_those_of_regular_sessions(bench):
    assert bench.run(INTRADAY_JOB, MONTH, only=[BARS_MINUTE.table, BARS_HOURLY.table]).success
    days = [day for day in DAYS if date(2024, 7, 1) <= day <= date(2024, 7, 11)]
    minutes, hours = bench.read(BARS_MINUTE.table), bench.read(BARS_HOURLY.table)
    for symbol in ("AAA", "BBB"):
        own = minutes.filter(symbol=symbol)
        assert own["date"].unique().sort().to_list() == days
        assert own.height == 390 * (len(days) - 1) + 210
        assert hours.filter(symbol=symbol).height == 7 * (len(days) - 1) + 4
    assert bench.quarantined(BARS_MINUTE.table).is_empty()
