"""Run the SQL of a model for a span of days, on the lake or on frames in place of its tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date

import duckdb
import polars as pl

from trading_assets.features.sql.compiled import SqlModelError
from trading_assets.lake import Lake
from trading_assets.lake.contracts import Contract
from trading_assets.lake.store._literals import literal

_WORD = re.compile(r"\w+")
_idle: list[duckdb.DuckDBPyConnection] = []


def columns_read(sql: str, table: Contract, made: Contract) -> list[str]:
    """Columns of a table that a model may read; a set has hundreds that the model does not name.

    These are the columns that its text names, the columns of its own table, which it may pass on with a star, and the
    key and the time column. All columns if the text has ``COLUMNS(...)``.
    """
    words = {word.lower() for word in _WORD.findall(sql)}
    named = {*words, *made.schema, *table.key, table.time}
    return [name for name in table.schema if name in named or "columns" in words]


def run_on_lake(lake: Lake, contract: Contract, sql: str, first: date, last: date) -> pl.DataFrame:
    """Rows of a model from one day to another, with the columns of its contract.

    Raises
    ------
    SqlModelError
        DuckDB refuses the statement; the message names the model and holds DuckDB's own.
    """
    with closing(lake.cursor()) as cursor:
        return _run(cursor, contract, sql, first, last)


def run_on_frames(
    frames: Mapping[str, pl.DataFrame], contract: Contract, sql: str, first: date, last: date, *, threads: int = 1
) -> pl.DataFrame:
    """Run a model as `run_on_lake` does, on frames by table instead of the lake's tables."""
    with _in_memory() as connection:
        connection.execute(f"SET threads = {threads}")
        for table, frame in frames.items():
            connection.register("given", frame.to_arrow())
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS lake.{table.partition('.')[0]}")
            connection.execute(f"CREATE TABLE lake.{table} AS FROM given")
        return _run(connection, contract, sql, first, last)


@contextmanager
def _in_memory() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with an empty catalog ``lake``; opening one costs more than a model of a few names: it is reused."""
    connection = _idle.pop() if _idle else duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'; ATTACH ':memory:' AS lake")
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
    connection.execute("DETACH lake")
    _idle.append(connection)


def _run(connection: duckdb.DuckDBPyConnection, contract: Contract, sql: str, first: date, last: date) -> pl.DataFrame:
    columns = ", ".join(f'"{column.name}"::{column.sql_type} AS "{column.name}"' for column in contract.columns)
    try:
        connection.execute(f"SET VARIABLE first_day = {literal(first)}::DATE")
        connection.execute(f"SET VARIABLE last_day = {literal(last)}::DATE")
        found = connection.execute(
            f"SELECT {columns} FROM (\n{sql}\n) WHERE date BETWEEN {literal(first)} AND {literal(last)}"
        ).pl()
    except duckdb.Error as error:
        raise SqlModelError(f"the model of {contract.table} does not run: {error}") from error
    return found.sort(contract.key)
