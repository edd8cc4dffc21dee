"""DuckLake's own tables, read from Postgres directly: what the lake holds, and what each snapshot did to it.

DuckDB would read each of them in a separate transaction. No other module names a table of DuckLake's catalog
(DuckLake 1.0 specification, "Tables"); a row is current while its ``end_snapshot`` is null.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trading_assets.lake.postgres.sessions import Sessions

_SAME_ROWS = {"merge_adjacent", "rewrite_delete"}
_COMMITS_AT_ONCE = 100

_NAME = "s.schema_name || '.' || t.table_name"
_ALL_TABLES = "lake.ducklake_table t JOIN lake.ducklake_schema s USING (schema_id)"
_CURRENT = "t.end_snapshot IS NULL AND s.end_snapshot IS NULL"
# A file that maintenance has merged from several keeps the first snapshot as begin and the last as partial_max.
_CHANGED_AT = f"""
    SELECT max(snapshot) FROM (
        SELECT table_id, greatest(begin_snapshot, end_snapshot, partial_max) AS snapshot FROM lake.ducklake_data_file
        UNION ALL
        SELECT table_id, greatest(begin_snapshot, end_snapshot, partial_max) FROM lake.ducklake_delete_file) files
    JOIN ({_ALL_TABLES}) USING (table_id)
    WHERE {_NAME} = ANY(%s)
"""
_HAS_FILES = f"""
    SELECT EXISTS (
        SELECT 1 FROM {_ALL_TABLES} JOIN lake.ducklake_data_file f USING (table_id)
        WHERE {_CURRENT} AND f.end_snapshot IS NULL AND {_NAME} = %s)
"""
# A commit's changes are recorded as: inserted_into_table:7,deleted_from_table:7
_COMMITS = f"""
    SELECT json_agg(json_build_array(snapshot, kinds, info) ORDER BY snapshot DESC) FROM (
        SELECT c.snapshot_id AS snapshot, c.commit_extra_info AS info,
            ARRAY(SELECT m[1] FROM regexp_matches(c.changes_made, '([a-z_]+):' || t.table_id || '(?=,|$)', 'g') m) kinds
        FROM lake.ducklake_snapshot_changes c
        JOIN lake.ducklake_table t ON c.changes_made ~ ('[a-z_]:' || t.table_id || '(,|$)')
        JOIN lake.ducklake_schema s USING (schema_id)
        WHERE {_CURRENT} AND {_NAME} = %s AND c.snapshot_id < %s
        ORDER BY 1 DESC LIMIT %s) commits
"""
_KEPT = "SELECT json_agg(snapshot_id) FROM lake.ducklake_snapshot WHERE snapshot_id = ANY(%s)"
_COLUMNS = f"""
    SELECT json_object_agg(name, columns) FROM (
        SELECT {_NAME} AS name, json_agg(c.column_name ORDER BY c.column_order) AS columns
        FROM {_ALL_TABLES} JOIN lake.ducklake_column c USING (table_id)
        WHERE {_CURRENT} AND c.end_snapshot IS NULL AND c.parent_column IS NULL AND {_NAME} = ANY(%s)
        GROUP BY 1) tables
"""
_IDS = f"SELECT json_object_agg(t.table_id, {_NAME}) FROM {_ALL_TABLES}"
_IDS_AT = f"""
    SELECT json_object_agg({_NAME}, t.table_id::text) FROM {_ALL_TABLES}
    WHERE t.begin_snapshot <= %s AND (t.end_snapshot IS NULL OR t.end_snapshot > %s)
"""
_VIEW = """
    SELECT max(v.sql) FROM lake.ducklake_view v JOIN lake.ducklake_schema s USING (schema_id)
    WHERE v.end_snapshot IS NULL AND s.end_snapshot IS NULL AND s.schema_name || '.' || v.view_name = %s
