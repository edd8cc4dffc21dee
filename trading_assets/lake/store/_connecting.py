"""New DuckDB connections with a lake attached, from extensions that are installed without any download."""

from __future__ import annotations

import os
import tempfile
from contextlib import closing, suppress
from functools import cache
from pathlib import Path

import duckdb

from trading_assets.files import write_atomically
from trading_assets.lake.errors import LakeError
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.lake.store._literals import literal

_EXTENSIONS = ("ducklake", "postgres_scanner")


def connect(
    postgres: PostgresUrl, attach_statement: str, data_path: str, threads: int | None
) -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB, attach a lake as ``lake`` and use it.

    Raises
    ------
    LakeError
        It cannot be attached; the message holds no password.
    """
    import_extensions()
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        # `import_extensions` has checked the signatures once; a check for every connection would take 0.3 s each.
        "allow_unsigned_extensions": "true",
    }
    if threads:
        config["threads"] = threads
    connection = duckdb.connect(config=config)
    try:
        connection.execute("LOAD ducklake; LOAD postgres_scanner; SET TimeZone = 'UTC'")
        if postgres.password:
            connection.execute(f"CREATE SECRET (TYPE postgres, PASSWORD {literal(postgres.password)})")
        connection.execute(attach_statement)
        connection.execute("USE lake")
    except duckdb.Error as error:
        connection.close()
        reason = postgres.redact(str(error).strip())
        msg = f"cannot open the lake of {postgres!r} with its files in {data_path}: {reason}"
        raise LakeError(msg) from None
    return connection


@cache
def import_extensions() -> None:
    """Install DuckDB's extensions from their wheels, without any download, and check their signatures."""
    from duckdb_extensions import import_extension

    _ensure_home()
    with closing(duckdb.connect()) as connection:
        for name in _EXTENSIONS:
            import_extension(name, con=connection)
            _check_signature(connection, name)


def _check_signature(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load an extension with its signature checked, unless that was done for the file as it is: it takes 0.15 s."""
    found = connection.execute(
        f"SELECT install_path FROM duckdb_extensions() WHERE extension_name = {literal(name)}"
    ).fetchone()
    path = Path(str(found[0])) if found and found[0] else None
    if path is None or not path.is_file():
        connection.execute(f"LOAD {name}")
        return
    mark, state = path.with_name(f"{path.name}.checked"), path.stat()
    checked = f"{state.st_size} {state.st_mtime_ns} {state.st_ino}"
    with suppress(OSError):
        if mark.read_text(encoding="utf-8") == checked:
            return
    connection.execute(f"LOAD {name}")
    with suppress(OSError):  # a folder that may only be read: it is checked again next time
        write_atomically(mark, checked)


def _ensure_home() -> None:
    """Name a home folder where the environment has none, as under cron or systemd: DuckDB keeps extensions below it."""
    if not os.environ.get("HOME"):
        os.environ.pop("HOME", None)
        try:
            os.environ["HOME"] = str(Path("~").expanduser())
        except RuntimeError:  # a container's user without an account
            os.environ["HOME"] = tempfile.gettempdir()
