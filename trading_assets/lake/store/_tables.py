"""Tables of a contract in DuckLake: created on first write, extended when the contract gains a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from trading_assets.lake.errors import LakeError
from trading_assets.lake.store._literals import literal
from trading_assets.lake.store.retries import roll_back

if TYPE_CHECKING:
    from trading_assets.lake.contracts import Contract


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column as DuckLake stores it."""

    sql_type: str
    is_required: bool


def ensure_table(cursor: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Create or extend the tables of a contract; see `trading_assets.lake.store.catalog.Lake.ensure_table`."""
    stored = stored_columns(cursor, contract.table)
    if not stored:
        _create(cursor, contract)
        return
    for column in contract.columns:
        if column.name not in stored:
            _add_column(cursor, contract.table, column.name, column.sql_type)
        elif stored[column.name].sql_type != _long_type(column.sql_type):
            msg = (
                f"{contract.table}.{column.name} is stored as {stored[column.name].sql_type} but its contract says "
                f"{column.sql_type}; give the column a new name, or drop the table and backfill it"
            )
            raise LakeError(msg)
    required = {column.name for column in contract.columns if not column.nullable}
    for name, found in stored.items():
        if found.is_required and name not in required:
            cursor.execute(f'ALTER TABLE lake.{contract.table} ALTER COLUMN "{name}" DROP NOT NULL')
    kept = stored_columns(cursor, contract.quarantine_table)
    for name, sql_type in _quarantine_types(contract).items():
        if name not in kept:
            _add_column(cursor, contract.quarantine_table, name, sql_type)


def stored_columns(cursor: duckdb.DuckDBPyConnection, table: str) -> dict[str, StoredColumn]:
    """Columns of a table by name; empty if it does not exist."""
    stage, name = table.split(".")
    rows = cursor.execute(
        "SELECT column_name, data_type, NOT is_nullable FROM duckdb_columns() "
        f"WHERE database_name = 'lake' AND schema_name = {literal(stage)} AND table_name = {literal(name)} "
        "ORDER BY column_index"
    ).fetchall()
    return {column: StoredColumn(sql_type, is_required) for column, sql_type, is_required in rows}


def _add_column(cursor: duckdb.DuckDBPyConnection, table: str, name: str, sql_type: str) -> None:
    cursor.execute(f'ALTER TABLE lake.{table} ADD COLUMN "{name}" {sql_type}')


def _create(cursor: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    stage = contract.table.split(".")[0]
    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS lake.{stage}; CREATE SCHEMA IF NOT EXISTS lake.quarantine")
    columns = ", ".join(
        f'"{column.name}" {column.sql_type}{"" if column.nullable else " NOT NULL"}' for column in contract.columns
    )
    kept = ", ".join(f'"{name}" {sql_type}' for name, sql_type in _quarantine_types(contract).items())
    cursor.execute("BEGIN")
    try:
        cursor.execute(f"CREATE TABLE lake.{contract.table} ({columns})")
        if contract.time:
            cursor.execute(f'ALTER TABLE lake.{contract.table} SET PARTITIONED BY (year("{contract.time}"))')
        cursor.execute(f"COMMENT ON TABLE lake.{contract.table} IS {literal(contract.meaning)}")
        cursor.execute(f"CREATE TABLE IF NOT EXISTS lake.{contract.quarantine_table} ({kept})")
        cursor.execute("COMMIT")
    except BaseException:
        roll_back(cursor)
        raise


def _quarantine_types(contract: Contract) -> dict[str, str]:
    types = {column.name: column.sql_type for column in contract.columns} | {"rule": "VARCHAR", "row": "VARCHAR"}
    return {name: types[name] for name in contract.quarantine_schema}


def _long_type(sql_type: str) -> str:
    return {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}.get(sql_type, sql_type)
