"""Runs of this process."""

import gc

import dagster as dg
import pytest

from trading_assets.desk.symbols import keep_listed_symbols, register_symbols, registered_symbols
from trading_assets.orchestration.errors import RefreshError
from trading_assets.orchestration.refresh import cancel_runs, few_collections, run_job


def test_collections_of_a_run_leave_out_what_was_there_before_it_and_no_longer():
    gc.unfreeze()
    with few_collections():
        assert gc.get_freeze_count() > 10_000
    assert gc.get_freeze_count() == 0
    with pytest.raises(ZeroDivisionError), few_collections():
        1 / 0  # noqa: B018
    assert gc.get_freeze_count() == 0


@pytest.fixture
def instance(tmp_path, monkeypatch):
    """An instance of Dagster in a lake that is not the default one."""
    monkeypatch.setenv("TRADING_ASSETS_HOME", str(tmp_path / "a lake"))
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def job_of(asset, *checks):
    return dg.Definitions([asset], asset_checks=checks, jobs=[dg.define_asset_job("refresh")]).resolve_job_def(
        "refresh"
    )


def test_a_check_that_stops_a_run_is_one_line_with_the_command_of_the_lake(instance, tmp_path, capfd):
    @dg.asset
    def prices():
        return 1

    @dg.asset_check(asset=prices, blocking=True)
    def contract():
        return dg.AssetCheckResult(passed=False, description="3 rows are quarantined")

    with pytest.raises(RefreshError) as stopped:
        run_job(job_of(prices, contract), instance, {})
    said = str(stopped.value)
    assert said.startswith("the job refresh was stopped by a check: contract of prices: 3 rows are quarantined (run ")
    assert said.endswith(f"in the web UI: trading-assets ui --home '{tmp_path / 'a lake'}')")
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""
    run = instance.get_runs()[0]
    assert "DagsterAssetCheckFailedError" in "".join(str(one) for one in instance.all_logs(run.run_id))


def test_a_run_of_a_process_that_is_about_to_end_is_recorded_as_cancelled(instance):
    seen = []

    @dg.asset
    def prices(context):
        cancel_runs()
        seen.append(context.instance.get_run_by_id(context.run_id).status)
        return 1

    run_job(job_of(prices), instance, {})
    assert seen == [dg.DagsterRunStatus.CANCELED]


def test_a_symbol_that_leaves_the_universe_has_no_partitions_until_it_comes_back(instance):
    register_symbols(instance, ["AAA", "BBB", "CCC"])
    assert keep_listed_symbols(instance, ["AAA", "CCC", "DDD"]) == ["BBB"]
    assert registered_symbols(instance) == ["AAA", "CCC"]
    register_symbols(instance, ["AAA", "BBB", "CCC"])
    assert sorted(registered_symbols(instance)) == ["AAA", "BBB", "CCC"]
