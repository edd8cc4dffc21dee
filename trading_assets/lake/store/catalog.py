"""The lake of one folder: DuckLake tables (Parquet files, catalog in Postgres) seen through DuckDB."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
import polars as pl

from trading_assets.lake.contracts import Contract
from trading_assets.lake.errors import LakeError
from trading_assets.lake.postgres.locks import CATALOG, EVERYTHING, locked
from trading_assets.lake.postgres.sessions import Cursors, Sessions
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.lake.store import _tables
from trading_assets.lake.store._connecting import connect
from trading_assets.lake.store._literals import literal
from trading_assets.lake.store.retries import with_retries

WRITTEN = "catalog.written_partitions"
METADATA = "__ducklake_metadata_lake.lake"
# A file that maintenance has merged from several keeps the first snapshot as begin and the last as partial_max.
_CHANGED_AT = """
    SELECT max(snapshot) FROM (
        SELECT table_id, greatest(begin_snapshot, end_snapshot, partial_max) AS snapshot FROM lake.ducklake_data_file
        UNION ALL
        SELECT table_id, greatest(begin_snapshot, end_snapshot, partial_max) FROM lake.ducklake_delete_file) files
    JOIN lake.ducklake_table t USING (table_id) JOIN lake.ducklake_schema s USING (schema_id)
    WHERE s.schema_name || '.' || t.table_name = ANY(%s)
"""
_HAS_FILES = """
    SELECT EXISTS (
        SELECT 1 FROM lake.ducklake_schema s
        JOIN lake.ducklake_table t USING (schema_id)
        JOIN lake.ducklake_data_file f USING (table_id)
        WHERE s.schema_name = %s AND t.table_name = %s
        AND s.end_snapshot IS NULL AND t.end_snapshot IS NULL AND f.end_snapshot IS NULL)
"""
# A commit's changes are written down as: inserted_into_table:7,deleted_from_table:7
_COMMITS = """
    SELECT json_agg(json_build_array(snapshot, kinds, info) ORDER BY snapshot DESC) FROM (
        SELECT c.snapshot_id AS snapshot, c.commit_extra_info AS info,
            ARRAY(SELECT m[1] FROM regexp_matches(c.changes_made, '([a-z_]+):' || t.table_id || '(?=,|$)', 'g') m) kinds
        FROM lake.ducklake_snapshot_changes c
        JOIN lake.ducklake_table t ON c.changes_made ~ ('[a-z_]:' || t.table_id || '(,|$)')
        JOIN lake.ducklake_schema s USING (schema_id)
        WHERE s.schema_name = %s AND t.table_name = %s AND t.end_snapshot IS NULL AND s.end_snapshot IS NULL
        AND c.snapshot_id < %s
        ORDER BY 1 DESC LIMIT %s) commits
"""
_COMMITS_AT_ONCE = 100
_COLUMNS = """
    SELECT c.column_name FROM lake.ducklake_schema s
    JOIN lake.ducklake_table t USING (schema_id)
    JOIN lake.ducklake_column c USING (table_id)
    WHERE s.schema_name = %s AND t.table_name = %s
    AND s.end_snapshot IS NULL AND t.end_snapshot IS NULL AND c.end_snapshot IS NULL
