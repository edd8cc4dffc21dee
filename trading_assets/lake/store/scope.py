"""Scope: the rectangle of a table that one write replaces or one read returns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import polars as pl

from trading_assets.lake.errors import LakeError
from trading_assets.lake.store._literals import literal, one_of


@dataclass(frozen=True, slots=True)
class Scope:
    """Rows of a table selected by values of its dimensions and by a half-open window of its time column.

    Attributes
    ----------
    values : mapping of str to tuple of str
        Column -> the values it may take; a column that is absent is not restricted.
    time : str or None
        The time column that ``start`` (inclusive) and ``end`` (exclusive) restrict.
    partition_keys : tuple of str
        The partitions that a write of this scope completes; empty for an unpartitioned table.
    """

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    time: str | None = None
    start: date | None = None
    end: date | None = None
    partition_keys: tuple[str, ...] = ()

    def sql(self) -> str:
        """SQL predicate that is true for rows inside the scope."""
        parts = [one_of(column, values) for column, values in self.values.items()]
        if self.time and self.start:
            parts.append(f'"{self.time}" >= {literal(self.start)}')
        if self.time and self.end:
            parts.append(f'"{self.time}" < {literal(self.end)}')
        return " AND ".join(parts) or "TRUE"

    def expr(self) -> pl.Expr:
        """Polars predicate that is true for rows inside the scope and false for all others, unknown ones included."""
        parts = [pl.col(column).is_in(values) for column, values in self.values.items()]
        if self.time and self.start:
            parts.append(pl.col(self.time) >= self.start)
        if self.time and self.end:
            parts.append(pl.col(self.time) < self.end)
        if not parts:
            # A bare literal has one row per thread in Polars 2.1, and a filter of a long frame fails on it.
            return pl.int_range(pl.len()) >= 0
        return pl.all_horizontal(parts).fill_null(value=False)

    def window(self) -> tuple[date, date]:
        """First and last day of the scope, both included.

        Raises
        ------
        LakeError
            The scope is not bounded in time.
        """
        if self.start is None or self.end is None:
            msg = f"{self.describe()} has no first and last day; give the run a partition of time"
            raise LakeError(msg)
        return self.start, self.end - timedelta(days=1)

    def of_symbols(self, symbols: Collection[str]) -> Scope:
        """Part of the scope that belongs to some of its symbols, with their partition keys ``date|symbol``."""
        kept = set(symbols)
        keys = tuple(key for key in self.partition_keys if key.partition("|")[2] in kept)
        return replace(self, values={**self.values, "symbol": tuple(sorted(kept))}, partition_keys=keys)

    def of(self, dimension: str, names: Collection[str]) -> Scope:
        """Part of the scope that belongs to some names of a dimension, with their partition keys."""
        kept = set(names)
        keys = tuple(key for key in self.partition_keys if kept.intersection(key.split("|")))
        return replace(self, values={**self.values, dimension: tuple(sorted(kept))}, partition_keys=keys)

    def describe(self) -> str:
        """Short text for messages: dimensions and window."""
        parts = [
            f"{column} {values[0]}" if len(values) == 1 else f"{len(values)} {column}s"
            for column, values in self.values.items()
        ]
        if self.start or self.end:
            parts.append(f"{self.start or '...'} to before {self.end or '...'}")
        return ", ".join(parts) or "the whole table"
