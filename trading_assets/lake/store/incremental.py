"""Stale rows: the inputs of a write are recorded with its commit and compared with the current ones.

A refresh computes one more session, not the whole year again. Which rows it may skip follows from the lake alone: the
record of the commits that wrote the rows, and the difference of the inputs between the snapshot they were made from
and the current one. If anything else touched the table (a rollback, a manual statement), if the code has changed, or if
maintenance has expired the snapshot, all rows are computed again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from trading_assets.lake.contracts import Contract
from trading_assets.lake.store._literals import literal
from trading_assets.lake.store.catalog import Lake
from trading_assets.lake.store.history import rows_at
from trading_assets.lake.store.scope import Scope

ALL = ""
"""Stands for the symbol in tables whose rows belong to all symbols."""

_CHANGED = pl.Schema({"symbol": pl.String, "day": pl.Date})


@dataclass(frozen=True, slots=True)
class Input:
    """A table that rows are computed from.

    Attributes
    ----------
    contract : Contract
        Contract of the table.
    day : str or None
        Column with the first day whose rows a row of the input can affect; None if it can affect all rows.
    since : date, optional
        First day that is read.
    is_own : bool
        Whether a row affects only rows of its own symbol.
    columns : collection of str, optional
        Columns that are read; all but provenance by default.
    """

    contract: Contract
    day: str | None
    since: date | None = None
    is_own: bool = False
    columns: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """What a commit's rows were computed from.

    Attributes
    ----------
    code : str
        Hash of what computes them.
    snapshot : int
        Snapshot of the lake; every input was read at it or later.
    scope : Scope
        Rows that are up to date with it: those that the commit wrote, and those that needed no change.
    """

    code: str
    snapshot: int
    scope: Scope

    def recorded(self) -> dict[str, object]:
        """The record that is stored with the commit."""
        start, end = (str(day) if day else None for day in (self.scope.start, self.scope.end))
        symbols = self.scope.values.get("symbol", (ALL,))
        return {"code": self.code, "snapshot": self.snapshot, "symbols": symbols, "start": start, "end": end}


@dataclass(frozen=True, slots=True)
class Stale:
    """Rows of a scope that may differ from what would be computed now.

    Attributes
    ----------
    scope : Scope
        All rows in question.
    first_days : mapping of str to date
        Symbol -> first day whose row may differ; a symbol that is up to date is absent. The symbol is `ALL` where the
        scope names none.
    code, snapshot
        As in `MadeFrom`, once they have been computed.
    """

    scope: Scope
    first_days: Mapping[str, date]
    code: str
    snapshot: int

    @property
    def is_everything(self) -> bool:
        """Whether all rows of the scope are stale."""
        symbols = self.scope.values.get("symbol", (ALL,))
        return all(self.first_days.get(name) == self.scope.start for name in symbols)

    def made_from(self, scope: Scope) -> MadeFrom:
        """The record of a write that brings a part of the scope up to date."""
        return MadeFrom(self.code, self.snapshot, scope)

    def parts(self) -> Iterator[tuple[Scope, Scope]]:
        """Rows to compute, and the part of the scope that is up to date once they are written.

        Symbols are computed together from the day that most of them need; those that need more, from their earliest.
        """
        if not self.first_days:
            return
        days = pl.Series(list(self.first_days.values()))
        common = days.value_counts().sort(["count", days.name], descending=[True, False])[days.name][0]
        for names in (
            [name for name, day in self.first_days.items() if day >= common],
            [name for name, day in self.first_days.items() if day < common],
        ):
            if names:
                part = self.scope if names == [ALL] else self.scope.of_symbols(names)
                yield replace(part, start=min(self.first_days[name] for name in names)), part


def stale_rows(lake: Lake, made: Sequence[Contract], scope: Scope, inputs: Sequence[Input], code: str) -> Stale:
    """Rows of a scope that have never been computed, or whose inputs have changed since.

    A value may depend on inputs of its own day and of days before, within the limits of each `Input`.

    Parameters
    ----------
    lake : Lake
        The lake.
    made : sequence of Contract
        Contracts of the tables that are computed together.
    scope : Scope
        Rows in question, with a first and a last day.
    inputs : sequence of Input
        What they are computed from.
    code : str
        Hash of what computes them.
    """
    now = lake.current_snapshot()
    first, last = scope.window()
    symbols = scope.values.get("symbol", (ALL,))
    of_tables = [_made_at(lake, contract, scope, code) for contract in made]
    since = {name: min(at[name] for at in of_tables) for name in symbols if all(name in at for at in of_tables)}
    days = {name: first for name in symbols if name not in since}
    for snapshot in set(since.values()):
        changed = pl.concat([_changed(lake, one, snapshot, now, (first, last)) for one in inputs])
        of_all = changed.filter(pl.col("symbol").is_null())["day"].min()
        own = dict(changed.drop_nulls("symbol").group_by("symbol").agg(pl.col("day").min()).rows())
        for name in (name for name, at in since.items() if at == snapshot):
            if found := [day for day in (of_all, own.get(name)) if isinstance(day, date)]:
                days[name] = max(first, min(found))
    return Stale(scope, days, code, now)


def _made_at(lake: Lake, contract: Contract, scope: Scope, code: str) -> dict[str, int]:
    """Symbol -> snapshot that its rows were computed from by this code, if nothing else has touched them since."""
    wanted = set(scope.values.get("symbol", (ALL,)))
    found: dict[str, int] = {}
    for commit in lake.ducklake.commits(contract.table):
        if commit.keeps_rows:
            continue
        made = commit.info.get("made_from")
        if made is None or made["code"] != code or not wanted:
            break
        if made["start"] <= str(scope.start) and str(scope.end) <= made["end"]:
            covered = wanted.intersection(made["symbols"])
            found |= dict.fromkeys(covered, int(made["snapshot"]))
            wanted -= covered
    kept = lake.ducklake.kept_snapshots(set(found.values()))
    return {name: snapshot for name, snapshot in found.items() if snapshot in kept}


def _changed(lake: Lake, one: Input, before: int, after: int, span: tuple[date, date]) -> pl.DataFrame:
    """First day, for each symbol or for all of them together, on which an input differs between two snapshots."""
    first, last = span
    since = one.since
    if one.day and one.day == one.contract.time:
        day = _written_from(lake, one.contract, before)
        if day > last:
            return pl.DataFrame(schema=_CHANGED)
        if not one.is_own and day > first:  # few rows are to be computed, so reading both versions is not worth it
            return pl.DataFrame({"symbol": [None], "day": [day]}, schema=_CHANGED)
        since = max(since or day, day)  # rows before it are the same in both snapshots
    return _differing(lake, replace(one, since=since), before, after, last)


def _written_from(lake: Lake, contract: Contract, after: int) -> date:
    """First day of the rows that the writer has touched since a snapshot; the first possible day if that is unknown."""
    found = date.max
    for commit in lake.ducklake.commits(contract.table):
        if commit.snapshot <= after:
            break
        if not commit.keeps_rows:
            found = min(found, date.fromisoformat(commit.info.get("changed_from") or str(date.min)))
    return found


def _differing(lake: Lake, one: Input, before: int, after: int, last: date) -> pl.DataFrame:
    """Do the same as `_changed`, by comparing the rows of both snapshots."""
    contract = one.contract
    read = one.columns or [name for name in contract.schema if name not in contract.provenance]
    shown = list(dict.fromkeys([*contract.key, *([one.day] if one.day else []), *read]))
    inside = [f'"{one.day}" <= {literal(last)}'] if one.day else []
    if one.day and one.since:
        inside.append(f'"{one.day}" >= {literal(one.since)}')
    where = " AND ".join(inside) or "TRUE"
    types = {column.name: column.sql_type for column in contract.columns}
    compared = [name for name in shown if name not in contract.key]
    with closing(lake.cursor()) as cursor:
        sides = [rows_at(cursor, contract.table, snapshot, shown, types) for snapshot in (before, after)]
        old, new = (f"(SELECT *, TRUE AS is_there FROM ({rows}) WHERE {where})" for rows in sides)
        differs = [f'old."{name}" IS DISTINCT FROM new."{name}"' for name in (*compared, "is_there")]
        same_row = " AND ".join(f'old."{name}" = new."{name}"' for name in contract.key)
        symbol = "coalesce(new.symbol, old.symbol)" if one.is_own else "NULL::VARCHAR"
        day = f'min(least(new."{one.day}", old."{one.day}")::DATE)' if one.day else f"{literal(date.min)}::DATE"
        found = cursor.execute(
            f"SELECT {symbol} AS symbol, {day} AS day FROM {new} AS new FULL JOIN {old} AS old ON {same_row} "
            f"WHERE {' OR '.join(differs)} GROUP BY 1"
        ).pl()
    return found.cast(_CHANGED)
