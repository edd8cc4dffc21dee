"""The desk: settings, lake and time of a process, and the parts that stages make of them, each on first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from trading_assets.desk.clock import now
from trading_assets.desk.settings import Settings
from trading_assets.lake import Lake
from trading_assets.lake.postgres.url import PostgresUrl, hold_embedded_postgres

Part = TypeVar("Part")

_IGNORED = """\
# Ignores what the desk writes, this file included, but not what people write for the lake.
/*
!/settings.yaml
!/books.yaml
!/own/
__pycache__/
"""


@lru_cache(maxsize=8)
def _open(home: Path, database_url: str | None, parquet_path: str) -> Lake:
    postgres = _postgres(home, database_url)
    if "://" not in parquet_path:
        Path(parquet_path).mkdir(parents=True, exist_ok=True)
    lake = Lake(postgres, parquet_path)
    lake.write_attach_script(home / "attach.sql")
    ignored = home / ".gitignore"
    if not ignored.exists():
        ignored.write_text(_IGNORED)
    return lake


def _postgres(home: Path, database_url: str | None) -> PostgresUrl:
    url = PostgresUrl.parse(database_url) if database_url else hold_embedded_postgres(home / "postgres")
    url.ensure_schemas()
    return url


def open_lake(settings: Settings) -> Lake:
    """Open a lake in this process, starting its Postgres if it is not running; equal settings give the same object."""
    return _open(settings.home, settings.database_url, settings.parquet_path)


class Desk:
    """The outside as assets see it: settings, lake, time, and the parts that stages make of them.

    Parameters
    ----------
    settings : Settings
        Settings of the lake.
    clock : callable, optional
        The time for decisions; the current time by default.
    given : mapping, optional
        Parts to use instead of making them from the settings, by the function that would make them: the source of a
        test, the accounts of a running broker.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] | None = None,
        given: Mapping[Any, Any] | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self._parts: dict[Callable[[Desk], Any], Any] = dict(given or {})

    @cached_property
    def lake(self) -> Lake:
        """The lake."""
        return open_lake(self.settings)

    def part(self, make: Callable[[Desk], Part]) -> Part:
        """Result of a function of this desk, computed on first use and kept.

        Examples
        --------
        >>> policy = desk.part(source_policy)  # doctest: +SKIP
        """
        if make not in self._parts:
            self._parts[make] = make(self)
        found: Part = self._parts[make]
        return found

    def now(self) -> datetime:
        """The time, for decisions."""
        return self.clock() if self.clock else now()

    @property
    def mlflow_uri(self) -> str:
        """Tracking and registry URI of MLflow, in the same Postgres."""
        return self.lake.postgres.sqlalchemy("mlflow")

    @property
    def artifact_location(self) -> str:
        """Folder of MLflow's artifacts."""
        return (self.settings.home / "mlflow").as_uri()

    @property
    def reports(self) -> Path:
        """Folder of the written reports."""
        return self.settings.home / "reports"
