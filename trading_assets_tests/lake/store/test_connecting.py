"""Extensions of DuckDB: their signatures are checked once for each file, and again when it changes."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from trading_assets.lake.store._connecting import _check_signature, import_extensions

NAME = "ducklake"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """An extension installed in a folder of the test."""
    import_extensions()
    with closing(duckdb.connect()) as connection:
        found = connection.execute(f"SELECT install_path FROM duckdb_extensions() WHERE extension_name = '{NAME}'")
        there = Path(found.fetchone()[0])
    version, platform = there.parts[-3:-1]
    copy = tmp_path / version / platform / there.name
    copy.parent.mkdir(parents=True)
    for path in (there, there.with_name(f"{there.name}.info")):
        shutil.copy(path, copy.parent / path.name)
    return copy


def check(folder: Path) -> bool:
    """Check the extension's signature; whether it was loaded for that."""
    with closing(duckdb.connect(config={"extension_directory": str(folder)})) as connection:
        _check_signature(connection, NAME)
        loaded = connection.execute(f"SELECT loaded FROM duckdb_extensions() WHERE extension_name = '{NAME}'")
        return bool(loaded.fetchone()[0])


def test_a_file_is_checked_once_and_again_when_it_has_changed(installed: Path, tmp_path: Path) -> None:
    assert check(tmp_path)
    assert not check(tmp_path)
    os.utime(installed, (1, 1))
    assert check(tmp_path)
    assert not check(tmp_path)
    content = bytearray(installed.read_bytes())
    content[len(content) // 2] ^= 1
    installed.unlink()  # this process has it loaded
    installed.write_bytes(content)
    with pytest.raises(duckdb.IOException, match="signature"):
        check(tmp_path)
