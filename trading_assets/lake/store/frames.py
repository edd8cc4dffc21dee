"""Lazy reads: an asset's input names a table; only the columns and the window that are requested are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import polars as pl

from trading_assets.lake.contracts import Contract
from trading_assets.lake.errors import ContractError, LakeError, UpstreamNotReadyError
from trading_assets.lake.store._literals import literal, one_of
from trading_assets.lake.store.catalog import Lake

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class LakeFrame:
    """A table of the lake, not read yet."""

    lake: Lake
    contract: Contract

    @property
    def table(self) -> str:
        """``stage.name`` of the table."""
        return self.contract.table

    def read(
        self,
        columns: Sequence[str] | None = None,
        *,
        start: date | None = None,
        end: date | None = None,
        **dimensions: Sequence[str] | str | None,
    ) -> pl.DataFrame:
        """Read rows, in the order of the contract's key.

        Parameters
        ----------
        columns : sequence of str, optional
            Columns to read; all of the contract's by default.
        start, end : date, optional
            First and last day (both included) of the contract's time column.
        **dimensions
            Column -> value or values it may take; None does not restrict.

        Returns
        -------
        polars.DataFrame
            Rows with the contract's dtypes; empty if the table has not been written yet.

        Raises
        ------
        ContractError
            A column is not one of the contract, or a window is requested of a table without a time column.
        LakeError
            The contract has gained a required column since the table was written.
        """
        names = list(self.contract.schema if columns is None else columns)
        self._require_columns([*names, *dimensions])
        schema = {name: self.contract.schema[name] for name in names}
        where = self._where(start, end, dimensions)
        if not self.lake.has_files(self.table):
            return pl.DataFrame(schema=schema)
        order = ", ".join(f'"{name}"' for name in self.contract.key)
        source = f"FROM lake.{self.table} WHERE {where} ORDER BY {order}"
        try:
            found = self.lake.query(f"SELECT {', '.join(map(_quoted, names))} {source}")
        except duckdb.BinderException:  # the contract has gained a column since the table was written
            stored = self.lake.stored_columns(self.table)
            listed = ", ".join(_quoted(name) if name in stored else self._absent(name) for name in names)
            found = self.lake.query(f"SELECT {listed} {source}")
        return found.cast(schema)  # type: ignore[arg-type]

    def require_written(self, partition_keys: Sequence[str], *, for_what: str) -> None:
        """Require that partitions have been written before something is computed from them.

        Raises
        ------
        UpstreamNotReadyError
            Some have not; the message lists the first ones and the remedy. Safe to retry.
        """
        missing = sorted(set(partition_keys) - self.lake.written_partitions(self.table, partition_keys))
        if missing:
            more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
            msg = (
                f"{for_what} needs partitions of {self.table} that have not been written yet: "
                f"{', '.join(missing[:_SHOWN])}{more}. Materialise them first, or include them in the backfill"
            )
            raise UpstreamNotReadyError(msg)

    def require_written_through(self, days: Mapping[str, date], *, for_what: str) -> None:
        """Require that partitions have been written through some day before something is computed from them.

        Parameters
        ----------
        days : mapping of str to date
            Partition key -> day that it must have been written through.
        for_what : str
            What is to be computed.

        Raises
        ------
        UpstreamNotReadyError
            Some have not; the message lists the first missing days and the remedy. Safe to retry.
        """
        written = self.lake.written_through(self.table, list(days)) if days else {}
        missing = [
            f"{day} of {key} ({_written_so_far(written.get(key))})"
            for key, day in days.items()
            if (written.get(key) or date.min) < day
        ]
        if missing:
            more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
            msg = (
                f"{for_what} needs {self.table} through days that are not there yet: "
                f"{', '.join(missing[:_SHOWN])}{more}. Materialise them first, or include them in the backfill"
            )
            raise UpstreamNotReadyError(msg)

    def _require_columns(self, names: Sequence[str]) -> None:
        unknown = [name for name in names if name not in self.contract.schema]
        if unknown:
            msg = f"{self.table} has no column {', '.join(unknown)}; it has {', '.join(self.contract.schema)}"
            raise ContractError(msg)

    def _where(self, start: date | None, end: date | None, dimensions: Mapping[str, Sequence[str] | str | None]) -> str:
        where = ["TRUE"]
        for column, wanted in dimensions.items():
            if wanted is not None:
                values = [wanted] if isinstance(wanted, str) else list(wanted)
                where.append(one_of(column, values))
        if (start or end) and not self.contract.time:
            msg = f"{self.table} has no time column, so it cannot be read from {start} to {end}"
            raise ContractError(msg)
        if start:
            where.append(f'"{self.contract.time}" >= {literal(start)}')
        if end:
            where.append(f'"{self.contract.time}" < {literal(end + timedelta(days=1))}')
        return " AND ".join(where)

    def _absent(self, name: str) -> str:
        if not next(column.nullable for column in self.contract.columns if column.name == name):
            msg = f"{self.table} was written before its contract had the column {name}; materialise it again"
            raise LakeError(msg)
        return f'NULL AS "{name}"'


def _written_so_far(day: date | None) -> str:
    return f"written through {day}" if day else "not written yet"


def _quoted(name: str) -> str:
    return f'"{name}"'
