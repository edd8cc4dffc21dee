"""The graph itself: what is in it is pinned in ``definitions_snapshot.json``.

A deliberate change is taken over by a command that prints the difference::

    python -m trading_assets_tests.test_definitions --update
"""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from trading_assets.definitions import build_defs
from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import Settings
from trading_assets.lake.bridge.io_manager import column_schema
from trading_assets.live.stage import CLOSE_JOB, TRADE_JOB
from trading_assets.orchestration.jobs import refresh_jobs
from trading_assets.orchestration.maintenance import MAINTENANCE_JOB
from trading_assets_tests.desks import CONTRACTS
from trading_assets_tests.features.shipped import CROSS_SECTION

SNAPSHOT = Path(__file__).with_name("definitions_snapshot.json")
UPDATE = "python -m trading_assets_tests.test_definitions --update"
HEAVY = (
    "pandas",
    "mlflow",
    "lightgbm",
    "sklearn",
    "scipy",
    "statsmodels",
    "numba",
    "talib",
    "matplotlib",
    "dagster_dbt",
    "exchange_calendars",
)


def live_settings(home: Path) -> Settings:
    """A lake whose history goes on, so that it has freshness policies, and whose sources fill every table."""
    return Settings(
        home=home,
        source={"kind": "yahoo", "symbols": ["AAPL"]},
        other_sources={"made": {"kind": "simulated"}, "news": {"kind": "files", "path": "b.csv", "news_path": "n.csv"}},
        compare_with="made",
        intraday=["bars_minute", "bars_hourly"],
        start=date(2015, 1, 1),
        end=None,
    )


def describe(defs: dg.Definitions) -> dict[str, Any]:
    """What the snapshot pins of definitions."""
    graph = defs.resolve_asset_graph()
    repository = defs.get_repository_def()
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    return {
        "assets": {
            key.to_user_string(): _asset(graph, graph.get(key)) for key in sorted(graph.materializable_asset_keys)
        },
        "jobs": {
            job.name: sorted(key.to_user_string() for key in job.asset_layer.executable_asset_keys) for job in jobs
        },
        "schedules": {schedule.name: _schedule(schedule) for schedule in repository.schedule_defs},
        "sensors": {sensor.name: _sensor(sensor) for sensor in repository.sensor_defs},
    }


def _asset(graph: Any, node: Any) -> dict[str, Any]:
    checks = [(key.name, graph.get_check_spec(key).blocking) for key in sorted(node.check_keys)]
    return {
        "group": node.group_name,
        "owners": sorted(node.owners),
        "kinds": sorted(node.kinds),
        "depends_on": sorted(key.to_user_string() for key in node.parent_keys),
        "partitions": _partitions(node.partitions_def),
        "backfill": _backfill(node.backfill_policy),
        "checks": [f"{name} ({'blocking' if blocking else 'informs'})" for name, blocking in checks],
        "automation": node.automation_condition.get_label() or "custom" if node.automation_condition else None,
        "freshness": type(node.freshness_policy).__name__ if node.freshness_policy else None,
    }


def _partitions(definition: dg.PartitionsDefinition | None) -> str | dict[str, str] | None:
    if definition is None:
        return None
    if isinstance(definition, dg.MultiPartitionsDefinition):
        return {dimension.name: str(_partitions(dimension.partitions_def)) for dimension in definition.partitions_defs}
    if isinstance(definition, dg.TimeWindowPartitionsDefinition):
        without = " without holidays" if definition.exclusions else ""
        return f"windows {definition.fmt} of '{definition.cron_schedule}' from {definition.start:%Y-%m-%d}{without}"
    if isinstance(definition, dg.DynamicPartitionsDefinition):
        return f"dynamic {definition.name}"
    return f"static {', '.join(definition.get_partition_keys())}"


def _backfill(policy: dg.BackfillPolicy | None) -> str | None:
    if policy is None:
        return None
    return "single run" if policy.max_partitions_per_run is None else f"runs of {policy.max_partitions_per_run}"


def _schedule(schedule: Any) -> dict[str, Any]:
    cron = schedule.cron_schedule
    return {
        "job": schedule.job_name,
        "cron": [cron] if isinstance(cron, str) else sorted(cron),
        "timezone": schedule.execution_timezone,
        "starts_as": schedule.default_status.value,
    }


def _sensor(sensor: Any) -> dict[str, Any]:
    return {
        "type": sensor.sensor_type.value,
        "jobs": sorted(target.job_name for target in sensor.targets if target.job_name),
        "interval_seconds": sensor.minimum_interval_seconds,
        "starts_as": sensor.default_status.value,
    }


def as_text(described: Mapping[str, Any]) -> str:
    """The snapshot as it is committed."""
    return json.dumps(described, indent=2, sort_keys=True) + "\n"


