"""One Postgres under Dagster's storage, the DuckLake catalog and MLflow.

By default it is embedded: a real server from a wheel, started on demand below the lake's folder on a unix socket,
shared by all processes and stopped by the last one that holds it. A hold is a shared lock on a file, which the
kernel drops even when the process is killed, so a crash never leaves a wrong count. Joining and leaving happen under a
second, exclusive lock: no process joins a server that another one is about to stop.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import psycopg2
from psycopg2 import sql

from trading_assets.lake.errors import LakeError
from trading_assets.lake.postgres import server as _postgres_server

SCHEMAS = ("broker", "dagster", "lake", "mlflow")
_held: dict[Path, IO[str]] = {}


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """Address of Postgres, in the three notations that its clients need. The password is never part of ``repr``."""

    host: str
    port: int
    user: str
    database: str
    password: str = ""
    options: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"PostgresUrl({self.user}@{self.host}:{self.port}/{self.database})"

    @classmethod
    def parse(cls, url: str) -> PostgresUrl:
        """Read ``postgresql[+driver]://user:password@host:port/database?option=value``.

        Raises
        ------
        LakeError
            The text is not a Postgres URL; the message does not repeat it, because it may hold a password.
        """
        try:
            parts = urlsplit(url)
            query = dict(parse_qsl(parts.query.replace("+", "%2B")))
            port = parts.port or int(query.pop("port", "5432"))
        except ValueError:
            raise _bad_url() from None
        database = unquote(parts.path.strip("/"))
        if not re.fullmatch(r"postgres(ql)?(\+\w+)?", parts.scheme) or not database or parts.fragment:
            raise _bad_url()
        if "sslpassword" in query:
            msg = "DATABASE_URL: sslpassword is not supported; use a client key without a password"
            raise LakeError(msg)
        host = re.sub(r":\d*$", "", parts.netloc.rpartition("@")[2]).strip("[]")  # urlsplit lowers a socket's path
        user, password = query.pop("user", "postgres"), query.pop("password", "")
        return cls(
            host=query.pop("host", "") or unquote(host) or "localhost",
            port=port,
            user=unquote(parts.username or "") or user,
            database=query.pop("dbname", "") or database,
            password=unquote(parts.password or "") or password,
            options=tuple(sorted(query.items())),
        )

    def sqlalchemy(self, schema: str) -> str:
        """URL for SQLAlchemy with psycopg2, whose unqualified tables live in ``schema``."""
        credentials = quote(self.user, safe="") + (f":{quote(self.password, safe='')}" if self.password else "")
        options = dict(self.options)
        options["options"] = f"{options.get('options', '')} -csearch_path={schema}".strip()
        more = "".join(f"&{name}={quote(value, safe='')}" for name, value in options.items())
        return (
            f"postgresql+psycopg2://{credentials}@/{quote(self.database, safe='')}"
            f"?host={quote(self.host, safe='')}&port={self.port}{more}"
        )

    def libpq(self) -> str:
        """Connection string for libpq without the password."""
        parts = {"dbname": self.database, "host": self.host, "port": self.port, "user": self.user, **dict(self.options)}
        return " ".join(f"{name}={_libpq_value(str(value))}" for name, value in parts.items())

    def connect(self) -> Any:
        """Open an autocommitting psycopg2 connection.

        Raises
        ------
        LakeError
            The server cannot be reached, or refuses this user.
        """
        try:
            connection = psycopg2.connect(self.libpq(), password=self.password or None)
        except psycopg2.Error as error:
            msg = f"cannot open the lake's Postgres at {self!r}: {self.redact(str(error).strip())}"
            raise LakeError(msg) from None
        connection.autocommit = True
        return connection

    def redact(self, text: str) -> str:
        """Text without the password, in whichever notation a library printed it."""
        if not self.password:
            return text
        for spelling in (_libpq_value(self.password), self.password, quote(self.password, safe="")):
            text = text.replace(spelling, "***")
        return text

    def ensure_schemas(self) -> None:
        """Create the schemas of Dagster, the lake, the broker and MLflow where they are missing."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            # Two processes may start on an empty database at once; IF NOT EXISTS alone races in Postgres.
            cursor.execute("SELECT pg_advisory_lock(7171)")
            for schema in SCHEMAS:
                cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))


def hold_embedded_postgres(folder: Path) -> PostgresUrl:
    """Start the embedded Postgres of a lake, or join the running one, until this process ends.

    Parameters
    ----------
    folder : pathlib.Path
        Data folder of the server, below the lake's folder; created on first use.
    """
    folder = folder.resolve()
    _postgres_server.require_usable(folder)
    with _locked(folder):
        sockets = _postgres_server.ensure_running(folder)
        if folder not in _held:
            holders = folder.with_name(f"{folder.name}.holders").open("a")
            fcntl.flock(holders, fcntl.LOCK_SH)
            _held[folder] = holders
    return PostgresUrl(str(sockets), _postgres_server.PORT, "postgres", "postgres")


def release_embedded_postgres(folder: Path) -> bool:
    """Release this process's hold; stop the server if no other process holds it. True if it was stopped."""
    folder = folder.resolve()
    if folder not in _held:
        return False
    with _locked(folder) as lock, _held.pop(folder) as holders:
        try:
            fcntl.flock(holders, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return _postgres_server.stop(folder, lock)


def stop_embedded_postgres(folder: Path) -> bool:
    """Stop the server regardless of its holders, for instance after a crash. True if one was running."""
    folder = folder.resolve()
    if not folder.exists():
        return False
    with _locked(folder) as lock:
        return _postgres_server.stop(folder, lock)


@contextmanager
def _locked(folder: Path) -> Iterator[IO[str]]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def release_held() -> None:
    """Release every server that this process holds."""
    for folder in list(_held):
        release_embedded_postgres(folder)


def _bad_url() -> LakeError:
    return LakeError(
        "DATABASE_URL must look like postgresql://user:password@host:5432/database; "
        "percent-encode special characters of the password"
    )


def _libpq_value(value: str) -> str:
    if re.fullmatch(r"[\w./:@%+,-]+", value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


atexit.register(release_held)
# A forked child shares the lock of its parent: if it released the lock when it exits, it would stop the server.
os.register_at_fork(after_in_child=_held.clear)