"""
_MACROS = """
    SELECT json_object_agg(name, json_build_array(query, parameters)) FROM (
        SELECT m.macro_name AS name, i.sql AS query, string_agg(
            concat_ws(' ', p.parameter_name, p.parameter_type, p.default_value), ', ' ORDER BY p.column_id
        ) AS parameters
        FROM lake.ducklake_macro m
        JOIN lake.ducklake_schema s USING (schema_id)
        JOIN lake.ducklake_macro_impl i USING (macro_id)
        LEFT JOIN lake.ducklake_macro_parameters p USING (macro_id)
        WHERE m.end_snapshot IS NULL AND s.end_snapshot IS NULL AND s.schema_name = %s
        GROUP BY m.macro_id, m.macro_name, i.sql) macros
"""


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
        """Whether it rearranged the files of the table without changing its rows."""
        return self.kinds <= _SAME_ROWS


def wait_for_commits(cursor: Any) -> None:
    """Wait, in a session of Postgres, for a killed writer's last commit that is still on its way."""
    cursor.execute("BEGIN; LOCK TABLE lake.ducklake_snapshot IN SHARE MODE; COMMIT")


class DuckLakeCatalog:
    """The catalog of one lake. Tables are named ``stage.name``.

    Parameters
    ----------
    sessions : Sessions
        Sessions of the Postgres that holds it in its schema ``lake``.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def exists(self) -> bool:
        """Whether a lake has been created in this database."""
        return bool(self._scalar("SELECT to_regclass('lake.ducklake_snapshot') IS NOT NULL"))

    def schema_version(self) -> int:
        """Number that grows with each change of tables, views or columns."""
        newest = "SELECT schema_version FROM lake.ducklake_snapshot ORDER BY snapshot_id DESC LIMIT 1"
        return int(self._scalar(newest))

    def current_snapshot(self) -> int:
        """Id of the newest snapshot."""
        return int(self._scalar("SELECT max(snapshot_id) FROM lake.ducklake_snapshot") or 0)

    def changed_at(self, tables: Sequence[str]) -> int:
        """Id of the newest snapshot that changed any of the tables; 0 if none did."""
        return int(self._scalar(_CHANGED_AT, list(tables)) or 0)

    def kept_snapshots(self, among: Collection[int]) -> set[int]:
        """Snapshots among the given ones that maintenance has not expired."""
        return set(self._scalar(_KEPT, list(among)) or ()) if among else set()

    def commits(self, table: str) -> Iterator[Commit]:
        """Snapshots that touched a table, newest first, read as they are consumed."""
        before = sys.maxsize
        while found := self._scalar(_COMMITS, table, before, _COMMITS_AT_ONCE):
            yield from (Commit(at, frozenset(kinds), json.loads(info or "{}")) for at, kinds, info in found)
            before = found[-1][0]

    def has_files(self, table: str) -> bool:
        """Whether a table exists and has data."""
        return bool(self._scalar(_HAS_FILES, table))

    def columns(self, tables: Collection[str]) -> dict[str, list[str]]:
        """Columns, in order, of the given tables that exist."""
        return dict(self._scalar(_COLUMNS, list(tables)) or {})

    def table_names(self) -> dict[str, str]:
        """Name of each table by its id, including dropped tables."""
        return dict(self._scalar(_IDS) or {})

    def tables_at(self, snapshot: int) -> dict[str, str]:
        """Id of each table by its name, as of a snapshot."""
        return dict(self._scalar(_IDS_AT, snapshot, snapshot) or {})

    def view_query(self, name: str) -> str | None:
        """Query of a view as DuckDB renders it; None if there is no such view."""
        found = self._scalar(_VIEW, name)
        return None if found is None else str(found)

    def macros(self, schema: str) -> dict[str, tuple[str, str]]:
        """Query and parameters of each macro of a schema, by its name."""
        return {
            name: (query, parameters) for name, (query, parameters) in (self._scalar(_MACROS, schema) or {}).items()
        }

    def _scalar(self, statement: str, *values: object) -> Any:
        with self._sessions.borrow() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchone()[0]