def difference(found: str) -> str:
    """What the committed snapshot and the code disagree about, as a diff."""
    pinned = SNAPSHOT.read_text() if SNAPSHOT.exists() else ""
    return "".join(difflib.unified_diff(pinned.splitlines(True), found.splitlines(True), "pinned", "found", n=4))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("definitions") / "lake"


@pytest.fixture(scope="module")
def defs(home: Path) -> dg.Definitions:
    return build_defs(live_settings(home))


def executable(defs: dg.Definitions, job: str) -> list[dg.AssetKey]:
    return list(defs.resolve_job_def(job).asset_layer.executable_asset_keys)


def test_graph_is_the_pinned_one(defs: dg.Definitions) -> None:
    found = difference(as_text(describe(defs)))
    assert not found, f"the definitions are not the pinned ones; if that is meant, run: {UPDATE}\n{found}"


def test_definitions_load_as_a_code_location_and_every_key_resolves(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)


def test_every_table_has_an_asset_of_its_name_and_every_asset_a_contract(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    assert {".".join(key.path) for key in graph.materializable_asset_keys} == set(CONTRACTS)


@pytest.mark.parametrize("table", CONTRACTS)
def test_every_asset_says_what_it_is_whose_it_is_and_how_it_is_checked(defs: dg.Definitions, table: str) -> None:
    graph, contract = defs.resolve_asset_graph(), CONTRACTS[table]
    node = graph.get(dg.AssetKey(contract.asset_key))
    assert node.group_name == table.partition(".")[0]
    assert node.description == contract.meaning
    assert len(node.description) > 20
    assert [owner.startswith("team:") for owner in node.owners] == [True]
    assert "parquet" in node.kinds
    assert len(node.kinds) >= 2
    assert node.metadata["dagster/column_schema"] == column_schema(contract)
    assert node.metadata["dagster/table_name"] == table
    blocking = [key.name for key in node.check_keys if graph.get_check_spec(key).blocking]
    assert "contract" in blocking


@pytest.mark.parametrize("table", CONTRACTS)
def test_every_column_has_a_meaning(table: str) -> None:
    assert [column.name for column in CONTRACTS[table].columns if len(column.description) < 3] == []


def test_features_predictions_and_signals_block_on_look_ahead_and_warm_up(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    for table in ("features.technical", CROSS_SECTION.table, "predictions.daily", "signals.scores"):
        node = graph.get(dg.AssetKey(table.split(".")))
        blocking = {key.name for key in node.check_keys if graph.get_check_spec(key).blocking}
        assert {"look_ahead", "warm_up"} <= blocking


def test_every_stage_is_in_exactly_one_job(home: Path, defs: dg.Definitions) -> None:
    made = [key for name in refresh_jobs(Desk(live_settings(home))) for key in executable(defs, name)]
    assert len(made) == len(set(made))
    live = {table for table in CONTRACTS if table.startswith("live.")}
    others = executable(defs, MAINTENANCE_JOB)
    assert not set(made) & set(others)
    assert {".".join(key.path) for key in [*made, *others]} == set(CONTRACTS) - live


def test_every_live_table_is_in_a_job_of_its_session(defs: dg.Definitions) -> None:
    made = {
        ".".join(key.path)
        for name in (CLOSE_JOB, TRADE_JOB)
        for key in defs.resolve_job_def(name).asset_layer.executable_asset_keys
    }
    assert made == {table for table in CONTRACTS if table.startswith("live.")}


def test_stage_jobs_run_in_the_order_of_the_dependencies(home: Path, defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    place = {
        key: number
        for number, name in enumerate(refresh_jobs(Desk(live_settings(home))))
        for key in defs.resolve_job_def(name).asset_layer.executable_asset_keys
    }
    late = [(key, parent) for key in place for parent in graph.get(key).parent_keys if place[parent] > place[key]]
    assert late == []


def test_loading_definitions_imports_no_heavy_library_and_starts_no_server(home: Path, defs: dg.Definitions) -> None:
    """With the exchange's facts in the cache, as in every process but the first."""
    live_settings(home).save()
    program = (
        "import json, sys\n"
        "from trading_assets.definitions import build_defs\n"
        "build_defs().get_repository_def()\n"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env={"TRADING_ASSETS_HOME": str(home), "PATH": "/usr/bin:/bin"},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(finished.stdout.splitlines()[-1]) == []
    assert sorted(path.name for path in home.iterdir()) == ["cache", "settings.yaml"]


def update() -> None:
    """Take the definitions over as the pinned ones and print what is new."""
    with tempfile.TemporaryDirectory() as folder:
        found = as_text(describe(build_defs(live_settings(Path(folder)))))
    sys.stdout.write(difference(found) or "nothing has changed\n")
    SNAPSHOT.write_text(found)


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(f"usage: {UPDATE}")
    update()
