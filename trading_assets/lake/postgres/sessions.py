"""Sessions that are kept for the next use: DuckDB's on the lake, and Postgres's on its catalog.

Opening a DuckDB cursor on the lake takes a transaction of the catalog, and opening a Postgres session takes a server
process: both cost more than most statements.

psycopg2's pool opens its minimum at once, keeps no more than that and does not notice sessions that the server has
dropped; SQLAlchemy's pool does, but takes 0.2 s to import, a third of what ``trading-assets sql`` may take.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import psycopg2

from trading_assets.lake.postgres.url import PostgresUrl


class Cursors:
    """Cursors of one DuckDB connection, each borrowed by one user at a time."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._idle: list[duckdb.DuckDBPyConnection] = []
        self._lock = threading.Lock()
        self._is_closed = False

    def open(self) -> duckdb.DuckDBPyConnection:
        """A new cursor with the lake in use."""
        cursor = self._connection.cursor()
        cursor.execute("USE lake")
        return cursor

    @contextmanager
    def borrow(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for a statement that is read to its end; it is kept if the statement succeeds."""
        with self._lock:
            cursor = self._idle.pop() if self._idle else None
        cursor = cursor or self.open()
        try:
            yield cursor
        except BaseException:
            cursor.close()
            raise
        with self._lock:
            if not self._is_closed:
                self._idle.append(cursor)
                return
        cursor.close()

    def close(self) -> None:
        """Close the connection with all of its cursors."""
        with self._lock:
            self._is_closed = True
            for cursor in self._idle:
                cursor.close()
            self._idle.clear()
        self._connection.close()


class Sessions:
    """Sessions of Postgres, each borrowed by one user at a time; one that the server has dropped is replaced."""

    def __init__(self, postgres: PostgresUrl) -> None:
        self._postgres = postgres
        self._idle: list[Any] = []
        self._lock = threading.Lock()

    @contextmanager
    def borrow(self) -> Iterator[Any]:
        """A cursor of a session; its advisory locks are released afterwards. On an error the session is closed."""
        connection = self._alive() or self._postgres.connect()
        try:
            with connection.cursor() as cursor:
                yield cursor
                cursor.execute("SELECT pg_advisory_unlock_all()")
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)

    def close(self) -> None:
        """Close the idle sessions."""
        with self._lock:
            for connection in self._idle:
                connection.close()
            self._idle.clear()

    def _alive(self) -> Any:
        """An idle session that still responds, or None."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
            except psycopg2.Error:
                connection.close()
            else:
                return connection
