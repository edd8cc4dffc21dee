"""The one writer path: one transaction makes a scope's rows equal to a frame and touches only rows that differ.

An empty scope is a plain bulk insert; refreshing the running year appends a session; running again changes nothing
and commits nothing; a vendor's restatement touches exactly the changed rows.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from trading_assets.lake.contracts import Contract
from trading_assets.lake.errors import ContractError
from trading_assets.lake.store._literals import literal, literals
from trading_assets.lake.store.catalog import WRITTEN, Lake
from trading_assets.lake.store.hashing import combined_hash, content_hash
from trading_assets.lake.store.incremental import MadeFrom, Stale
from trading_assets.lake.store.retries import roll_back, with_retries
from trading_assets.lake.store.scope import Scope


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What a write did: rows by kind, the content hash of the scope, and the snapshot that holds it.

    The hash is None if a part of the scope was left unchanged and unread.
    """

    rows: int
    added: int
    changed: int
    removed: int
    quarantined: int
    content_hash: str | None
    snapshot: int
    bytes: int

    @property
    def is_unchanged(self) -> bool:
        """True if the scope held exactly these rows before."""
        return not (self.added or self.changed or self.removed)


@dataclass(frozen=True, slots=True)
class _Difference:
    upserts: pl.DataFrame
    stale_keys: pl.DataFrame
    added: int
    changed: int
    removed: int

    def first_day(self, contract: Contract) -> date | None:
        """First day of the rows that differ; None where it cannot be known."""
        if contract.time is None or (self.removed and contract.time not in contract.key):
            return None
        frames = [frame for frame in (self.upserts, self.stale_keys) if contract.time in frame.columns]
        days = [day for frame in frames if isinstance(day := frame[contract.time].min(), date)]
        return date.fromisoformat(f"{min(days):%Y-%m-%d}") if days else None


@dataclass(frozen=True, slots=True)
class _Change:
    """Input of a write: its rows, whether table and quarantine hold rows yet, and partitions new to the registry."""

    contract: Contract
    scope: Scope
    good: pl.DataFrame
    quarantined: pl.DataFrame
    has_rows: bool
    has_quarantined: bool
    new_partitions: Mapping[str, date | None]
    author: str
    message: str
    made_from: MadeFrom | None

    def record(self, difference: _Difference) -> str:
        """The record that is stored with the commit, JSON."""
        first_day = difference.first_day(self.contract)
        found: dict[str, object] = {"table": self.contract.table, "scope": self.scope.describe()}
        found |= {"changed_from": str(first_day)} if first_day else {}
        return json.dumps(found | ({"made_from": self.made_from.recorded()} if self.made_from else {}))


def replace(
    lake: Lake,
    contract: Contract,
    frame: pl.DataFrame,
    scope: Scope,
    *,
    rules: Mapping[str, pl.Expr] | None = None,
    author: str = "",
    message: str = "",
    made_from: MadeFrom | None = None,
    through: Mapping[str, date] | None = None,
) -> WriteResult:
    """Make the rows of a scope equal to a frame, atomically.

    Rows that break the contract go to its quarantine table in the same transaction. One process at a time writes a
    table; readers never wait and see the rows before or after the write.

    Parameters
    ----------
    lake : Lake
        Where to write.
    contract : Contract
        Contract of the table.
    frame : polars.DataFrame
        The complete rows of the scope.
    scope : Scope
        The rectangle that the frame replaces.
    rules : mapping of str to polars.Expr, optional
        Further rules: name -> expression that is true where a row breaks it.
    author, message : str
        Recorded with the snapshot.
    made_from : MadeFrom, optional
        What the rows were made from, recorded with the snapshot; see `trading_assets.lake.store.incremental`.
    through : mapping of str to date, optional
        Last day that each partition of the scope is now written through, for partitions that grow while they run;
        a partition that is absent has no day yet. Without it partitions are written as a whole.

    Raises
    ------
    ContractError
        The frame lacks a column, or holds good rows outside the scope.
    LakeError
        The stored table has other types than the contract, or conflicts with other writers persisted.
    """
    split = contract.split(frame, rules)
    good = split.good
    outside = good.filter(~scope.expr())
    if outside.height:
        row = outside.select(contract.key).row(0, named=True)
        msg = f"{contract.table}: {outside.height} rows lie outside the partitions being written, first {row}"
        raise ContractError(msg)
    quarantined = _attribute(split.quarantined, contract, scope)
    is_part = made_from is not None and made_from.scope != scope
    # hashing and writing both work outside Python's lock
    with ThreadPoolExecutor(1) as meanwhile, lake.exclusively(contract.table):
        hashed = (
            None if is_part else meanwhile.submit(content_hash, good, key=contract.key, exclude=contract.provenance)
        )
        lake.ensure_own_table(contract)
        change = _Change(
            contract,
            scope,
            good,
            quarantined,
            lake.has_files(contract.table),
            lake.has_files(contract.quarantine_table),
            _new_partitions(lake, contract, scope, through),
            author,
            message,
            made_from,
        )
        difference = with_retries(lake, lambda cursor: _write(cursor, change))
        snapshot = lake.current_snapshot()
    return WriteResult(
        rows=good.height,
        added=difference.added,
        changed=difference.changed,
        removed=difference.removed,
        quarantined=split.quarantined.height,
        content_hash=None if hashed is None else hashed.result(),
        snapshot=snapshot,
        bytes=int(good.estimated_size()),
    )


