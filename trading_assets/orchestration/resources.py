"""Resources: the lake and the source of a process, opened on first use."""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path

from trading_assets.lake import Lake
from trading_assets.lake.postgres import PostgresUrl, hold_embedded_postgres
from trading_assets.market_data.sources import Source, make_source
from trading_assets.orchestration.settings import Settings


@lru_cache(maxsize=8)
def _open(home: Path, database_url: str | None, parquet_path: str) -> Lake:
    postgres = _postgres(home, database_url)
    if "://" not in parquet_path:
        Path(parquet_path).mkdir(parents=True, exist_ok=True)
    lake = Lake(postgres, parquet_path)
    lake.write_attach_script(home / "attach.sql")
    return lake


def _postgres(home: Path, database_url: str | None) -> PostgresUrl:
    if database_url:
        url = PostgresUrl.parse(database_url)
    else:
        home.mkdir(parents=True, exist_ok=True)
        url = hold_embedded_postgres(home / "postgres")
    url.ensure_schemas()
    return url


def open_lake(settings: Settings) -> Lake:
    """Open a lake in this process, starting its Postgres if nobody has; the same object for the same settings."""
    return _open(settings.home, settings.database_url, settings.parquet_path)


class Desk:
    """What assets reach the outside through: settings, lake and source.

    Parameters
    ----------
    settings : Settings
        Settings of the lake.
    source : Source, optional
        Market data source; made from the settings if None.
    """

    def __init__(self, settings: Settings, source: Source | None = None) -> None:
        self.settings = settings
        self._source = source

    @cached_property
    def lake(self) -> Lake:
        """The lake."""
        return open_lake(self.settings)

    @cached_property
    def source(self) -> Source:
        """The market data source that the settings choose."""
        return self._source or make_source(self.settings.source)

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
