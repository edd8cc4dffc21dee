"""Time travel: list snapshots, compare two of them, roll back to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import duckdb
import polars as pl

from trading_assets.lake.errors import LakeError
from trading_assets.lake.store.catalog import Lake
from trading_assets.lake.store.retries import roll_back, with_retries


def snapshots(lake: Lake, *, limit: int | None = None) -> pl.DataFrame:
    """Snapshots, newest first: id, time (UTC), what changed, who wrote it."""
    tables = lake.ducklake.table_names()
    rows = (
        lake.cursor()
        .execute(
            "SELECT snapshot_id, strftime(snapshot_time, '%Y-%m-%d %H:%M:%S.%f+00:00'), changes, author, "
            "commit_message FROM lake.snapshots() ORDER BY snapshot_id DESC" + (f" LIMIT {limit}" if limit else "")
        )
        .fetchall()
    )
    return pl.DataFrame(
        [
            (i, moment, _describe(changes, tables), author or "", message or "")
            for i, moment, changes, author, message in rows
        ],
        schema={
            "snapshot": pl.Int64,
            "time": pl.String,
            "changes": pl.String,
            "run": pl.String,
            "message": pl.String,
        },
        orient="row",
    )


def diff(lake: Lake, before: int, after: int) -> pl.DataFrame:
    """Rows that each table gained and lost between two snapshots.

    Returns
    -------
    polars.DataFrame
        Columns table, rows_before, rows_after, added, removed; only tables that differ. A changed row counts
        as one removed and one added; a column that a snapshot does not have yet counts as null.

    Raises
    ------
    LakeError
        A snapshot does not exist.
    """
    _require_snapshots(lake, before, after)
    found = [(table, *_compare(lake, table, before, after)) for table in _touched(lake, before, after)]
    schema = {"table": pl.String} | dict.fromkeys(("rows_before", "rows_after", "added", "removed"), pl.Int64)
    return pl.DataFrame(found, schema=schema, orient="row").filter(pl.max_horizontal("added", "removed") > 0)


def rollback(lake: Lake, snapshot: int) -> pl.DataFrame:
    """Restore the rows of every table at a snapshot, as one new snapshot; no snapshot is lost.

    Only rows that differ are touched. Tables created since then are emptied, not dropped.

    Returns
    -------
    polars.DataFrame
        The difference that was undone, as from `diff`.

    Raises
    ------
    LakeError
        The snapshot does not exist, or a table has been dropped since.
    """
    with lake.exclusively():
        now = lake.current_snapshot()
        undone = diff(lake, snapshot, now)
        dropped = sorted(set(undone["table"]) - lake.ducklake.tables_at(now).keys())
        if dropped:
            msg = f"{', '.join(dropped)} was dropped since snapshot {snapshot}; materialise it again, then roll back"
            raise LakeError(msg)
        if undone.height:
            with_retries(lake, lambda cursor: _restore(cursor, undone["table"].to_list(), snapshot))
    return undone


def _restore(cursor: duckdb.DuckDBPyConnection, tables: Sequence[str], snapshot: int) -> None:
    cursor.execute("BEGIN")
    try:
        for table in tables:
            _restore_table(cursor, table, snapshot)
        cursor.execute(f"CALL lake.set_commit_message('rollback', 'rolled back to snapshot {snapshot}')")
        cursor.execute("COMMIT")
    except BaseException:
        roll_back(cursor)
        raise


def _restore_table(cursor: duckdb.DuckDBPyConnection, table: str, snapshot: int) -> None:
    columns = columns_at(cursor, f"lake.{table}") or []
    names = ", ".join(f'"{name}"' for name in columns)
    same = " AND ".join(f'stored."{name}" IS NOT DISTINCT FROM gone."{name}"' for name in columns)
    old, new = rows_at(cursor, table, snapshot, columns), f"SELECT {names} FROM lake.{table}"
    cursor.execute(
        f"DELETE FROM lake.{table} AS stored WHERE EXISTS (SELECT 1 FROM ({new} EXCEPT ALL {old}) AS gone WHERE {same})"
    )
    cursor.execute(f"INSERT INTO lake.{table} ({names}) ({old} EXCEPT ALL {new})")


def _compare(lake: Lake, table: str, before: int, after: int) -> tuple[int, int, int, int]:
    cursor = lake.cursor()
    sides = [columns_at(cursor, f"lake.{table} AT (VERSION => {snapshot})") or [] for snapshot in (before, after)]
    columns = list(dict.fromkeys([*sides[1], *sides[0]]))
    old, new = (rows_at(cursor, table, snapshot, columns) for snapshot in (before, after))
    row = cursor.execute(
        f"SELECT (SELECT count(*) FROM ({old})), (SELECT count(*) FROM ({new})), "
        f"(SELECT count(*) FROM ({new} EXCEPT ALL {old})), (SELECT count(*) FROM ({old} EXCEPT ALL {new}))"
    ).fetchone()
    if row is None:
        return 0, 0, 0, 0
    return int(row[0]), int(row[1]), int(row[2]), int(row[3])


def rows_at(
    cursor: duckdb.DuckDBPyConnection,
    table: str,
    snapshot: int,
    columns: Sequence[str],
    types: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Query of a table's rows at a snapshot with the given columns, null for those it does not have.

    Nulls have the SQL types that are given; a table that did not exist has no rows.
    """
    source = f"lake.{table} AT (VERSION => {snapshot})"
    stored = columns_at(cursor, source)
    absent = {name: f"NULL::{types[name]}" if name in types else "NULL" for name in columns}
    listed = ", ".join(f'"{name}"' if name in (stored or ()) else f'{absent[name]} AS "{name}"' for name in columns)
    return f"SELECT {listed} FROM {source}" if stored else f"SELECT {listed} WHERE FALSE"


def columns_at(cursor: duckdb.DuckDBPyConnection, source: str) -> list[str] | None:
    """Columns of a table, or of a table ``AT`` a snapshot; None if it does not exist."""
    try:
        found = cursor.execute(f"SELECT * FROM {source} LIMIT 0").description
    except duckdb.CatalogException:
        return None
    return [column[0] for column in found or []]


def _describe(changes: dict[str, list[str]], tables: dict[str, str]) -> str:
    parts = []
    for kind, items in changes.items():
        names = sorted({tables.get(str(item), str(item)).replace('"', "") for item in items})
        parts.append(f"{kind.replace('_', ' ')}: {', '.join(names)}")
    return "; ".join(parts)


def _require_snapshots(lake: Lake, *wanted: int) -> None:
    rows = lake.cursor().execute("SELECT snapshot_id FROM lake.snapshots()").fetchall()
    known = {int(row[0]) for row in rows}
    for snapshot in wanted:
        if snapshot not in known:
            msg = f"snapshot {snapshot} does not exist (expired, or never created); known: {min(known)} to {max(known)}"
            raise LakeError(msg)


def _touched(lake: Lake, one: int, other: int) -> list[str]:
    """Tables that a snapshot between the two made, dropped, altered or wrote to."""
    first, last = sorted((one, other))
    before, after = lake.ducklake.tables_at(first), lake.ducklake.tables_at(last)
    rows = (
        lake.cursor()
        .execute(f"SELECT changes FROM lake.snapshots() WHERE snapshot_id > {first} AND snapshot_id <= {last}")
        .fetchall()
    )
    changed = {str(item) for (changes,) in rows for items in changes.values() for item in items}
    same = {name for name, table_id in after.items() if before.get(name) == table_id and table_id not in changed}
    return sorted((before.keys() | after.keys()) - same)