def together(results: Sequence[WriteResult]) -> WriteResult:
    """Combined result of several writes of disjoint scopes; its hash is that of their hashes in order, if all have one.

    Raises
    ------
    ValueError
        There is no write.
    """
    if not results:
        raise ValueError("there is no write to combine")
    if len(results) == 1:
        return results[0]
    hashes = [result.content_hash for result in results if result.content_hash is not None]
    return WriteResult(
        rows=sum(result.rows for result in results),
        added=sum(result.added for result in results),
        changed=sum(result.changed for result in results),
        removed=sum(result.removed for result in results),
        quarantined=sum(result.quarantined for result in results),
        content_hash=combined_hash(hashes) if len(hashes) == len(results) else None,
        snapshot=max(result.snapshot for result in results),
        bytes=sum(result.bytes for result in results),
    )


def brought_up_to_date(lake: Lake, contract: Contract, stale: Stale, results: Sequence[WriteResult]) -> WriteResult:
    """Combined result of the writes of a scope's stale rows; its `rows` count all that the scope now holds."""
    if stale.is_everything:
        return together(results)
    rows = 0
    if lake.has_files(contract.table):
        rows = int(lake.query(f"SELECT count(*) AS n FROM lake.{contract.table} WHERE {stale.scope.sql()}")["n"][0])
    nothing = WriteResult(0, 0, 0, 0, 0, None, lake.table_snapshot(contract.table), 0)
    return dataclasses.replace(together([nothing, *results]), rows=rows, content_hash=None)


def _write(cursor: duckdb.DuckDBPyConnection, change: _Change) -> _Difference:
    cursor.execute("BEGIN")
    try:
        difference = _apply_difference(cursor, change)
        quarantine_changed = _replace_quarantine(cursor, change)
        _record_partitions(cursor, change)
        if difference.upserts.height or difference.stale_keys.height or quarantine_changed or change.new_partitions:
            said = literals([change.author, change.message])
            cursor.execute(f"CALL lake.set_commit_message({said}, extra_info => {literal(change.record(difference))})")
            cursor.execute("COMMIT")
        else:
            cursor.execute("ROLLBACK")
    except BaseException:
        roll_back(cursor)
        raise
    return difference


def _apply_difference(cursor: duckdb.DuckDBPyConnection, change: _Change) -> _Difference:
    contract, good, scope = change.contract, change.good, change.scope
    stored = good.clear()
    if change.has_rows:
        names = ", ".join(f'"{name}"' for name in good.columns)
        stored = cursor.execute(f"SELECT {names} FROM lake.{contract.table} WHERE {scope.sql()}").pl()
        stored = stored.cast(good.schema)
    difference = _difference(stored, good, contract.key)
    if difference.stale_keys.height == stored.height and stored.height:
        cursor.execute(f"DELETE FROM lake.{contract.table} WHERE {scope.sql()}")
    elif difference.stale_keys.height:
        key = ", ".join(f'"{name}"' for name in contract.key)
        cursor.register("stale_keys", difference.stale_keys.to_arrow())
        cursor.execute(
            f"DELETE FROM lake.{contract.table} WHERE {scope.sql()} AND ({key}) IN (SELECT ({key}) FROM stale_keys)"
        )
        cursor.unregister("stale_keys")
    if difference.upserts.height:
        insert_rows(cursor, contract.table, difference.upserts)
    return difference


