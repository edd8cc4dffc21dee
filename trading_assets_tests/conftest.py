"""Fixtures that every stage's tests share: one Postgres per test process, a fresh lake per test, the real data."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from trading_assets.lake import Lake
from trading_assets.lake.postgres import (
    PostgresUrl,
    hold_embedded_postgres,
    release_embedded_postgres,
    stop_embedded_postgres,
)

_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresUrl]:
    """One embedded server per test process; what is in it does not outlive the tests, so it need not survive a crash."""
    home = Path(tempfile.mkdtemp(prefix="ta-"))
    url = hold_embedded_postgres(home / "pg")
    with closing(url.connect()) as connection, connection.cursor() as cursor:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            cursor.execute(f"ALTER SYSTEM SET {setting} = off")
        cursor.execute("SELECT pg_reload_conf()")
    yield url
    release_embedded_postgres(home / "pg")
    stop_embedded_postgres(home / "pg")
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def database(postgres: PostgresUrl) -> Iterator[Callable[[], PostgresUrl]]:
    """Factory of fresh, empty databases on the test process's server."""
    made: list[str] = []

    def make() -> PostgresUrl:
        made.append(f"t_{next(_numbers)}")
        _execute(postgres, f"CREATE DATABASE {made[-1]}")
        return replace(postgres, database=made[-1])

    yield make
    for name in made:
        _execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(database: Callable[[], PostgresUrl]) -> Callable[[], str]:
    """Factory of DATABASE_URL texts, each of a fresh, empty database."""

    def make() -> str:
        url = database()
        return f"postgresql://{url.user}@/{url.database}?host={quote(url.host, safe='/')}"

    return make


@pytest.fixture
def lake(database: Callable[[], PostgresUrl], tmp_path: Path) -> Iterator[Lake]:
    """A fresh, empty lake."""
    url = database()
    url.ensure_schemas()
    (tmp_path / "parquet").mkdir()
    opened = Lake(url, f"{tmp_path / 'parquet'}/", threads=min(2, os.cpu_count() or 1))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real market data beside the repository."""
    if not _SHARED_DATA.is_dir():
        pytest.skip(f"real market data is not there: {_SHARED_DATA}")
    return _SHARED_DATA


def _execute(url: PostgresUrl, statement: str) -> None:
    with closing(url.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
