"""The SQL entry point: queries only, no file access, any snapshot."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from trading_assets.lake.errors import LakeError, SqlRefusedError
from trading_assets.lake.store._literals import literal
from trading_assets.lake.store.catalog import Lake

FORMATS = ("table", "csv", "json", "parquet")
# All other table functions of DuckDB are refused: they read files, other databases or settings, run text as SQL, or
# change the lake. Macros stored in the lake are allowed; a locked connection refuses what they may not read.
_TABLE_FUNCTIONS = frozenset({
    "current_snapshot", "duckdb_columns", "duckdb_databases", "duckdb_functions", "duckdb_schemas", "duckdb_tables",
    "duckdb_types", "duckdb_views", "generate_series", "json_each", "json_tree", "pragma_table_info", "range", "repeat",
    "snapshots", "table_changes", "table_deletions", "table_info", "table_insertions", "unnest",
})  # fmt: skip
_SHOW_TABLES = re.compile(r"\s*SHOW\s+TABLES\s*;?\s*", re.IGNORECASE)
# DuckDB's own SHOW TABLES lists one schema, which in a lake is empty; rows in quarantine are counted by `demo`.
_TABLES = """
    SELECT schema_name || '.' || table_name AS name, estimated_size AS rows, comment AS meaning
    FROM duckdb_tables() WHERE database_name = 'lake' AND schema_name NOT IN ('catalog', 'quarantine')
    UNION ALL
    SELECT schema_name || '.' || view_name, NULL, comment
    FROM duckdb_views() WHERE database_name = 'lake' AND NOT internal
    ORDER BY 1
