"""Bring a lake that an earlier version wrote to the layout of this one; no row is lost, and running it again is safe.

The layout before had a partition for each session of predictions, signals, target weights and the backtest, and no
record of the day that a partition is written through; scores of strategies were in a table of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

import dagster as dg
import duckdb
import polars as pl

from trading_assets.desk.calendar import sessions
from trading_assets.desk.desk import Desk, open_lake
from trading_assets.desk.partitions import month_key
from trading_assets.desk.settings import Settings
from trading_assets.lake.store.catalog import WRITTEN
from trading_assets.lake.store.retries import roll_back
from trading_assets.orchestration.instance import open_instance

_RENAMED = {"signals.ml_alpha": "signals.scores"}
# Dimension beside the date of each table whose partitions were sessions.
_BY_SESSION = {
    "predictions.daily": "model",
    "signals.scores": "strategy",
    "portfolio.target_weights": "book",
    "backtest.orders": "book",
    "backtest.fills": "book",
    "backtest.positions": "book",
    "backtest.pnl": "book",
}


def migrate(settings: Settings) -> Iterator[str]:
    """Migrate a lake.

    Parameters
    ----------
    settings : Settings
        Settings of the lake.

    Yields
    ------
    str
        What was done, a line each; none where the lake has the layout of this version already.
    """
    lake = open_lake(settings)
    if lake.has_layout():
        return
    with lake.attach() as connection:
        months = _migrated_tables(connection, settings)
    yield from (f"{old} is {new} now" for old, new in _RENAMED.items() if new in months)
    yield from (f"{table}: {len(days)} months" for table, days in months.items())
    yield from _migrated_events(Desk(settings), months)
    lake.close()


def _migrated_tables(connection: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, dict[str, date | None]]:
    """Rename tables and rewrite the registry of partitions in one transaction; months of each table."""
    connection.execute("BEGIN")
    try:
        _rename(connection)
        connection.execute(f"ALTER TABLE lake.{WRITTEN} ADD COLUMN through DATE")
        found = {table: _months(connection, table, dimension, settings) for table, dimension in _BY_SESSION.items()}
        connection.execute("CALL lake.set_commit_message('migration', 'partitions by month')")
        connection.execute("COMMIT")
    except BaseException:
        roll_back(connection)
        raise
    return {table: months for table, months in found.items() if months}


def _rename(connection: duckdb.DuckDBPyConnection) -> None:
    stored = {
        f"{schema}.{name}"
        for schema, name in connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'lake'"
        ).fetchall()
    }
    for old, new in _RENAMED.items():
        if old in stored and new not in stored:
            connection.execute(f"ALTER TABLE lake.{old} RENAME TO {new.split('.')[1]}")
            connection.execute(f"ALTER TABLE lake.quarantine.{old.replace('.', '_')} RENAME TO {new.replace('.', '_')}")
            connection.execute(f"UPDATE lake.{WRITTEN} SET table_name = '{new}' WHERE table_name = '{old}'")


def _months(
    connection: duckdb.DuckDBPyConnection, table: str, dimension: str, settings: Settings
) -> dict[str, date | None]:
    """Write a table's months in the place of its sessions, and return them."""
    keys = [
        key
        for (key,) in connection.execute(
            f"SELECT partition_key FROM lake.{WRITTEN} WHERE table_name = ?", [table]
        ).fetchall()
    ]
    months = written_months(keys, dimension, settings)
    connection.execute(f"DELETE FROM lake.{WRITTEN} WHERE table_name = ?", [table])
    rows = pl.DataFrame(
        {"table_name": [table] * len(months), "partition_key": list(months), "through": list(months.values())},
        schema_overrides={"through": pl.Date},
    )
    connection.register("months", rows.to_arrow())
    connection.execute(f"INSERT INTO lake.{WRITTEN} SELECT table_name, partition_key, through FROM months")
    connection.unregister("months")
    return months


def written_months(keys: Iterable[str], dimension: str, settings: Settings) -> dict[str, date | None]:
    """Months of partitions by session, each with the last session before the first one that is missing.

    Parameters
    ----------
    keys : iterable of str
        Keys ``session|name``, or ``name|session``, in the order of the names of the dimensions.
    dimension : str
        Name of the dimension beside ``date``.
    settings : Settings
        Exchange and span of the lake.
    """
    by_name: dict[str, set[date]] = {}
    for key in keys:
        first, _, second = key.partition("|")
        session, name = (second, first) if dimension < "date" else (first, second)
        by_name.setdefault(name, set()).add(date.fromisoformat(session))
    found: dict[str, date | None] = {}
    for name, days in sorted(by_name.items()):
        due: dict[str, list[date]] = {}
        for day in sessions(settings.exchange, max(settings.start, min(days).replace(day=1)), max(days)):
            due.setdefault(f"{day:%Y-%m}", []).append(day)
        for month in due.values():
            if days.intersection(month):
                gap = next((place for place, day in enumerate(month) if day not in days), len(month))
                found[month_key(month[0], dimension, name)] = month[gap - 1] if gap else None
    return found


def _migrated_events(desk: Desk, months: Mapping[str, Mapping[str, date | None]]) -> Iterator[str]:
    """Report to Dagster which months are there: its history of sessions is about partitions that no longer exist."""
    instance = open_instance(desk.settings)
    for table, written in months.items():
        key = dg.AssetKey(table.split("."))
        instance.wipe_assets([key])
        for partition in sorted(written, key=lambda one: (written[one] or date.min, one)):
            metadata = {"migrated": True}
            event = dg.AssetMaterialization(key, partition=partition, metadata=metadata, description="by migration")
            instance.report_runless_asset_event(event)
    for old in _RENAMED:
        instance.wipe_assets([dg.AssetKey(old.split("."))])
    yield f"Dagster's history of {len(months)} tables begins with their months"