def _difference(stored: pl.DataFrame, wanted: pl.DataFrame, key: tuple[str, ...]) -> _Difference:
    if stored.is_empty():
        return _Difference(wanted, wanted.select(key).clear(), wanted.height, 0, 0)
    both = wanted.join(stored, on=key, how="left", suffix="__old", nulls_equal=True, maintain_order="left")
    values = [name for name in wanted.columns if name not in key]
    known = stored.select(key).with_columns(__known=pl.lit(value=True))
    both = both.join(known, on=key, how="left", nulls_equal=True, maintain_order="left")
    is_new = pl.col("__known").is_null()
    differs = pl.any_horizontal([pl.lit(value=False), *(pl.col(n).ne_missing(pl.col(f"{n}__old")) for n in values)])
    marked = both.select(*wanted.columns, is_new=is_new, is_changed=~is_new & differs)
    gone = stored.select(key).join(wanted.select(key), on=key, how="anti", nulls_equal=True)
    changed = marked.filter("is_changed")
    return _Difference(
        upserts=marked.filter(pl.col("is_new") | pl.col("is_changed")).select(wanted.columns),
        stale_keys=pl.concat([changed.select(key), gone]),
        added=int(marked["is_new"].sum()),
        changed=changed.height,
        removed=gone.height,
    )


def insert_rows(cursor: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    """Append rows to a table, in the transaction of a cursor if it has begun one."""
    names = ", ".join(f'"{name}"' for name in frame.columns)
    cursor.register("new_rows", frame.to_arrow())
    cursor.execute(f"INSERT INTO lake.{table} ({names}) SELECT {names} FROM new_rows")
    cursor.unregister("new_rows")


def _attribute(quarantined: pl.DataFrame, contract: Contract, scope: Scope) -> pl.DataFrame:
    """Give rows whose key did not parse, or lies outside the scope, a key inside it.

    Every quarantined row then belongs to the partitions of its write: writing them again replaces it, and writing
    others does not touch it. The row as delivered is in its column ``row``.
    """
    places: dict[str, pl.Expr] = {}
    for name, values in scope.values.items():
        if name in contract.key and values:
            places[name] = pl.when(pl.col(name).is_in(values)).then(pl.col(name)).otherwise(pl.lit(values[0]))
    if scope.time in contract.key and scope.time and (scope.start or scope.end):
        first = pl.lit(scope.start or scope.end).cast(contract.schema[scope.time])
        is_inside = Scope(time=scope.time, start=scope.start, end=scope.end).expr()
        places[scope.time] = pl.when(is_inside).then(pl.col(scope.time)).otherwise(first)
    return quarantined.with_columns(**places)


def _replace_quarantine(cursor: duckdb.DuckDBPyConnection, change: _Change) -> bool:
    quarantined = change.quarantined
    if not (change.has_quarantined or quarantined.height):
        return False
    table, schema, where = change.contract.quarantine_table, change.contract.quarantine_schema, change.scope.sql()
    if change.has_quarantined:
        names, order = ", ".join(f'"{name}"' for name in schema), list(schema)
        stored = cursor.execute(f"SELECT {names} FROM lake.{table} WHERE {where}").pl().cast(schema)  # type: ignore[arg-type]
        if stored.sort(order).equals(quarantined.sort(order)):
            return False
        cursor.execute(f"DELETE FROM lake.{table} WHERE {where}")
    if quarantined.height:
        insert_rows(cursor, table, quarantined)
    return True


def _new_partitions(
    lake: Lake, contract: Contract, scope: Scope, through: Mapping[str, date] | None
) -> dict[str, date | None]:
    """Partitions of a scope that have never been written, or not that far; the caller holds the table's lock."""
    known = lake.written_through(contract.table, scope.partition_keys) if scope.partition_keys else {}
    wanted = {key: (through or {}).get(key) for key in sorted(scope.partition_keys)}
    return {key: day for key, day in wanted.items() if key not in known or (day and day > (known[key] or date.min))}


def _record_partitions(cursor: duckdb.DuckDBPyConnection, change: _Change) -> None:
    """Record which partitions have been written. Rows are only appended, so writers cannot conflict here."""
    if new := change.new_partitions:
        rows = {"table_name": [change.contract.table] * len(new), "partition_key": list(new), "through": new.values()}
        insert_rows(cursor, WRITTEN, pl.DataFrame(rows, schema_overrides={"through": pl.Date}))
