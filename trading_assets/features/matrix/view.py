"""The matrix as a view in the lake, for any SQL client: ``FROM features.matrix WHERE date = DATE '2016-01-04'``."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from trading_assets.features.matrix.matrix import KEY, Matrix, features_in, short_name
from trading_assets.lake import Lake
from trading_assets.lake.store.views import ensure_view

NAME = "features.matrix"
MEANING = (
    "All daily features of a name and session side by side: a view that joins the tables of the sets and of the SQL "
    "features, as far as they have been written. A row holds what was known at the close of its session."
)


def view_query(matrix: Matrix, stored: Mapping[str, Collection[str]]) -> str | None:
    """Query of the view over the tables and columns that a lake has; None if no table with a symbol exists yet.

    Parameters
    ----------
    matrix : Matrix
        What the view is made of.
    stored : mapping of str to collection of str
        Columns of each table in the lake.
    """
    tables = [table for table in matrix.tables if table.table in stored]
    base = next((table for table in tables if table.key == KEY), None)
    if base is None:
        return None
    ordered = list(dict.fromkeys((base, *tables)))
    columns = [f"{short_name(base)}.{name}" for name in KEY]
    joins = [f"{base.table}"]
    for table in ordered:
        present = stored[table.table]
        columns += [f'{short_name(table)}."{name}"' for name in features_in(table) if name in present]
        if table is not base:
            joins.append(f"LEFT JOIN {table.table} USING ({', '.join(table.key)})")
    return f"SELECT {', '.join(columns)} FROM {' '.join(joins)}"


def ensure_matrix(lake: Lake, matrix: Matrix) -> bool:
    """Create the view, or replace it if a table or a column has been added; otherwise it costs two Postgres queries.

    Returns
    -------
    bool
        Whether the view was created or replaced.
    """
    query = view_query(matrix, lake.ducklake.columns([table.table for table in matrix.tables]))
    return query is not None and ensure_view(lake, NAME, query, meaning=MEANING)
