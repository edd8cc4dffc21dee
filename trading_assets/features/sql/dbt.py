"""Run dbt through dagster-dbt, in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from trading_assets.errors import TradingAssetsError

# What dagster-dbt puts before the errors that it has found in dbt's output.
_ERRORS = "Errors parsed from dbt logs:"
_HEADING = "Encountered an error:"


class DbtError(TradingAssetsError, RuntimeError):
    """A command of dbt that failed.

    Attributes
    ----------
    said : str
        dbt's own message.
    """

    def __init__(self, command: str, project: Path, said: str) -> None:
        super().__init__(f"dbt {command} fails in {project}: {said}")
        self.said = said


def run_dbt(project: Path, *arguments: str, target: Path) -> Mapping[str, str]:
    """Run dbt on a project and return the status of each model and test.

    Parameters
    ----------
    project
        Folder of the project, with its profiles.
    *arguments
        Command and options, such as ``build``; ``build`` and ``test`` read the lake that the environment names.
    target
        Folder for dbt's artifacts and logs.

    Raises
    ------
    DbtError
        The command fails.
    """
    from dagster_dbt import DbtCliResource

    executable = Path(sys.executable).with_name("dbt")
    target.mkdir(parents=True, exist_ok=True)
    dbt = DbtCliResource(project_dir=str(project), profiles_dir=str(project), dbt_executable=str(executable))
    done = dbt.cli(["--quiet", *arguments], target_path=target, raise_on_error=False)
    error = done.get_error()  # waits, and prints nothing of what dbt prints
    if error is not None:
        said = str(error).rpartition(_ERRORS)[-1].strip().removeprefix(_HEADING).strip()
        raise DbtError(arguments[0], project, said) from error
    return {result["unique_id"]: result["status"] for result in done.get_artifact("run_results.json")["results"]}
