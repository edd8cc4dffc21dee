"""The dbt project of a desk with SQL features of the user's own: the shipped project, and the user's models beside it.

dbt reads models only from below its project's folder, so the project is assembled in a folder of the lake.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from trading_assets.features.sql.catalogue import SHIPPED
from trading_assets.features.sql.contract import contract_of
from trading_assets.features.sql.properties import model_properties
from trading_assets.features.sql.sql_set import PROJECT, SqlSet
from trading_assets.lake.contracts import Contract
from trading_assets.lake.contracts.dbt_sources import dbt_sources

_NOT_OF_THE_PROJECT = ("target", "logs", ".user.yml")


def write_project(folder: Path, own: Sequence[SqlSet], tables: Mapping[str, Contract], project: Path = PROJECT) -> Path:
    """Assemble a project.

    Parameters
    ----------
    folder
        Target folder; its contents are replaced.
    own
        The user's sets.
    tables
        Contracts of the tables that they may read.
    project
        The shipped project.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns(*_NOT_OF_THE_PROJECT))
    models = folder / "models"
    made_by_models = {one.table for one in (*SHIPPED, *own)}
    sources = [contract for table, contract in tables.items() if table not in made_by_models]
    (models / "sources.yml").write_text(dbt_sources(sources))
    (models / "own").mkdir()
    for one in own:
        shutil.copyfile(one.model, models / "own" / f"{one.name}.sql")
        (models / "own" / f"{one.name}.yml").write_text(model_properties(one, contract_of(one)))
    return folder
