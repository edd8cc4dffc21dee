"""Fixtures that every stage's tests share: one Postgres per test process, fresh lakes, the real data."""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from trading_assets.lake import Lake
from trading_assets.lake.postgres.url import (
    PostgresUrl,
    hold_embedded_postgres,
    release_embedded_postgres,
    stop_embedded_postgres,
)

if TYPE_CHECKING:
    from trading_assets_tests.desks import Bench
    from trading_assets_tests.live._live_bench import OpenTrader

_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
_numbers = itertools.count()
# Those that wait for a daemon and those that compute take turns.
_LONGEST = (
    "test_web_ui",
    "test_daemon_backfill",
    "test_demo",
    "test_live_daemon",
    "test_parity_replay",
    "test_range_union",
    "test_real_universe",
)

if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    # The tests start hundreds of processes, and compiling all packages anew would cost each of them five seconds.
    os.environ["PYTHONPYCACHEPREFIX"] = tempfile.mkdtemp(prefix="ta-bytecode-")
    atexit.register(shutil.rmtree, os.environ["PYTHONPYCACHEPREFIX"], ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest files first, then all with slow tests: several processes then end at about the same time."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    longest = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: (longest.get(item.path.stem, len(longest)), item.path not in slow))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresUrl]:
    """One embedded server per test process, without the care for a crash that data which outlives it needs."""
    home = Path(tempfile.mkdtemp(prefix="ta-"))
    url = hold_embedded_postgres(home / "pg")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        _execute(url, f"ALTER SYSTEM SET {setting} = off")
    _execute(url, "SELECT pg_reload_conf()")
    yield url
    release_embedded_postgres(home / "pg")
    stop_embedded_postgres(home / "pg")
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def without_coverage(request: pytest.FixtureRequest) -> Iterator[None]:
    """Do not trace the module's tests: counting lines doubles the time of thousands of cases that other tests cover."""
    controller = getattr(request.config.pluginmanager.getplugin("_cov"), "cov_controller", None)
    if controller is not None:
        controller.pause()
    yield
    if controller is not None:
        controller.resume()


@pytest.fixture(scope="session")
def _empty_lake(postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a database with the catalog of an empty lake, from which fresh lakes are copied."""
    url = replace(postgres, database="empty_lake")
    _execute(postgres, f"CREATE DATABASE {url.database}")
    url.ensure_schemas()
    lake = Lake(url, f"{tmp_path_factory.mktemp('empty')}/")
    lake.cursor().close()
    lake.close()
    return url.database


@pytest.fixture
def database(postgres: PostgresUrl) -> Iterator[Callable[[], PostgresUrl]]:
    """Factory of fresh, empty databases on the test process's server."""
    made: list[PostgresUrl] = []

    def make() -> PostgresUrl:
        made.append(_create_database(postgres))
        return made[-1]

    yield make
    for url in made:
        _drop_database(postgres, url)


@pytest.fixture
def database_url(database: Callable[[], PostgresUrl]) -> Callable[[], str]:
    """Factory of DATABASE_URL texts, each of a fresh, empty database."""

    def make() -> str:
        url = database()
        return f"postgresql://{url.user}@/{url.database}?host={quote(url.host, safe='/')}"

    return make


@pytest.fixture
def lake(postgres: PostgresUrl, _empty_lake: str, tmp_path: Path) -> Iterator[Lake]:
    """A fresh, empty lake."""
    with _fresh_lake(postgres, _empty_lake, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def module_lake(postgres: PostgresUrl, _empty_lake: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake for all tests of a module, filled by a fixture of the module and only read by its tests."""
    with _fresh_lake(postgres, _empty_lake, tmp_path_factory.mktemp("lake")) as opened:
        yield opened


@pytest.fixture(scope="session")
def bench(postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A desk whose lake holds a small market, for all tests that trade in it: each with a book of its own."""
    from trading_assets_tests.live._live_bench import open_market, small_source

    with open_market(postgres, tmp_path_factory.mktemp("desk"), small_source()) as opened:
        yield opened


@pytest.fixture
def make_trader(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenTrader]:
    """Factory of books with an account each; their desks ask a broker that is busy again soon."""
    from trading_assets.brokers.alpaca import adapter
    from trading_assets_tests.live._live_bench import traders

    monkeypatch.setattr(adapter, "_PAUSE_SECONDS", 0.01)
    with traders(bench, tmp_path) as make:
        yield make


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real market data beside the repository."""
    if not _SHARED_DATA.is_dir():
        pytest.skip(f"real market data is not there: {_SHARED_DATA}")
    return _SHARED_DATA


@contextmanager
def _fresh_lake(postgres: PostgresUrl, template: str, folder: Path) -> Iterator[Lake]:
    url = _create_database(postgres, template)
    parquet = folder / "parquet"
    parquet.mkdir()
    opened = Lake(url, f"{parquet}/", threads=1)
    yield opened
    opened.close()
    _drop_database(postgres, url)


def _create_database(postgres: PostgresUrl, template: str = "template1") -> PostgresUrl:
    url = replace(postgres, database=f"t_{next(_numbers)}")
    _execute(postgres, f"CREATE DATABASE {url.database} TEMPLATE {template}")
    return url


def _drop_database(postgres: PostgresUrl, url: PostgresUrl) -> None:
    _execute(postgres, f"DROP DATABASE {url.database} WITH (FORCE)")


def _execute(url: PostgresUrl, statement: str) -> None:
    with closing(url.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
