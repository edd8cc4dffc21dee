"""Minutes from a source, hours and days built from them, through the desk's assets and jobs."""

from datetime import date

import pytest

from trading_assets.desk.calendar import session_hours, sessions
from trading_assets.market_data.resample import hourly
from trading_assets.market_data.sources import SimulatedSource, SimulationParameters, UnsupportedIntervalError
from trading_assets.market_data.stage import INTRADAY_JOB, PANEL_JOB, SYMBOLS_JOB
from trading_assets.orchestration.jobs import refresh_jobs
from trading_assets_tests.desks import multi_range, open_bench

START, END = date(2018, 11, 1), date(2019, 1, 1)
SOURCE = SimulatedSource(SimulationParameters(seed=5, n_symbols=2, start=date(2018, 10, 1), end=date(2019, 1, 31)))
NAMES = ["SIM0001", "SIM0002"]
VALUES = ["symbol", "date", "open", "high", "low", "close", "volume"]
COLUMNS = ["symbol", "open", "high", "low", "close", "volume"]
DAILY, HOURLY, MINUTE = "market_data.bars_daily", "market_data.bars_hourly", "market_data.bars_minute"
YEAR = multi_range({"date": "2018", "symbol": NAMES[0]}, {"date": "2018", "symbol": NAMES[1]})


@pytest.fixture(scope="module")
def minutes():
    return SOURCE.bars(NAMES, START, date(2018, 12, 31), "1m")


@pytest.fixture(scope="module")
def bench(postgres, tmp_path_factory, minutes):
    folder = tmp_path_factory.mktemp("intraday")
    minutes.select(*COLUMNS, date="ts").write_parquet(folder / "minutes.parquet")
    source = {"kind": "files", "path": str(folder / "minutes.parquet"), "interval": "1m"}
    with open_bench(postgres, folder / "lake", source, START, END, intraday=("bars_minute", "bars_hourly")) as opened:
        opened.list_symbols()
        opened.run_stage(INTRADAY_JOB, START, date(2018, 12, 31))
        opened.run("refresh_panel", YEAR, only=[DAILY])
        yield opened


def test_minutes_are_stored_as_the_source_has_them(bench, minutes):
    assert bench.read(MINUTE).select("ts", *VALUES).equals(minutes.select("ts", *VALUES))


def test_hours_are_built_from_minutes_where_no_source_has_them(bench, minutes):
    expected = hourly(minutes, session_hours("XNYS", START, date(2018, 12, 31)))
    assert bench.read(HOURLY).select("ts", *VALUES).equals(expected.select("ts", *VALUES))


def test_days_are_built_from_shorter_bars_where_no_source_has_them(bench):
    expected = SOURCE.bars(NAMES, START, date(2018, 12, 31))
    assert bench.read(DAILY).select(VALUES).equals(expected.select(VALUES))


def test_intraday_bars_are_a_stage_before_the_daily_ones_where_the_settings_list_them(bench):
    assert refresh_jobs(bench.desk)[:3] == (SYMBOLS_JOB, INTRADAY_JOB, PANEL_JOB)
    made = bench.defs.resolve_job_def(INTRADAY_JOB).asset_layer.executable_asset_keys
    assert {".".join(key.path) for key in made} == {MINUTE, HOURLY}


def test_a_month_that_was_not_filled_is_not_built_into_days(postgres, tmp_path, minutes):
    days = sessions("XNYS", START, date(2018, 11, 30))
    november = minutes.filter(minutes["date"].is_in(days))
    november.select(*COLUMNS, date="ts").write_parquet(tmp_path / "minutes.parquet")
    source = {"kind": "files", "path": str(tmp_path / "minutes.parquet"), "interval": "1m"}
    with open_bench(postgres, tmp_path / "lake", source, START, END, intraday=("bars_minute",)) as bench:
        bench.list_symbols()
        bench.run_stage(INTRADAY_JOB, START, date(2018, 11, 30))
        with pytest.raises(Exception, match=r"needs partitions of market_data\.bars_minute that have not been written"):
            bench.run("refresh_panel", YEAR, only=[DAILY])
        bench.run_stage(INTRADAY_JOB, START, date(2018, 12, 31))
        bench.run("refresh_panel", YEAR, only=[DAILY])
        assert bench.read(DAILY)["date"].unique().to_list() == days


def test_an_interval_that_a_source_does_not_have_says_which_it_has():
    with pytest.raises(
        UnsupportedIntervalError, match="'simulated' has no bars of interval '1h'; request one of 1d, 1m"
    ):
        SOURCE.bars(NAMES, START, END, "1h")