"""
_EXPLAIN = re.compile(r"\s*EXPLAIN\s+(ANALYZE\s+)?(\([^)]*\)\s*)?", re.IGNORECASE)


class QueryError(LakeError):
    """A query cannot be run: it does not parse, names an unknown table or column, or fails on the data."""


def parse_at(text: str) -> int | datetime:
    """Read a snapshot id or an ISO time (UTC where it names no zone)."""
    if re.fullmatch(r"\d{1,18}", text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        msg = f"--at {text!r}: give a snapshot id (trading-assets lake snapshots) or a time such as 2026-01-31T16:00"
        raise SqlRefusedError(msg) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def run_query(lake: Lake, statement: str, *, at: int | datetime | None = None) -> pl.DataFrame:
    """Run one query on the lake, or on the lake as it was at a snapshot or a time.

    Raises
    ------
    SqlRefusedError
        The text is not exactly one query, or it uses a file, another database or a setting.
    QueryError
        The query does not parse, names an unknown table or column, or fails on the data.
    LakeError
        The lake cannot be opened, or has no such snapshot.
    """
    with closing(_locked(lake, at)) as connection:
        return _run(connection, statement)


def render(frame: pl.DataFrame, style: str, output: Path | None = None) -> str | bytes:
    """Show rows as an aligned table, CSV, JSON lines or Parquet."""
    if style == "csv":
        return _flat(frame).write_csv()
    if style == "json":
        return frame.write_ndjson()
    if style == "parquet":
        if output is None:
            msg = "--format parquet writes a file: add --output FILE.parquet"
            raise SqlRefusedError(msg)
        frame.write_parquet(output)
        return f"{frame.height} rows written to {output}\n"
    if style != "table":
        msg = f"unknown format {style!r}; choose one of {', '.join(FORMATS)}"
        raise SqlRefusedError(msg)
    with pl.Config(
        tbl_rows=100, tbl_cols=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, fmt_str_lengths=60
    ):
        return f"{frame}\n({frame.height} rows)\n"


def _locked(lake: Lake, at: int | datetime | None) -> duckdb.DuckDBPyConnection:
    """DuckDB that reads this lake and opens no other file, with its configuration locked."""
    connection = lake.attach(read_only=True, at=at)
    connection.execute("SET python_enable_replacements = false")  # variables of this process are not tables
    connection.execute(f"SET allowed_directories = [{literal(lake.data_path.rstrip('/') + '/')}]")
    connection.execute("SET enable_external_access = false; SET lock_configuration = true")
    return connection


def _run(connection: duckdb.DuckDBPyConnection, statement: str) -> pl.DataFrame:
    if _SHOW_TABLES.fullmatch(statement):
        statement = _TABLES
    try:
        return _rows(connection.execute(_checked(connection, statement)))
    except duckdb.PermissionException as error:
        msg = f"refused, the lake is read-only and without file access here: {error}"
        raise SqlRefusedError(msg) from None
    except (duckdb.Error, RuntimeError) as error:
        msg = f"the query failed: {str(error).strip()}"
        raise QueryError(msg) from None


def _checked(connection: duckdb.DuckDBPyConnection, statement: str) -> duckdb.Statement:
    """The one statement of a text, if it is a query and may use every table and table function in it."""
    statements = connection.extract_statements(statement)
    if len(statements) == 1:
        found = statements[0]
        text = found.query
        if found.type == duckdb.StatementType.EXPLAIN:
            text = _EXPLAIN.sub("", text, count=1)
        row = connection.execute(f"SELECT json_serialize_sql({literal(text)})").fetchone()
        tree = json.loads(row[0]) if row else {"error": True}
        if not tree["error"] and len(tree["statements"]) == 1:
            for node in _nodes(tree):
                _check_node(connection, node)
            return found
    msg = (
        "give exactly one query (SELECT, FROM, WITH, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN); the lake is read-only here"
    )
    raise SqlRefusedError(msg)


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _check_node(connection: duckdb.DuckDBPyConnection, node: dict[str, Any]) -> None:
    if node.get("type") == "TABLE_FUNCTION":
        function = node["function"]
        name = str(function.get("function_name")).lower()
        if name not in _TABLE_FUNCTIONS and not _is_macro(connection, function):
            msg = f"refused: {name}() is not allowed in queries; a query reads the tables of the lake (SHOW TABLES)"
            raise SqlRefusedError(msg)
    if node.get("type") in ("BASE_TABLE", "SHOW_REF"):
        parts = [str(node.get(part) or "").lower() for part in ("catalog_name", "schema_name", "table_name")]
        if any(part.startswith("__ducklake") for part in parts):
            msg = "refused: queries cannot read the lake's catalog database; see trading-assets lake snapshots or diff"
            raise SqlRefusedError(msg)
        if set(parts[-1]) & set("./\\*"):
            msg = f"refused: {parts[-1]!r} is a file; a query reads the tables of the lake (SHOW TABLES)"
            raise SqlRefusedError(msg)


def _is_macro(connection: duckdb.DuckDBPyConnection, function: dict[str, Any]) -> bool:
    """Whether a function is called as ``schema.name`` and the lake holds a table macro of that name."""
    if not function.get("schema") or function.get("catalog") not in (None, "", "lake"):
        return False
    found = connection.execute(
        "SELECT count(*) FROM duckdb_functions() WHERE database_name = 'lake' AND function_type = 'table_macro' "
        f"AND schema_name = {literal(str(function['schema']).lower())} "
        f"AND function_name = {literal(str(function['function_name']).lower())}"
    ).fetchone()
    return bool(found and found[0])


def _rows(result: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    try:
        return _plain_numbers(result.pl())
    except pl.exceptions.PolarsError as error:
        msg = f"a column of the result has a type that cannot be shown; cast it to VARCHAR in the query ({error})"
        raise QueryError(msg) from None


def _plain_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Frame with integers and floats in place of decimals, which DuckDB returns for sums and literals."""
    decimals = {name: dtype for name, dtype in frame.schema.items() if isinstance(dtype, pl.Decimal)}
    columns = []
    for name, dtype in decimals.items():
        whole = frame[name].cast(pl.Int64, strict=False)
        fits = dtype.scale == 0 and whole.null_count() == frame[name].null_count()
        columns.append(whole if fits else frame[name].cast(pl.Float64))
    return frame.with_columns(columns)


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Frame with lists and structs as JSON text, because CSV cannot express them."""
    nested = [name for name, dtype in frame.schema.items() if dtype.is_nested()]
    texts = [pl.struct(value=name).struct.json_encode().str.slice(len('{"value":')).str.head(-1) for name in nested]
    return frame.with_columns(
        pl.when(pl.col(name).is_not_null()).then(text).alias(name) for name, text in zip(nested, texts, strict=True)
    )
