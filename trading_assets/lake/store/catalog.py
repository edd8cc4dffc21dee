"""The lake of one folder: DuckLake tables (Parquet files, catalog in Postgres) seen through DuckDB."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import polars as pl

from trading_assets.files import write_if_changed
from trading_assets.lake.errors import LakeError
from trading_assets.lake.postgres.locks import CATALOG, EVERYTHING, locked
from trading_assets.lake.postgres.sessions import Cursors, Sessions
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.lake.store import _tables
from trading_assets.lake.store._connecting import connect
from trading_assets.lake.store._literals import literal
from trading_assets.lake.store.ducklake_catalog import DuckLakeCatalog, wait_for_commits
from trading_assets.lake.store.retries import with_retries

if TYPE_CHECKING:
    from trading_assets.lake.contracts import Contract

WRITTEN = "catalog.written_partitions"
_EARLIER = (
    "this lake was written by an earlier version, which had a partition for each session; nothing is lost: run once "
    "trading-assets lake migrate (with the same --home)"
)


@dataclass
class Lake:
    """A lake: its Postgres and its Parquet files.

    Parameters
    ----------
    postgres : PostgresUrl
        Database that holds the DuckLake catalog in its schema ``lake``.
    data_path : str
        Absolute folder, or object-store prefix, of the Parquet files.
    threads : int, optional
        DuckDB threads of this process; DuckDB's default where it is None.
    """

    postgres: PostgresUrl
    data_path: str
    threads: int | None = None
    # Held by the thread of this process that is in a writing transaction, see `with_retries`.
    writing: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False, compare=False)
    _cursors: Cursors | None = field(default=None, repr=False)
    _sessions: Sessions = field(init=False, repr=False)
    _ducklake: DuckLakeCatalog = field(init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    # Contract that each table was last found to match, and the version of the lake's schema at that time.
    _ensured: dict[str, tuple[int, Contract]] = field(default_factory=dict, repr=False)
    # Snapshot that last changed the registry of partitions, and the results of queries on it since then.
    _written: tuple[int, dict[str, Mapping[str, date | None]]] = field(default=(-1, {}), repr=False)

    def __post_init__(self) -> None:
        self._sessions = Sessions(self.postgres)
        self._ducklake = DuckLakeCatalog(self._sessions)

    def __getstate__(self) -> dict[str, Any]:
        return {"postgres": self.postgres, "data_path": self.data_path, "threads": self.threads}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Cursor on this process's DuckDB with the lake attached as ``lake`` and in use."""
        return self._opened().open()

    def close(self) -> None:
        """Close this process's DuckDB; the next cursor opens it again."""
        with self._lock:
            if self._cursors is not None:
                self._cursors.close()
                self._cursors = None
            self._sessions.close()

    def attach(self, *, read_only: bool = False, at: int | datetime | None = None) -> duckdb.DuckDBPyConnection:
        """Open a new in-memory DuckDB with the lake attached.

        Parameters
        ----------
        read_only : bool
            Attach for reading only.
        at : int or datetime, optional
            Snapshot id, or a time, as of which every table is seen; implies ``read_only``.

        Raises
        ------
        LakeError
            Postgres cannot be reached, or there is no such snapshot; the message holds no password.
        """
        is_reader = read_only or at is not None
        if is_reader and not self._ducklake.exists():
            self._opened()
        return self._connect(self.attach_statement(read_only=is_reader, at=at))

    def attach_statement(self, *, read_only: bool, at: int | datetime | None = None) -> str:
        """The ATTACH statement, without any password."""
        options = [
            f"DATA_PATH {literal(self.data_path)}",
            "META_SCHEMA 'lake'",
            "DATA_INLINING_ROW_LIMIT 0",
            "OVERRIDE_DATA_PATH true",
        ]
        if read_only:
            options.append("READ_ONLY")
        if isinstance(at, int):
            options.append(f"SNAPSHOT_VERSION {at}")
        elif at is not None:
            options.append(f"SNAPSHOT_TIME {literal(at.isoformat(sep=' '))}")
        return f"ATTACH {literal('ducklake:postgres:' + self.postgres.libpq())} AS lake ({', '.join(options)})"

    def write_attach_script(self, path: Path) -> None:
        """Write ``attach.sql``: with it any DuckDB client opens the lake for reading."""
        password = (
            "-- The password is not here: give it in PGPASSWORD or ~/.pgpass.\n" if self.postgres.password else ""
        )
        text = (
            "-- Opens the lake read-only in any DuckDB client: .read attach.sql\n"
            "-- The lake's Postgres must be running (make ui, or: trading-assets lake serve).\n"
            f"{password}"
            "INSTALL ducklake;\nINSTALL postgres;\nLOAD ducklake;\nLOAD postgres;\n"
            f"{self.attach_statement(read_only=True)};\nUSE lake;\n"
        )
        write_if_changed(path, text)

    @contextmanager
    def exclusively(self, *tables: str) -> Iterator[None]:
        """Lock out all other writers of these tables, in any process; without a name, of every table of the lake.

        DuckLake lets two transactions insert into one table at once, so two writers of the same empty partition
        would both succeed and store every row twice. Postgres releases the lock when its holder dies.

        Raises
        ------
        LakeError
            Another process has held it for ten minutes.
        """
        self._opened()  # the catalog exists then, and nothing below waits for a lock that is held here
        names: dict[str, Literal["shared", "exclusive"]] = {EVERYTHING: "shared" if tables else "exclusive"}
        names.update(dict.fromkeys(sorted(tables), "exclusive"))
        with locked(self._sessions, names) as postgres:
            wait_for_commits(postgres)
            yield

    def query(self, statement: str, parameters: list[object] | None = None) -> pl.DataFrame:
        """Run a query and return its rows."""
        with self._opened().borrow() as cursor:
            return cursor.execute(statement, parameters).pl()

    @property
    def ducklake(self) -> DuckLakeCatalog:
        """DuckLake's own tables."""
        self._opened()
        return self._ducklake

    def tables(self) -> list[str]:
        """Names ``stage.table`` of all tables in the lake."""
        found = self.query(
            "SELECT table_schema || '.' || table_name AS name FROM information_schema.tables "
            "WHERE table_catalog = 'lake' ORDER BY 1"
        )
        return found["name"].to_list()

    def has_table(self, table: str) -> bool:
        """Whether a table exists."""
        return table in self.tables()

    def stored_columns(self, table: str) -> list[str]:
        """Names of the columns that a table has in the lake; empty if it has not been written yet."""
        return self.ducklake.columns([table]).get(table, [])

    def ensure_table(self, contract: Contract) -> None:
        """Create a contract's table and its quarantine, or add the columns that the contract has gained.

        Raises
        ------
        LakeError
            A stored column has another type than in the contract.
        """
        with self.exclusively(contract.table):
            self.ensure_own_table(contract)

    def ensure_own_table(self, contract: Contract) -> None:
        """Do the same as `ensure_table` for a table that the caller has locked exclusively."""
        version = self.ducklake.schema_version()
        if self._ensured.get(contract.table) != (version, contract):
            with_retries(self, lambda cursor: _tables.ensure_table(cursor, contract))
            self._ensured[contract.table] = (version, contract)

    def has_files(self, table: str) -> bool:
        """Whether a table exists and has data.

        Check this before a read: DuckLake queries Postgres twice for each column of a table that has never had data.
        """
        return self.ducklake.has_files(table)

    def current_snapshot(self) -> int:
        """Id of the newest snapshot."""
        return self.ducklake.current_snapshot()

    def table_snapshot(self, *tables: str) -> int:
        """Id of the newest snapshot that changed any of the tables; 0 if none did."""
        return self.ducklake.changed_at(tables)

    def written_partitions(self, table: str, among: Collection[str] = ()) -> frozenset[str]:
        """Partition keys of a table that have been written at least once; see `written_through`."""
        return frozenset(self.written_through(table, among))

    def written_through(self, table: str, among: Collection[str] = ()) -> Mapping[str, date | None]:
        """Partitions of a table that have been written, each with the last day that it has been written through.

        Parameters
        ----------
        table : str
            ``stage.table``.
        among : collection of str, optional
            Keys of interest: others may be left out, and files that hold only those are not opened.

        Returns
        -------
        mapping of str to date or None
            Partition key -> day; None for a partition that is written as a whole, or of which no day had ended.
        """
        within = f" AND partition_key BETWEEN {literal(min(among))} AND {literal(max(among))}" if among else ""
        wanted = (
            f"SELECT partition_key, max(through) AS through FROM lake.{WRITTEN} "
            f"WHERE table_name = {literal(table)}{within} GROUP BY partition_key"
        )
        # the models of a run look up the same partitions one after the other
        snapshot = self.table_snapshot(WRITTEN)
        if self._written[0] != snapshot:
            self._written = (snapshot, {})
        known = self._written[1]
        if wanted not in known:
            known[wanted] = dict(self.query(wanted).iter_rows())
        return known[wanted]

    def _opened(self) -> Cursors:
        with self._lock:
            if self._cursors is None:
                self._cursors = Cursors(self._open())
            return self._cursors

    def _open(self) -> duckdb.DuckDBPyConnection:
        if not self.has_layout():
            raise LakeError(_EARLIER)
        with locked(self._sessions, {CATALOG: "exclusive"}):  # two processes must not create the catalog at once
            connection = self._connect(self.attach_statement(read_only=False))
            try:
                connection.execute("CREATE SCHEMA IF NOT EXISTS lake.catalog")
                connection.execute(
                    f"CREATE TABLE IF NOT EXISTS lake.{WRITTEN} "
                    "(table_name VARCHAR NOT NULL, partition_key VARCHAR NOT NULL, through DATE)"
                )
            except BaseException:
                connection.close()
                raise
        return connection

    def has_layout(self) -> bool:
        """Whether the lake has the layout of this version, or is still empty."""
        if not self._ducklake.exists():
            return True
        found = self._ducklake.columns([WRITTEN])
        return WRITTEN not in found or "through" in found[WRITTEN]

    def _connect(self, attach_statement: str) -> duckdb.DuckDBPyConnection:
        return connect(self.postgres, attach_statement, self.data_path, self.threads)
