"""A feature that knows the future, or more history than it declares, is stopped by a blocking check."""

from datetime import date

import polars as pl
import pytest

from trading_assets.features import technical as module
from trading_assets_tests.desks import open_bench

SOURCE = {
    "kind": "simulated",
    "n_symbols": 3,
    "seed": 3,
    "start": "2014-01-01",
    "end": "2016-12-31",
    "listing_rate": 0.0,
}
FIRST, LAST = date(2014, 1, 2), date(2016, 12, 30)


@pytest.fixture(scope="module")
def bench(postgres, tmp_path_factory):
    with open_bench(postgres, tmp_path_factory.mktemp("leak"), SOURCE, date(2014, 1, 1), date(2017, 1, 1)) as opened:
        opened.list_symbols()
        opened.run_stage("refresh_panel", FIRST, LAST)
        yield opened


def failed_checks(result):
    return {e.check_name: e.description for e in result.get_asset_check_evaluations() if not e.passed}


def run_panel_with(bench, monkeypatch, column):
    """Run the panel again with one feature replaced by an expression over the symbol's whole frame."""
    honest = module.technical

    def leaky(bars, actions, *, start, end, period="year"):
        frame = honest(bars, actions, start=date(1990, 1, 1), end=end, period=period)
        closes = bars.select("symbol", "date", "close").sort("symbol", "date")
        values = closes.with_columns(column.over("symbol").cast(pl.Float32).alias("rsi_14")).drop("close")
        replaced = frame.drop("rsi_14").join(values, on=["symbol", "date"], how="left").select(frame.columns)
        return replaced.filter(pl.col("date").is_between(start, end))

    monkeypatch.setattr(module, "technical", leaky)
    from trading_assets.orchestration.jobs import plan_stage
    from trading_assets.orchestration.universe import registered_symbols

    planned = plan_stage("refresh_panel", bench.partitions, registered_symbols(bench.instance), FIRST, LAST)
    return bench.run("refresh_panel", planned.tags, raises=False)


def test_the_shipped_features_pass_every_blocking_check(bench):
    result = bench.run_stage("refresh_panel", FIRST, LAST)

    names = {e.check_name for e in result.get_asset_check_evaluations() if e.asset_key.path[0] != "market_data"}
    assert names == {"contract", "look_ahead", "warm_up", "completeness"}
    assert failed_checks(result) == {}


@pytest.mark.parametrize(
    "leak",
    [
        pytest.param(pl.col("close").shift(-1) / pl.col("close"), id="tomorrow's close"),
        pytest.param((pl.col("close") - pl.col("close").mean()) / pl.col("close").std(), id="z-score over the sample"),
        pytest.param(pl.col("close").rolling_mean(5, center=True) / pl.col("close"), id="centred window"),
    ],
)
def test_a_feature_that_reads_the_future_fails_the_run(bench, monkeypatch, leak):
    result = run_panel_with(bench, monkeypatch, leak)

    assert not result.success
    assert "rsi_14" in failed_checks(result)["look_ahead"]


def test_a_feature_that_reads_beyond_its_look_back_fails_the_run(bench, monkeypatch):
    result = run_panel_with(bench, monkeypatch, pl.col("close") / pl.col("close").first())

    assert not result.success
    assert "rsi_14" in failed_checks(result)["warm_up"]


def test_stored_values_that_the_code_does_not_give_fail_the_check(bench):
    bench.run_stage("refresh_panel", FIRST, LAST)
    cursor = bench.desk.lake.cursor()
    cursor.execute("UPDATE lake.features.technical SET rsi_14 = 1.5 WHERE date = DATE '2016-12-30'")

    from trading_assets.features.checks import recompute_technical
    from trading_assets.lake import Scope

    scope = Scope(time="date", start=date(2016, 1, 1), end=date(2017, 1, 1))
    (again,) = recompute_technical(bench.desk, scope, "")
    violations = again.look_ahead(scope)

    assert set(violations["column"]) == {"rsi_14"}
    assert set(violations["date"]) == {"2016-12-30"}


def test_a_bar_without_features_fails_the_completeness_check(bench):
    bench.run_stage("refresh_panel", FIRST, LAST)
    bench.desk.lake.cursor().execute("DELETE FROM lake.features.technical WHERE date = DATE '2016-12-29'")

    from trading_assets.features.checks import missing_features
    from trading_assets.lake import Scope

    missing = missing_features(bench.desk, Scope(time="date", start=date(2016, 1, 1), end=date(2017, 1, 1)), "")

    assert set(missing["date"]) == {"2016-12-29"}
    assert missing.height == 3
