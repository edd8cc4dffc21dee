"""Features of bars within sessions, from a file of minutes to the lake, through the desk's assets and checks."""

from datetime import date

import dagster as dg
import polars as pl
import pytest

from trading_assets.features.stage import INTRADAY_FEATURES_JOB
from trading_assets.market_data.sources import SimulatedSource, SimulationParameters
from trading_assets.market_data.stage import INTRADAY_JOB
from trading_assets.orchestration.jobs import refresh_jobs
from trading_assets_tests.desks import multi_range, open_bench
from trading_assets_tests.features.shipped import BY_SET, SETS

START, END, LAST = date(2018, 11, 1), date(2019, 1, 1), date(2018, 12, 31)
SOURCE = SimulatedSource(SimulationParameters(seed=5, n_symbols=2, start=date(2018, 10, 1), end=date(2019, 1, 31)))
NAMES = ["SIM0001", "SIM0002"]
YEAR = multi_range({"date": "2018", "symbol": NAMES[0]}, {"date": "2018", "symbol": NAMES[1]})
MINUTE, HOURLY = BY_SET["price_action", "minute"], BY_SET["price_action", "hourly"]
BARS = {"minute": "market_data.bars_minute", "hourly": "market_data.bars_hourly"}


@pytest.fixture(scope="module")
def bench(postgres, tmp_path_factory):
    folder = tmp_path_factory.mktemp("intraday_features")
    minutes = SOURCE.bars(NAMES, START, LAST, "1m")
    minutes.select("symbol", "open", "high", "low", "close", "volume", date="ts").write_parquet(folder / "m.parquet")
    source = {"kind": "files", "path": str(folder / "m.parquet"), "interval": "1m"}
    with open_bench(postgres, folder / "lake", source, START, END, intraday=("bars_minute", "bars_hourly")) as opened:
        opened.list_symbols()
        opened.run_stage(INTRADAY_JOB, START, LAST)
        opened.run("refresh_panel", YEAR, only=["market_data.bars_daily", "market_data.corporate_actions"])
        yield opened


@pytest.fixture(scope="module")
def made(bench):
    return bench.run_stage(INTRADAY_FEATURES_JOB, START, LAST)


@pytest.mark.parametrize("interval", ["minute", "hourly"])
def test_every_bar_has_one_row_in_each_set_that_exists_for_it(bench, made, interval):
    bars = bench.read(BARS[interval]).select("symbol", "date", "ts")
    tables = {name: contract for (name, of), contract in BY_SET.items() if of == interval}
    assert tables.keys() == {name for name, one in SETS.items() if interval in one.intervals}
    for contract in tables.values():
        assert bench.read(contract.table).select(bars.columns).equals(bars)


def test_the_checks_of_every_table_passed(made):
    found = {(".".join(check.asset_key.path), check.check_name) for check in made.get_asset_check_evaluations()}
    assert all(check.passed for check in made.get_asset_check_evaluations())
    names = ("contract", "look_ahead", "warm_up", "completeness")
    intraday = [contract.table for (_, of), contract in BY_SET.items() if of != "daily"]
    assert found == {(table, name) for table in intraday for name in names}


def test_a_return_counts_bars_across_the_night(bench, made):
    closes = bench.read(BARS["minute"]).filter(symbol=NAMES[0])
    expected = (closes["close"].log() - closes["close"].log().shift(5)).cast(pl.Float32)
    found = bench.read(MINUTE.table).filter(symbol=NAMES[0])["log_return_5"]
    assert (found - expected).abs().max() < 1e-6
    assert found.null_count() == 5


def test_a_month_made_by_itself_is_the_same_bits(bench, made):
    before = bench.read(MINUTE.table)
    again = bench.run_stage(INTRADAY_FEATURES_JOB, date(2018, 12, 3), LAST)
    added = [
        event.step_materialization_data.materialization.metadata
        for event in again.all_events
        if event.is_step_materialization
    ]
    assert {(int(m["rows_added"].value), int(m["rows_changed"].value)) for m in added} == {(0, 0)}
    assert bench.read(MINUTE.table).equals(before)


def test_a_month_whose_look_back_was_not_filled_is_refused_by_name(postgres, tmp_path):
    minutes = SOURCE.bars(NAMES, START, LAST, "1m")
    minutes.select("symbol", "open", "high", "low", "close", "volume", date="ts").write_parquet(tmp_path / "m.parquet")
    source = {"kind": "files", "path": str(tmp_path / "m.parquet"), "interval": "1m"}
    with open_bench(postgres, tmp_path / "lake", source, START, END, intraday=("bars_minute",)) as bench:
        bench.list_symbols()
        with pytest.raises(Exception, match=r"needs partitions of market_data\.bars_minute .*: 2018-11\|SIM0001"):
            bench.run_stage(INTRADAY_FEATURES_JOB, date(2018, 12, 3), LAST)


def test_features_within_sessions_are_a_stage_after_the_panel_where_the_settings_ask_for_the_bars(bench):
    stages = refresh_jobs(bench.desk)
    assert stages.index("refresh_panel") + 1 == stages.index(INTRADAY_FEATURES_JOB)
    made = bench.defs.resolve_job_def(INTRADAY_FEATURES_JOB).asset_layer.executable_asset_keys
    assert made == {dg.AssetKey(c.asset_key) for (_, of), c in BY_SET.items() if of != "daily"}
