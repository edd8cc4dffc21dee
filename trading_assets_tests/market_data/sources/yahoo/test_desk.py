"""Yahoo through the desk: the assets of market data, filled by the real yfinance from a server on loopback."""

from datetime import date

import polars as pl
import pytest
from typer.testing import CliRunner

from trading_assets.cli import app
from trading_assets.cli import full_run as demo
from trading_assets.desk.calendar import session_open, sessions
from trading_assets.desk.settings import Settings
from trading_assets.market_data.contract import COMPANIES, CORPORATE_ACTIONS, SOURCE_FAILURES
from trading_assets.market_data.sources import SourceUnavailableError, _factory
from trading_assets_tests.desks import metadata_of, multi_range, open_bench
from trading_assets_tests.market_data.sources.yahoo.conftest import APPLE
from trading_assets_tests.market_data.sources.yahoo.test_bad_answers import closed_port
from trading_assets_tests.market_data.sources.yahoo.test_fundamentals import filings, point, series, statements

START, END = date(2024, 1, 1), date(2024, 12, 1)
BARS, FUNDAMENTALS = "market_data.bars_daily", "market_data.fundamentals"
DAYS = sessions("XNYS", START, date(2024, 11, 29))
TABLES = (BARS, CORPORATE_ACTIONS.table, FUNDAMENTALS, COMPANIES.table)


@pytest.fixture
def bench(postgres, tmp_path, replay):
    replay.now = replay.now.replace(month=11, day=29)
    with open_bench(postgres, tmp_path, replay.source("AAPL", "MSFT", "GONE", "LATE"), START, END) as opened:
        opened.list_symbols()
        yield opened


EVERYTHING = multi_range({"date": "2024", "symbol": "AAPL"}, {"date": "2024", "symbol": "MSFT"})


def test_the_desk_is_filled_from_yahoo_and_asks_again_for_the_newest_sessions_alone(bench, replay):
    replay.bodies["statements AAPL"] = statements(series("quarterlyTotalRevenue", point("2024-06-30", 85_777e6)))
    replay.bodies["secFilings AAPL"] = filings(("2024-08-02", "10-Q"))
    made = bench.run("refresh_panel", EVERYTHING, only=TABLES)
    assert made.success
    bars = bench.read(BARS)
    apple = bars.filter(pl.col("symbol") == "AAPL").select("date", "open", "high", "low", "close", "volume")
    assert apple.rows() == [(day, *APPLE.raw(day)) for day in DAYS]
    spans = {
        name: (first, last)
        for name, first, last in bars.group_by("symbol")
        .agg(first=pl.col("date").min(), last=pl.col("date").max())
        .rows()
    }
    assert spans["LATE"] == (date(2024, 9, 3), DAYS[-1])
    assert spans["GONE"] == (DAYS[0], date(2024, 3, 28))
    actions = bench.read(CORPORATE_ACTIONS.table)
    assert ("AAPL", date(2024, 11, 8), "dividend", 0.25) in actions.select("symbol", "ex_date", "kind", "value").rows()
    figures = bench.read(FUNDAMENTALS).select("symbol", "item", "value", "known_on", "basis")
    assert figures.rows() == [("AAPL", "revenue", 85_777e6, date(2024, 8, 3), "filing")]
    without = bench.desk.lake.query(
        f"SELECT symbol, reason FROM lake.{SOURCE_FAILURES.table} WHERE table_name = '{FUNDAMENTALS}' ORDER BY symbol"
    )
    assert without.rows() == [(name, "no_data") for name in ("GONE", "LATE", "MSFT")]

    replay.asked.clear()
    before = bench.hashes(BARS)
    again = bench.run("refresh_panel", EVERYTHING, only=[BARS])
    assert {name: metadata_of(again, BARS)[name] for name in ("rows_added", "rows_changed", "rows_removed")} == {
        "rows_added": 0, "rows_changed": 0, "rows_removed": 0}  # fmt: skip
    assert bench.hashes(BARS) == before
    newest = {str(int(session_open("XNYS", day).timestamp()) // 86400 * 86400) for day in DAYS[-3:]}
    starts = [chart["period1"] for chart in replay.charts()]
    assert sum(int(start) >= int(min(newest)) for start in starts) == 3, "the last sessions of the three that trade"
    assert len(starts) <= 5, "and of the one that is gone, which nobody has said, what may have come since"


def test_a_newcomer_without_a_network_is_told_so_at_once_and_pointed_to_the_sample(replay, tmp_path, monkeypatch):
    port = closed_port()
    monkeypatch.setattr(_factory, "_yahoo", lambda made: replay.source(*made.symbols, port=port))
    monkeypatch.setitem(_factory._SOURCES, _factory.YahooParameters, _factory._yahoo)
    arguments = ["demo", "--source", "yahoo", "--symbols", "AAPL,MSFT", "--home", str(tmp_path)]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, SourceUnavailableError)
    assert "check the network" in str(result.exception)
    assert "trading-assets demo --source sample" in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_the_demo_takes_the_names_that_yahoo_has_and_leaves_its_history_open(replay, tmp_path, monkeypatch):
    monkeypatch.setitem(_factory._SOURCES, _factory.YahooParameters, lambda made: replay.source(*made.symbols))
    universe = {"kind": "symbols", "symbols": ["AAPL", "NOPE"]}
    settings = demo.configure(Settings(home=tmp_path), {"kind": "yahoo"}, universe=universe, start=date(2024, 1, 15))
    assert (settings.start, settings.end) == (date(2024, 1, 1), None)
    assert settings.universe.stored() == universe
    assert (tmp_path / "settings.yaml").exists()


def test_a_symbol_that_yahoo_does_not_know_is_reported_and_the_others_are_listed(postgres, tmp_path, replay):
    values = {"universe": {"kind": "symbols", "symbols": ["AAPL", "NOPE"]}}
    with open_bench(postgres, tmp_path, replay.source("AAPL", "NOPE"), START, END, **values) as bench:
        assert bench.list_symbols() == ["AAPL"]
        rows = bench.desk.lake.query(f"SELECT symbol, reason, message FROM lake.{SOURCE_FAILURES.table}").rows()
        membership = bench.read("market_data.membership")
    assert [row[:2] for row in rows] == [("NOPE", "unknown_symbol")]
    assert set(membership["symbol"]) == {"AAPL", "NOPE"}
    assert set(membership["basis"]) == {"dated", "hindsight"}
