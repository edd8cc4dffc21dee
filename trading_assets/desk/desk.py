"""Resources: the lake and the source of a process, opened on first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trading_assets.desk.clock import now
from trading_assets.desk.settings import Settings
from trading_assets.lake import Lake
from trading_assets.lake.postgres.url import PostgresUrl, hold_embedded_postgres
from trading_assets.market_data.source_policy import PRIMARY, SourcePolicy
from trading_assets.market_data.sources import Source, SourceConfigError, make_source
from trading_assets.market_data.universe import Universe, names_of, universe_of
from trading_assets.portfolio.books import Book

if TYPE_CHECKING:
    from trading_assets.brokers.alpaca.adapter import Broker
    from trading_assets.brokers.alpaca.connection import Connection
    from trading_assets.brokers.alpaca.hints import FillHints


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


_TOLD_ITS_NAMES = ("yahoo", "alpaca")
_HAS_SCREENS = ("yahoo",)


class Desk:
    """What assets reach the outside through: settings, lake, source, brokers and the time.

    Parameters
    ----------
    settings : Settings
        Settings of the lake.
    source : Source, optional
        Market data source; made from the settings if None.
    connections : mapping of str to Connection, optional
        Where the account of a book is; from the lake's folder and the environment if it is not named here.
    clock : callable, optional
        The time for decisions about orders; by default the present or, for a book of the embedded broker, its clock.
    """

    def __init__(
        self,
        settings: Settings,
        source: Source | None = None,
        *,
        connections: Mapping[str, Connection] | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._source = source
        self._connections = dict(connections or {})
        self._brokers: dict[str, Broker] = {}
        self._hints: dict[str, tuple[Connection, FillHints]] = {}

    @cached_property
    def lake(self) -> Lake:
        """The lake."""
        return open_lake(self.settings)

    @cached_property
    def source(self) -> Source:
        """The market data source that the settings choose, the primary one."""
        return self._source or make_source(self._of_the_universe(self.settings.source))

    @cached_property
    def universe(self) -> Universe:
        """The universe that the settings choose."""
        return universe_of(self.settings.universe)

    @cached_property
    def policy(self) -> SourcePolicy:
        """Which source fills which table."""
        settings = self.settings
        others = {name: make_source(self._of_the_universe(source)) for name, source in settings.other_sources.items()}
        return SourcePolicy({PRIMARY: self.source, **others}, settings.source_policy, settings.compare_with)

    @property
    def comparison_source(self) -> Source | None:
        """The source that stored daily bars are compared with."""
        return self.policy.comparison_source

    def _of_the_universe(self, source: Mapping[str, Any]) -> Mapping[str, Any]:
        """A source that has to be told its names gets those of the universe, unless it has its own."""
        if source.get("kind") not in _TOLD_ITS_NAMES or source.get("symbols") or source.get("screen"):
            return source
        if self.universe.kind == "screen":
            if source.get("kind") not in _HAS_SCREENS:
                msg = f"the source {source.get('kind')!r} has no screens for the universe; give it symbols of its own"
                raise SourceConfigError(msg)
            return {**source, "screen": self.universe.screen}
        return {**source, "symbols": names_of(self.universe.lists())}

    def now(self, book: Book | None = None) -> datetime:
        """The time, for decisions about a book's orders."""
        if self._clock is not None:
            return self._clock()
        return self.broker(book).clock().now if book and book.broker == "embedded" else now()

    def broker(self, book: Book) -> Broker:
        """The account of a book at its broker."""
        from trading_assets.brokers.alpaca.adapter import Broker
        from trading_assets.brokers.alpaca.connection import connection_of

        connection = self._connections.get(book.name) or connection_of(book, self.settings.home)
        known = self._brokers.get(book.name)
        if known is None or known.connection != connection:
            self._brokers[book.name] = Broker(connection)
        return self._brokers[book.name]

    def hints(self, book: Book) -> FillHints:
        """Hints from the stream of a book's account."""
        from trading_assets.brokers.alpaca.hints import FillHints

        connection = self.broker(book).connection
        if self._hints.get(book.name, (None, None))[0] != connection:
            self._hints[book.name] = (connection, FillHints(connection))
        return self._hints[book.name][1]

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
