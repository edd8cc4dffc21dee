"""Rows of models, strategies and books that a desk no longer has: shown, and removed on request."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from trading_assets.desk.desk import Desk
from trading_assets.desk.own_work import own_work
from trading_assets.errors import TradingAssetsError
from trading_assets.lake.store.removal import remove_names
from trading_assets.orchestration.stages import contracts
from trading_assets.serving import queries

_AUTHOR = "orphans"
# What was traded at a broker is the record of an account and outlives its book.
_KEPT = "live."


class OrphansError(TradingAssetsError):
    """It cannot be decided which rows are orphans."""


def orphans(desk: Desk) -> list[str]:
    """Rows that belong to no model, strategy or book of the desk, a line for each table and name."""
    return [_in_words(row) for row in _found(desk).iter_rows(named=True)]


def remove_orphans(desk: Desk) -> list[str]:
    """Remove these rows, except those of live trading; a line for each table and name.

    Raises
    ------
    OrphansError
        Files of the user's own work are left out, so that what they define only seems to be gone.
    """
    known, found = desk.part(contracts), _found(desk)
    faults = desk.part(own_work).faults
    if faults and found.height:
        said = "; ".join(map(str, faults))
        raise OrphansError(f"nothing is removed while files of your own work are left out: {said}")
    lines = []
    for (table, column), rows in found.group_by("table", "column", maintain_order=True):
        names: Sequence[str] = rows["name"].to_list()
        if str(table).startswith(_KEPT):
            lines += [f"kept: {_in_words(row)}" for row in rows.iter_rows(named=True)]
        else:
            removed = remove_names(desk.lake, known[str(table)], str(column), names, author=_AUTHOR)
            lines.append(f"removed: {removed:,} rows of the {column} {', '.join(names)} in {table}")
    return lines


def _found(desk: Desk) -> pl.DataFrame:
    return queries.unknown_names(desk, contracts=desk.part(contracts).values())


def _in_words(row: dict[str, object]) -> str:
    return f"{row['rows']:,} rows of the {row['column']} {row['name']} in {row['table']}"
