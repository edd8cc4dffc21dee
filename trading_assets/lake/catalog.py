"""The lake of one folder: DuckLake tables (Parquet files, catalog in Postgres) seen through DuckDB."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import duckdb
import polars as pl

from trading_assets.lake import _tables
from trading_assets.lake._literals import literal, literals
from trading_assets.lake._locks import CATALOG, EVERYTHING, locked
from trading_assets.lake.contracts import Contract
from trading_assets.lake.errors import LakeError
from trading_assets.lake.postgres import PostgresUrl
from trading_assets.lake.retries import with_retries

EXTENSIONS = ("ducklake", "postgres_scanner")
WRITTEN = "catalog.written_partitions"
METADATA = "__ducklake_metadata_lake.lake"


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
    _connection: duckdb.DuckDBPyConnection | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {"postgres": self.postgres, "data_path": self.data_path, "threads": self.threads}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Cursor on this process's DuckDB with the lake attached as ``lake`` and in use."""
        with self._lock:
            if self._connection is None:
                self._connection = self._open()
            cursor = self._connection.cursor()
        cursor.execute("USE lake")
        return cursor

    def close(self) -> None:
        """Close this process's DuckDB; the next cursor opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

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
            self.cursor().close()
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
        self.cursor().close()  # the catalog is there, and nothing below waits for a lock that is held here
        names: dict[str, Literal["shared", "exclusive"]] = {EVERYTHING: "shared" if tables else "exclusive"}
        names.update(dict.fromkeys(sorted(tables), "exclusive"))
        with locked(self.postgres, names) as postgres:
            # A killed writer's last commit may still be on its way through Postgres: let it end first.
            postgres.execute("BEGIN; LOCK TABLE lake.ducklake_snapshot IN SHARE MODE; COMMIT")
            yield

    def query(self, statement: str, parameters: list[object] | None = None) -> pl.DataFrame:
        """Run a query and return its rows."""
        return self.cursor().execute(statement, parameters).pl()

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
        return list(_tables.stored_columns(self.cursor(), table))

    def ensure_table(self, contract: Contract) -> None:
        """Create a contract's table and its quarantine, or add the columns that the contract has gained.

        Raises
        ------
        LakeError
            A stored column has another type than the contract says.
        """
        with self.exclusively(contract.table):
            with_retries(self, lambda cursor: _tables.ensure_table(cursor, contract))

    def current_snapshot(self) -> int:
        """Id of the newest snapshot."""
        row = self.cursor().execute("SELECT id FROM lake.current_snapshot()").fetchone()
        return int(row[0]) if row else 0

    def table_snapshot(self, *tables: str) -> int:
        """Id of the newest snapshot that changed any of the tables; 0 if none did."""
        if not tables:
            return 0
        listed = literals(tables)
        # A file that maintenance has merged from several keeps the first snapshot as begin and the last as partial_max.
        files = " UNION ALL ".join(
            f"SELECT table_id, greatest(begin_snapshot, end_snapshot, partial_max) AS snapshot FROM {METADATA}.{name}"
            for name in ("ducklake_data_file", "ducklake_delete_file")
        )
        row = (
            self.cursor()
            .execute(
                f"SELECT max(snapshot) FROM ({files}) JOIN {METADATA}.ducklake_table t USING (table_id) "
                f"JOIN {METADATA}.ducklake_schema s USING (schema_id) "
                f"WHERE s.schema_name || '.' || t.table_name IN ({listed})"
            )
            .fetchone()
        )
        return int(row[0] or 0) if row else 0

    def written_partitions(self, table: str) -> set[str]:
        """Partition keys of a table that have been written at least once, with rows or without."""
        found = self.query(f"SELECT partition_key FROM lake.{WRITTEN} WHERE table_name = {literal(table)}")
        return set(found["partition_key"].to_list())

    def _open(self) -> duckdb.DuckDBPyConnection:
        with locked(self.postgres, {CATALOG: "exclusive"}):  # two processes must not make the catalog at once
            connection = self._connect(self.attach_statement(read_only=False))
            try:
                connection.execute("CREATE SCHEMA IF NOT EXISTS lake.catalog")
                connection.execute(
                    f"CREATE TABLE IF NOT EXISTS lake.{WRITTEN} "
                    "(table_name VARCHAR NOT NULL, partition_key VARCHAR NOT NULL)"
                )
            except BaseException:
                connection.close()
                raise
        return connection

    def _connect(self, attach_statement: str) -> duckdb.DuckDBPyConnection:
        import_extensions()
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            # `import_extensions` has checked the signatures once; again for every connection would take 0.3 s each.
            "allow_unsigned_extensions": "true",
        }
        if self.threads:
            config["threads"] = self.threads
        connection = duckdb.connect(config=config)
        try:
            connection.execute("LOAD ducklake; LOAD postgres_scanner; SET TimeZone = 'UTC'")
            if self.postgres.password:
                connection.execute(f"CREATE SECRET (TYPE postgres, PASSWORD {literal(self.postgres.password)})")
            connection.execute(attach_statement)
            connection.execute("USE lake")
        except duckdb.Error as error:
            connection.close()
            reason = self.postgres.redact(str(error).strip())
            msg = f"cannot open the lake of {self.postgres!r} with its files in {self.data_path}: {reason}"
            raise LakeError(msg) from None
        return connection

    def _has_catalog(self) -> bool:
        with closing(self.postgres.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('lake.ducklake_snapshot') IS NOT NULL")
            return bool(cursor.fetchone()[0])


@cache
def import_extensions() -> None:
    """Install DuckDB's extensions from their wheels, without any download, and check their signatures."""
    from duckdb_extensions import import_extension

    with closing(duckdb.connect()) as connection:
        for name in EXTENSIONS:
            import_extension(name, con=connection)
            connection.execute(f"LOAD {name}")
