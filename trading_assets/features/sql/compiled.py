"""Plain SQL of the models: dbt compiles it after a change to its project, and the result is kept until the next one.

Starting dbt takes seconds, running the compiled SQL tenths of a second. The SQL contains no dates (the span is two
variables of the connection), so a run needs dbt only after an edit.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trading_assets.desk.source_files import files_stamp
from trading_assets.errors import TradingAssetsError
from trading_assets.features.sql.sql_set import PROJECT, SqlSet
from trading_assets.files import write_atomically
from trading_assets.lake.contracts import Contract

Dependencies = Mapping[str, tuple[tuple[str, str], ...]]

_KEPT = 4
_MADE_BY = (Path(__file__), Path(__file__).with_name("lineage.py"))


class SqlModelError(TradingAssetsError, RuntimeError):
    """A model of the dbt project that cannot be used; the message holds what DuckDB or sqlglot says about it."""


@dataclass(frozen=True)
class CompiledModel:
    """What dbt and sqlglot say about a model.

    Attributes
    ----------
    sql
        One SELECT statement, over the tables of the lake.
    lineage
        Column -> the columns that it is made from, as pairs of table and column.
    """

    sql: str
    lineage: Dependencies


@dataclass(frozen=True)
class CompiledModels:
    """Models of a desk, as far as they can be compiled.

    Attributes
    ----------
    models
        Compiled models by name.
    errors
        Why dbt or sqlglot refuses each of the others.
    """

    models: Mapping[str, CompiledModel]
    errors: Mapping[str, str]

    def of(self, name: str) -> CompiledModel:
        """Model of a name.

        Raises
        ------
        SqlModelError
            It cannot be compiled.
        """
        if name in self.errors:
            raise SqlModelError(self.errors[name])
        return self.models[name]


def compiled_models(project: Path = PROJECT) -> Mapping[str, CompiledModel]:
    """Models of the shipped dbt project by name.

    Raises
    ------
    DbtError
        dbt cannot compile the project; the message is dbt's.
    SqlModelError
        The columns of a model cannot be traced.
    """
    with _locked(_cache(project)) as folder:
        kept = folder / f"{_digest(project)}.json"
        if not kept.exists():
            _keep(kept, _compile(project, folder / "dbt", ("resource_type:model",), _shipped_columns()))
        stored = json.loads(kept.read_text())
    return {name: _model(model) for name, model in stored.items()}


def compiled_own(
    own: Sequence[SqlSet], tables: Mapping[str, Contract], folder: Path, project: Path = PROJECT
) -> CompiledModels:
    """Models of the user's own files, compiled beside those of the shipped project.

    If they cannot be compiled together, each is compiled separately, so that a broken one does not affect the others.

    Parameters
    ----------
    own
        The user's sets.
    tables
        Contracts of the tables that they may read.
    folder
        Where the compiled text is kept and the project that dbt reads is assembled.
    project
        The shipped project.
    """
    parts = [_digest(project), json.dumps(_columns(tables)), *(f"{one.name} {one.model.read_text()}" for one in own)]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    with _locked(folder):
        kept = folder / f"{digest}.json"
        if not kept.exists():
            _keep(kept, _compile_own(own, tables, folder, project))
        stored = json.loads(kept.read_text())
    errors = {name: model["error"] for name, model in stored.items() if "error" in model}
    return CompiledModels({name: _model(model) for name, model in stored.items() if name not in errors}, errors)


def _compile_own(
    own: Sequence[SqlSet], tables: Mapping[str, Contract], folder: Path, project: Path
) -> dict[str, dict[str, Any]]:
    from trading_assets.features.sql.dbt import DbtError
    from trading_assets.features.sql.own_project import write_project

    columns = _columns(tables)

    def compile_together(sets: Sequence[SqlSet], names: Sequence[str]) -> dict[str, dict[str, Any]]:
        together = write_project(folder / "project", sets, tables, project)
        return _compile(together, folder / "dbt", names, columns)

    try:
        return compile_together(own, [one.name for one in own])
    except (DbtError, SqlModelError) as error:
        if len(own) == 1:
            return {own[0].name: _refused(error)}
    found: dict[str, dict[str, Any]] = {}
    for one in own:
        try:
            found |= compile_together(with_those_it_reads(one, own), [one.name])
        except (DbtError, SqlModelError) as error:
            found[one.name] = _refused(error)
    return found


def _refused(error: Exception) -> dict[str, Any]:
    from trading_assets.features.sql.dbt import DbtError

    return {"error": f"dbt cannot compile it: {error.said}" if isinstance(error, DbtError) else str(error)}


def with_those_it_reads(one: SqlSet, sets: Sequence[SqlSet]) -> list[SqlSet]:
    """A set, and those of `sets` that it reads, directly or indirectly."""
    found = [one]
    for reader in found:
        found += [other for other in sets if other.table in reader.reads and other not in found]
    return found


def _compile(
    project: Path, target: Path, select: Sequence[str], columns: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, Any]]:
    """SQL and lineage of models, by dbt; the lake is not read."""
    from trading_assets.features.sql.dbt import run_dbt
    from trading_assets.features.sql.lineage import lineage_of

    shutil.rmtree(target / "compiled", ignore_errors=True)
    options = ("--select", " ".join(select), "--indirect-selection", "empty")
    run_dbt(project, "compile", *options, "--no-introspect", "--no-populate-cache", target=target)
    files = sorted(target.glob("compiled/*/models/**/*.sql"))
    statements = {file.stem: file.read_text().strip() for file in files}
    return {name: {"sql": sql, "lineage": lineage_of(name, sql, columns)} for name, sql in statements.items()}


def _shipped_columns() -> dict[str, list[str]]:
    from trading_assets.features.contract import tables_read_by_sql

    return _columns(tables_read_by_sql())


def _columns(tables: Mapping[str, Contract]) -> dict[str, list[str]]:
    return {table: list(contract.schema) for table, contract in tables.items()}


def _digest(project: Path) -> str:
    """What the compiled SQL depends on: property files add descriptions and tests, but change no SQL."""
    files = [path for part in ("models", "macros") for path in sorted((project / part).rglob("*.sql"))]
    by_dbt = files_stamp([project / "dbt_project.yml", *files], project)
    return hashlib.sha256((by_dbt + files_stamp(_MADE_BY, Path(__file__).parent)).encode()).hexdigest()[:16]


def _cache(project: Path) -> Path:
    """Folder beside the project's other artifacts; if that cannot be written to, a folder of this user."""
    if os.access(project, os.W_OK):
        return project / "target" / "trading_assets"
    return Path(tempfile.gettempdir()) / f"trading_assets_{os.getuid()}"


@contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    """Let one process at a time compile."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _keep(path: Path, models: Mapping[str, Any]) -> None:
    write_atomically(path, json.dumps(models))
    newest_first = sorted(path.parent.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    for old in newest_first[_KEPT:]:
        old.unlink()


def _model(stored: Mapping[str, Any]) -> CompiledModel:
    pairs = {column: tuple((table, name) for table, name in found) for column, found in stored["lineage"].items()}
    return CompiledModel(stored["sql"], pairs)
