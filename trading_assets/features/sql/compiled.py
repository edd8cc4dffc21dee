"""Plain SQL of the models: dbt makes it when a file of its project has changed, and it is kept until the next change.

Starting dbt takes seconds, running what it makes takes tenths of one. The SQL names no day (the span is two variables
of the connection), so that a run needs dbt only after an edit.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trading_assets.desk.source_files import files_stamp
from trading_assets.errors import TradingAssetsError
from trading_assets.features.sql.sql_set import PROJECT

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


def compiled_models(project: Path = PROJECT) -> Mapping[str, CompiledModel]:
    """Models of a dbt project by name.

    Raises
    ------
    DbtError
        dbt cannot compile the project; the message is dbt's.
    SqlModelError
        The columns of a model cannot be traced.
    """
    digest = _digest(project)
    with _locked(_cache(project)) as folder:
        kept = folder / f"{digest}.json"
        if not kept.exists():
            _keep(kept, _compile(project, folder))
        stored = json.loads(kept.read_text())
    return {name: _model(model) for name, model in stored.items()}


def _compile(project: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """SQL and lineage of every model, by dbt; the lake is not asked."""
    from trading_assets.features.sql.dbt import run_dbt
    from trading_assets.features.sql.lineage import lineage_of

    target = folder / "dbt"
    shutil.rmtree(target / "compiled", ignore_errors=True)
    options = ("--select", "resource_type:model", "--indirect-selection", "empty")
    run_dbt(project, "compile", *options, "--no-introspect", "--no-populate-cache", target=target)
    files = sorted(target.glob("compiled/*/models/**/*.sql"))
    statements = {file.stem: file.read_text().strip() for file in files}
    return {name: {"sql": sql, "lineage": lineage_of(name, sql)} for name, sql in statements.items()}


def _digest(project: Path) -> str:
    """What is kept follows from this: property files add descriptions and tests, but change no SQL."""
    files = [path for part in ("models", "macros") for path in sorted((project / part).rglob("*.sql"))]
    by_dbt = files_stamp([project / "dbt_project.yml", *files], project)
    return hashlib.sha256((by_dbt + files_stamp(_MADE_BY, Path(__file__).parent)).encode()).hexdigest()[:16]


def _cache(project: Path) -> Path:
    """Folder beside the project's other artifacts; where that cannot be written to, one of this user."""
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
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(models))
    partial.replace(path)
    newest_first = sorted(path.parent.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    for old in newest_first[_KEPT:]:
        old.unlink()


def _model(stored: Mapping[str, Any]) -> CompiledModel:
    pairs = {column: tuple((table, name) for table, name in found) for column, found in stored["lineage"].items()}
    return CompiledModel(stored["sql"], pairs)
