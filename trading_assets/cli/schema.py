"""The command that writes JSON schemas, so that an editor completes and checks settings and books."""

from __future__ import annotations

import json
import os
from pathlib import Path

import typer

from trading_assets.cli.common import Home, console
from trading_assets.cli.lakes import intended_lake
from trading_assets.desk.settings import FILE_NAME
from trading_assets.files import write_atomically

schema_app = typer.Typer()
_MARK = "# yaml-language-server: $schema="


@schema_app.command("schema")
def write_schemas(home: Home = None) -> None:
    """Write JSON schemas of settings.yaml and books.yaml, and say in these files where their schema is."""
    from trading_assets.desk.desk import Desk
    from trading_assets.portfolio.schemas import json_schemas
    from trading_assets.portfolio.sizing import sizings

    settings = intended_lake(home)
    folder = settings.home / "schemas"
    for name, schema in json_schemas(Desk(settings).part(sizings)).items():
        write_atomically(folder / name, f"{json.dumps(schema, indent=2)}\n")
        console.print(f"wrote {folder / name}", soft_wrap=True)
    _mark(settings.home / FILE_NAME, folder / "settings.schema.json")
    _mark(settings.books or settings.home / "books.yaml", folder / "books.schema.json")


def _mark(path: Path, schema: Path) -> None:
    """Put the line that editors look for in front of a file, or say which one a new file begins with."""
    line = f"{_MARK}{os.path.relpath(schema, path.parent)}"
    if not path.exists():
        console.print(f"a file {path} would begin with the line: {line}", soft_wrap=True)
        return
    text = path.read_text(encoding="utf-8")
    if _MARK not in text:
        write_atomically(path, f"{line}\n{text}")
        console.print(f"{path} now begins with the line: {line}", soft_wrap=True)
