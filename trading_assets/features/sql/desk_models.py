"""The compiled models of a desk: those of the shipped project, and those of the user's own files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from trading_assets.desk.desk import Desk
from trading_assets.desk.own_work import own_work
from trading_assets.features.contract import readable_tables
from trading_assets.features.sql.compiled import CompiledModels, SqlModelError, compiled_models, compiled_own
from trading_assets.features.sql.contract import contract_of
from trading_assets.features.sql.own_project import write_project
from trading_assets.features.sql.sets import sql_sets
from trading_assets.features.sql.sql_set import PROJECT, SqlSet
from trading_assets.features.sql.statements import run_on_frames


def models_of_desk(desk: Desk) -> CompiledModels:
    """Compiled models of a desk; text that has changed since the last call is compiled again.

    Raises
    ------
    DbtError
        dbt cannot compile the shipped project.
    """
    own = own_sql_sets(desk)
    found = compiled_own(own, desk.part(readable_tables), own_folder(desk)) if own else CompiledModels({}, {})
    return CompiledModels({**compiled_models(), **found.models}, found.errors)


def project_of(desk: Desk, folder: Path) -> Path:
    """Folder of the dbt project of a desk: the shipped one, or one with the user's models that can be compiled.

    Parameters
    ----------
    desk
        The desk.
    folder
        Where to assemble a project if there is such a model.
    """
    compiled = models_of_desk(desk).models
    own = [one for one in own_sql_sets(desk) if one.name in compiled]
    return write_project(folder, own, desk.part(readable_tables)) if own else PROJECT


def own_sql_sets(desk: Desk) -> list[SqlSet]:
    """Sets in SQL of the user's own."""
    return [one for one in desk.part(sql_sets).values() if not one.is_shipped]


def record_faults(desk: Desk) -> None:
    """Keep the faults of the user's models that dbt cannot compile, or that DuckDB cannot run on empty tables."""
    own, tables = own_sql_sets(desk), desk.part(readable_tables)
    if not own:
        return
    models, nothing = models_of_desk(desk), date(1900, 1, 1)
    for one in own:
        frames = {table: tables[table].empty() for table in one.reads}
        try:
            run_on_frames(frames, contract_of(one), models.of(one.name).sql, nothing, nothing)
        except SqlModelError as error:
            desk.part(own_work).refuse(one.model, str(error))


def own_folder(desk: Desk) -> Path:
    """Folder of what dbt makes from the user's own models."""
    return desk.settings.home / "cache" / "own_sql"
