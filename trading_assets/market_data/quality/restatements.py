"""Restatements: bars that were stored and changed later, read from the history of the lake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from trading_assets.lake import Lake
from trading_assets.lake.contracts import Contract
from trading_assets.market_data.contract import BARS_DAILY, BARS_HOURLY, BARS_MINUTE, RESTATEMENTS
from trading_assets.market_data.quality._shape import as_rows

TABLES = (BARS_DAILY, BARS_HOURLY, BARS_MINUTE)
_VALUES = ("open", "high", "low", "close", "volume")
_MOMENT = pl.Datetime("us", "UTC")
_OLD, _NEW = ("delete", "update_preimage"), ("insert", "update_postimage")


def restatements(changes: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Return one row per field of a bar that a snapshot changed, and per bar that it removed.

    A new bar is no restatement, and neither are equal values written again. Equal values from another source are one
    row of the field ``source``.

    Parameters
    ----------
    changes : polars.DataFrame
        Rows that snapshots removed and inserted: snapshot, found_at, change_type (as DuckLake names it), and the
        columns of the bars.
    contract : Contract
        Contract of the bars.

    Returns
    -------
    polars.DataFrame
        Rows of market_data.restatements, sorted.
    """
    key = ["snapshot", *contract.key]
    fields = [*_VALUES, "source"]
    old = changes.filter(pl.col("change_type").is_in(_OLD)).unique(key, keep="first")
    new = changes.filter(pl.col("change_type").is_in(_NEW)).unique(key, keep="first").select(*key, *fields, is_new=True)
    both = old.join(new, on=key, how="left", suffix="__new")
    stayed = both.filter(pl.col("is_new").is_not_null())
    differs = {name: pl.col(name).ne_missing(pl.col(f"{name}__new")) for name in fields}
    nothing = pl.lit(None, dtype=pl.Float64)
    found = [
        _rows(both.filter(pl.col("is_new").is_null()), contract, "bar", pl.col("close"), nothing),
        *(
            _rows(stayed.filter(differs[name]), contract, name, pl.col(name), pl.col(f"{name}__new"))
            for name in _VALUES
        ),
        _rows(
            stayed.filter(differs["source"] & ~pl.any_horizontal(differs[name] for name in _VALUES)),
            contract,
            "source",
            nothing,
            nothing,
        ),
    ]
    return pl.concat(found).sort(RESTATEMENTS.key)


def restatements_between(lake: Lake, since: int, until: int) -> pl.DataFrame:
    """Find restatements of all tables of bars by the snapshots after `since`, up to and including `until`.

    Only snapshots that removed rows of bars are read, so a span without restatements costs one query of the list of
    snapshots. Snapshots that maintenance has expired can no longer be read and are skipped, and so is the oldest one
    that is left: the rows that it replaced are gone.
    """
    listed = _snapshots(lake, since, until)
    names = lake.ducklake.table_names()
    found = [RESTATEMENTS.empty()]
    for contract in TABLES:
        if not lake.has_table(contract.table):
            continue
        # ids that the table has, or had before it was dropped and created again
        ids = [table_id for table_id, name in names.items() if name == contract.table]
        removing = listed.filter(pl.col("deleted_from").list.set_intersection(ids).list.len() > 0)
        for first, last in _runs(removing["snapshot"].sort().to_list()):
            changes = _changes(lake, contract, first, last).join(listed, on="snapshot")
            found.append(restatements(changes, contract))
    return pl.concat(found).sort(RESTATEMENTS.key)


def _rows(both: pl.DataFrame, contract: Contract, field: str, old: pl.Expr, new: pl.Expr) -> pl.DataFrame:
    start = (
        pl.col("ts") if "ts" in contract.schema else pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    )
    rows = both.select(
        "symbol",
        "date",
        "snapshot",
        "found_at",
        table_name=pl.lit(contract.table),
        ts=start,
        field=pl.lit(field),
        old=old,
        new=new,
        old_source="source",
        new_source="source__new",
    )
    return as_rows(rows, RESTATEMENTS)


def _snapshots(lake: Lake, since: int, until: int) -> pl.DataFrame:
    """Snapshots of a span that removed rows: snapshot, found_at, deleted_from (ids of the tables)."""
    return lake.query(
        "SELECT snapshot_id AS snapshot, snapshot_time AS found_at, changes['tables_deleted_from'] AS deleted_from "
        f"FROM lake.snapshots() WHERE snapshot_id > {since} AND snapshot_id <= {until} "
        "AND snapshot_id > (SELECT min(snapshot_id) FROM lake.snapshots()) "
        "AND changes['tables_deleted_from'] IS NOT NULL ORDER BY 1"
    ).cast({"snapshot": pl.Int64, "found_at": _MOMENT, "deleted_from": pl.List(pl.String)})


def _changes(lake: Lake, contract: Contract, first: int, last: int) -> pl.DataFrame:
    stage, name = contract.table.split(".")
    stored = set(lake.stored_columns(contract.table))
    columns = [column for column in (*contract.key, "date", *_VALUES, "source") if column in stored]
    listed = ", ".join(f'"{column}"' for column in dict.fromkeys(columns))
    return lake.query(
        f"SELECT snapshot_id AS snapshot, change_type, {listed} "
        f"FROM ducklake_table_changes('lake', '{stage}', '{name}', {first}, {last})"
    ).cast({"snapshot": pl.Int64})


def _runs(snapshots: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ends of the runs of consecutive numbers in a sorted sequence."""
    first = None
    for place, snapshot in enumerate(snapshots):
        first = snapshot if first is None else first
        if place + 1 == len(snapshots) or snapshots[place + 1] != snapshot + 1:
            yield first, snapshot
            first = None