"""
_EARLIER = (
    "this lake was written by an earlier version, which had a partition for each session; nothing is lost: run once "
    "trading-assets lake migrate (with the same --home)"
)
_SAME_ROWS = {"merge_adjacent", "rewrite_delete"}
_KEPT = "SELECT json_agg(snapshot_id) FROM lake.ducklake_snapshot WHERE snapshot_id = ANY(%s)"


@dataclass(frozen=True, slots=True)
class Commit:
    """A snapshot that touched a table.

    Attributes
    ----------
    snapshot : int
        Its id.
    kinds : frozenset of str
        What DuckLake notes of it: ``inserted_into_table``, ``deleted_from_table``, ``merge_adjacent``...
    info : mapping
        What its writer recorded.
    """

    snapshot: int
    kinds: frozenset[str]
    info: Mapping[str, Any]

    @property
    def keeps_rows(self) -> bool:
        """Whether it arranged the files of the table anew and left its rows as they were."""
        return self.kinds <= _SAME_ROWS


@dataclass
class Lake:
    """A lake: where its Postgres is and where its Parquet files are.

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
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    # Contract that a table was last found to hold, and the version of the lake's schema then.
    _ensured: dict[str, tuple[int, Contract]] = field(default_factory=dict, repr=False)
    # Snapshot that last changed the registry of partitions, and what was asked of it since.
    _written: tuple[int, dict[str, Mapping[str, date | None]]] = field(default=(-1, {}), repr=False)

    def __post_init__(self) -> None:
        self._sessions = Sessions(self.postgres)

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
        if is_reader and not self._has_catalog():
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
        if not path.exists() or path.read_text() != text:
            partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
            partial.write_text(text)
            partial.replace(path)

    @contextmanager
    def exclusively(self, *tables: str) -> Iterator[None]:
        """Keep other writers of these tables waiting, in every process; without a name, all writers of the lake.

        DuckLake lets two transactions insert into one table at once, so two writers of the same empty partition
        would both succeed and every row would be there twice. Postgres frees the lock when its holder dies.

        Raises
        ------
        LakeError
            Another process has held it for ten minutes.
        """
        self._opened()  # the catalog is there, and nothing below waits for a lock that is held here
        names: dict[str, Literal["shared", "exclusive"]] = {EVERYTHING: "shared" if tables else "exclusive"}
        names.update(dict.fromkeys(sorted(tables), "exclusive"))
        with locked(self._sessions, names) as postgres:
            # A killed writer's last commit may still be on its way through Postgres: let it end first.
            postgres.execute("BEGIN; LOCK TABLE lake.ducklake_snapshot IN SHARE MODE; COMMIT")
            yield

    def query(self, statement: str, parameters: list[object] | None = None) -> pl.DataFrame:
        """Run a query and return its rows."""
        with self._opened().lent() as cursor:
            return cursor.execute(statement, parameters).pl()

    def asked(self, statement: str, *values: object) -> Any:
        """The one value that Postgres answers about the catalog: DuckDB would take a transaction of its own for it."""
        self._opened()
        with self._sessions.lent() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone()[0]

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
        with self._opened().lent() as cursor:
            return list(_tables.stored_columns(cursor, table))

    def ensure_table(self, contract: Contract) -> None:
        """Create a contract's table and its quarantine, or add the columns that the contract has gained.

        Raises
        ------
        LakeError
            A stored column has another type than the contract says.
        """
        with self.exclusively(contract.table):
            self.ensure_own_table(contract)

    def ensure_own_table(self, contract: Contract) -> None:
        """Do the same for a table that the caller holds exclusively."""
        version = self.asked("SELECT schema_version FROM lake.ducklake_snapshot ORDER BY snapshot_id DESC LIMIT 1")
        if self._ensured.get(contract.table) != (version, contract):
            with_retries(self, lambda cursor: _tables.ensure_table(cursor, contract))
            self._ensured[contract.table] = (version, contract)

    def has_files(self, table: str) -> bool:
        """Whether a table exists and has data.

        Asked before it is read: DuckLake asks Postgres twice for each column of a table that has never had any.
        """
        stage, name = table.split(".")
        return bool(self.asked(_HAS_FILES, stage, name))

    def current_snapshot(self) -> int:
        """Id of the newest snapshot."""
        return int(self.asked("SELECT max(snapshot_id) FROM lake.ducklake_snapshot") or 0)

    def table_snapshot(self, *tables: str) -> int:
        """Id of the newest snapshot that changed any of the tables; 0 if none did."""
        return int(self.asked(_CHANGED_AT, list(tables)) or 0)

    def commits(self, table: str) -> Iterator[Commit]:
        """Snapshots that touched a table, newest first, read as they are asked for."""
        stage, name = table.split(".")
        before = sys.maxsize
        while found := self.asked(_COMMITS, stage, name, before, _COMMITS_AT_ONCE):
            yield from (Commit(at, frozenset(kinds), json.loads(info or "{}")) for at, kinds, info in found)
            before = found[-1][0]

    def kept_snapshots(self, among: Collection[int]) -> set[int]:
        """Those of some snapshots that maintenance has not expired."""
        return set(self.asked(_KEPT, list(among)) or ()) if among else set()

    def written_partitions(self, table: str, among: Collection[str] = ()) -> frozenset[str]:
        """Partition keys of a table that have been written at least once, as `written_through` has them."""
        return frozenset(self.written_through(table, among))

    def written_through(self, table: str, among: Collection[str] = ()) -> Mapping[str, date | None]:
        """Partitions of a table that have been written, each with the last day that it has been written through.

        Parameters
        ----------
        table : str
            ``stage.table``.
        among : collection of str, optional
            Keys of interest: others may be left out, and the files that hold them alone are not opened.

        Returns
        -------
        mapping of str to date or None
            Partition key -> day; None for a partition that is written as a whole, or that no day of was over.
        """
        within = f" AND partition_key BETWEEN {literal(min(among))} AND {literal(max(among))}" if among else ""
        wanted = (
            f"SELECT partition_key, max(through) AS through FROM lake.{WRITTEN} "
            f"WHERE table_name = {literal(table)}{within} GROUP BY partition_key"
        )
        # the models of a run ask for the same partitions one after the other
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
        with locked(self._sessions, {CATALOG: "exclusive"}):  # two processes must not make the catalog at once
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
        """Whether the lake has the layout of this version, or nothing is in it yet."""
        if not self._has_catalog():
            return True
        stage, name = WRITTEN.split(".")
        with self._sessions.lent() as cursor:
            cursor.execute(_COLUMNS, (stage, name))
            found = {column for (column,) in cursor.fetchall()}
        return not found or "through" in found

    def _connect(self, attach_statement: str) -> duckdb.DuckDBPyConnection:
        return connect(self.postgres, attach_statement, self.data_path, self.threads)

    def _has_catalog(self) -> bool:
        with self._sessions.lent() as cursor:
            cursor.execute("SELECT to_regclass('lake.ducklake_snapshot') IS NOT NULL")
            return bool(cursor.fetchone()[0])
