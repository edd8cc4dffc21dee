"""Run dbt through dagster-dbt, in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from trading_assets.errors import TradingAssetsError


class DbtError(TradingAssetsError, RuntimeError):
    """A command of dbt that failed; the message is dbt's."""


def run_dbt(project: Path, *arguments: str, target: Path) -> Mapping[str, str]:
    """Run dbt on a project and return the status of each model and test.

    Parameters
    ----------
    project
        Folder of the project, with its profiles.
    *arguments
        Command and options, such as ``build``; ``build`` and ``test`` look at the lake that the environment names.
    target
        Folder for dbt's artifacts and logs.

    Raises
    ------
    DbtError
        It fails.
    """
    from dagster_dbt import DbtCliResource
    from dagster_dbt.errors import DagsterDbtCliRuntimeError

    executable = Path(sys.executable).with_name("dbt")
    target.mkdir(parents=True, exist_ok=True)
    dbt = DbtCliResource(project_dir=str(project), profiles_dir=str(project), dbt_executable=str(executable))
    try:
        done = dbt.cli(["--quiet", *arguments], target_path=target).wait()
    except DagsterDbtCliRuntimeError as error:
        raise DbtError(f"dbt {arguments[0]} fails in {project}: {error}") from error
    return {result["unique_id"]: result["status"] for result in done.get_artifact("run_results.json")["results"]}
