"""What is used of Dagster's private parts is still there and still behaves as it is used."""

import inspect

import dagster as dg
import pytest
from dagster._daemon import backfill, cli, controller, sensor
from dagster_postgres import PostgresEventLogStorage

from trading_assets.library_internals.dagster import (
    ConfigurableClass,
    ConfigurableClassData,
    DagsterAssetCheckFailedError,
    DagsterStorage,
    UnresolvedAssetJobDefinition,
    run_daemon,
)


def parameters(function):
    return list(inspect.signature(function).parameters)


def test_the_storage_of_dagster_yaml_is_made_of_three_and_of_its_configuration():
    assert DagsterStorage.__abstractmethods__ == {"run_storage", "event_log_storage", "schedule_storage"}
    assert ConfigurableClass.__abstractmethods__ == {"inst_data", "config_type", "from_config_value"}
    assert parameters(ConfigurableClass.from_config_value) == ["inst_data", "config_value"]


def test_a_custom_class_is_found_by_its_module_and_name():
    data = ConfigurableClassData("trading_assets.orchestration.event_storage", "DeskStorage", "{}")
    assert data.module_name == "trading_assets.orchestration.event_storage"
    assert data.class_name == "DeskStorage"


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("store_event_batch", ["self", "events"]),
        ("has_table", ["self", "table_name"]),
        ("index_transaction", ["self"]),
        ("_has_asset_key_col_on_connection", ["self", "conn", "column_name"]),
        ("_store_asset_event", ["self", "conn", "event", "event_id"]),
        ("_tags_for_asset_event", ["self", "event"]),
    ],
)
def test_the_event_log_has_the_methods_that_ours_overrides_and_calls(method, expected):
    assert parameters(getattr(PostgresEventLogStorage, method)) == expected


def test_a_blocking_check_that_fails_is_told_apart_from_an_error_of_a_step():
    @dg.asset
    def table() -> None: ...

    @dg.asset_check(asset=table, blocking=True)
    def never() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False)

    with pytest.raises(DagsterAssetCheckFailedError):
        dg.materialize([table, never], run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}})


def test_an_asset_job_is_unresolved_until_definitions_are_built():
    assert isinstance(dg.define_asset_job("refresh"), UnresolvedAssetJobDefinition)


def test_the_daemon_reads_its_intervals_when_it_runs(monkeypatch):
    monkeypatch.setattr(controller, "DEFAULT_DAEMON_INTERVAL_SECONDS", 30)
    monkeypatch.setattr(sensor, "MIN_INTERVAL_LOOP_TIME", 5)
    ran = []
    monkeypatch.setattr(cli, "main", lambda: ran.append(True))
    run_daemon(backfill_seconds=7, sensor_seconds=2)
    assert ran
    assert (controller.DEFAULT_DAEMON_INTERVAL_SECONDS, sensor.MIN_INTERVAL_LOOP_TIME) == (7, 2)
    # Both are looked up by the loops that wait, not bound when their modules are imported.
    backfills = inspect.getsource(backfill.execute_backfill_iteration_loop)
    assert "import DEFAULT_DAEMON_INTERVAL_SECONDS" in backfills
    assert "DEFAULT_DAEMON_INTERVAL_SECONDS - loop_duration" in backfills
    assert "MIN_INTERVAL_LOOP_TIME - loop_duration" in inspect.getsource(sensor.execute_sensor_iteration_loop)
