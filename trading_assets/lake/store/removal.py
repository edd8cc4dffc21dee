"""Remove the rows of a table that belong to some names, with their quarantine and their written partitions."""

from __future__ import annotations

from collections.abc import Collection

import duckdb

from trading_assets.lake.contracts import Contract
from trading_assets.lake.store._literals import literal, literals, one_of
from trading_assets.lake.store.catalog import WRITTEN, Lake
from trading_assets.lake.store.retries import roll_back, with_retries


def remove_names(lake: Lake, contract: Contract, column: str, names: Collection[str], *, author: str) -> int:
    """Remove rows in one transaction; time travel still sees them until maintenance expires the snapshot before.

    Parameters
    ----------
    lake : Lake
        The lake.
    contract : Contract
        Contract of the table.
    column : str
        Column that names what a row belongs to, such as ``book``; a dimension of the table's partitions.
    names : collection of str
        Values whose rows are removed.
    author : str
        Recorded with the snapshot.

    Returns
    -------
    int
        Rows removed from the table.
    """
    if not names:
        return 0
    where = one_of(column, tuple(names))
    # a key is date|name or name|date, in the order of the dimensions' names
    of_names = " OR ".join(
        f"ends_with(partition_key, {literal(f'|{name}')}) OR starts_with(partition_key, {literal(f'{name}|')})"
        for name in names
    )

    def remove(cursor: duckdb.DuckDBPyConnection) -> int:
        cursor.execute("BEGIN")
        try:
            counted = cursor.execute(f"SELECT count(*) FROM lake.{contract.table} WHERE {where}").fetchone()
            cursor.execute(f"DELETE FROM lake.{contract.table} WHERE {where}")
            cursor.execute(f"DELETE FROM lake.{contract.quarantine_table} WHERE {where}")
            cursor.execute(f"DELETE FROM lake.{WRITTEN} WHERE table_name = {literal(contract.table)} AND ({of_names})")
            said = literals([author, f"{contract.table}: removed {column} {', '.join(sorted(names))}"])
            cursor.execute(f"CALL lake.set_commit_message({said})")
            cursor.execute("COMMIT")
        except BaseException:
            roll_back(cursor)
            raise
        return int(counted[0]) if counted else 0

    with lake.exclusively(contract.table):
        return with_retries(lake, remove)
