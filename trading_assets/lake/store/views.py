"""Views in the lake: kept as their queries say, and stored anew only where those have changed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import duckdb

from trading_assets.lake.store._literals import literal
from trading_assets.lake.store.catalog import Lake
from trading_assets.lake.store.retries import roll_back, with_retries

_COLUMNS = """
SELECT coalesce(json_object_agg(name, columns), '{}') FROM (
    SELECT s.schema_name || '.' || t.table_name AS name, json_agg(c.column_name ORDER BY c.column_order) AS columns
    FROM lake.ducklake_table t
    JOIN lake.ducklake_schema s USING (schema_id)
    JOIN lake.ducklake_column c USING (table_id)
    WHERE t.end_snapshot IS NULL AND s.end_snapshot IS NULL AND c.end_snapshot IS NULL AND c.parent_column IS NULL
      AND s.schema_name || '.' || t.table_name = ANY(%s)
    GROUP BY 1) tables
"""
_QUERY = """
SELECT max(v.sql) FROM lake.ducklake_view v JOIN lake.ducklake_schema s USING (schema_id)
WHERE v.end_snapshot IS NULL AND s.end_snapshot IS NULL AND s.schema_name || '.' || v.view_name = %s
"""


def stored_tables(lake: Lake, tables: Sequence[str]) -> dict[str, list[str]]:
    """Columns of those of the tables that the lake has."""
    return dict(lake.asked(_COLUMNS, list(tables)))


def ensure_view(lake: Lake, name: str, query: str, *, meaning: str) -> bool:
    """Store a view where the lake does not have it as it is.

    Parameters
    ----------
    lake : Lake
        The lake.
    name : str
        ``stage.name``; no table has it.
    query : str
        What it selects; tables are named without the catalog, so that it works under any name of the attached lake.
    meaning : str
        Comment that is stored with it.

    Returns
    -------
    bool
        Whether it was stored now.
    """
    if _stored_query(lake, name) == rendered(query):
        return False
    with lake.exclusively(name):
        if _stored_query(lake, name) == rendered(query):
            return False
        with_retries(lake, lambda cursor: _store(cursor, name, query, meaning))
    return True


def _store(cursor: duckdb.DuckDBPyConnection, name: str, query: str, meaning: str) -> None:
    cursor.execute("BEGIN")
    try:
        cursor.execute(f"CREATE OR REPLACE VIEW lake.{name} AS {query}")
        cursor.execute(f"COMMENT ON VIEW lake.{name} IS {literal(meaning)}")
        cursor.execute("COMMIT")
    except BaseException:
        roll_back(cursor)
        raise


@cache
def rendered(query: str) -> str:
    """A query as DuckDB says it, which is how the lake keeps it."""
    with duckdb.connect() as connection:
        row = connection.execute(f"SELECT json_deserialize_sql(json_serialize_sql({literal(query)}))").fetchone()
    return str(row[0]) if row else ""


def _stored_query(lake: Lake, name: str) -> str | None:
    found = lake.asked(_QUERY, name)
    return None if found is None else str(found)
