"""Views in the lake, replaced only if their queries have changed."""

from __future__ import annotations

from functools import cache

import duckdb

from trading_assets.lake.store._literals import literal
from trading_assets.lake.store.catalog import Lake
from trading_assets.lake.store.retries import roll_back, with_retries


def ensure_view(lake: Lake, name: str, query: str, *, meaning: str) -> bool:
    """Store a view unless the lake has it with this query.

    Parameters
    ----------
    lake : Lake
        The lake.
    name : str
        ``stage.name``, which no table may have.
    query : str
        Its SELECT statement; tables are named without the catalog, so that it works whatever name the lake is
        attached under.
    meaning : str
        Comment to store with it.

    Returns
    -------
    bool
        Whether it was stored.
    """
    if lake.ducklake.view_query(name) == rendered(query):
        return False
    with lake.exclusively(name):
        if lake.ducklake.view_query(name) == rendered(query):
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
    """A query as DuckDB renders it, which is how the lake stores it."""
    with duckdb.connect() as connection:
        row = connection.execute(f"SELECT json_deserialize_sql(json_serialize_sql({literal(query)}))").fetchone()
    return str(row[0]) if row else ""
