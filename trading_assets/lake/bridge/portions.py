"""Outputs that are written for a few names at a time, so that a run's memory does not grow with their number."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import dagster as dg
import polars as pl

from trading_assets.lake.bridge.io_manager import Written
from trading_assets.lake.bridge.partition_keys import through_of_keys
from trading_assets.lake.contracts import Contract
from trading_assets.lake.store.catalog import Lake
from trading_assets.lake.store.scope import Scope
from trading_assets.lake.store.writes import WriteResult, replace, together

_ROWS_AT_ONCE = 2_000_000


@dataclass
class PortionWriter:
    """Writes the rows of a run's partitions, a few names of one dimension at a time.

    Attributes
    ----------
    context : AssetExecutionContext
        The run.
    lake : Lake
        Where to write.
    contract : Contract
        The table.
    scope : Scope
        Rows of the run's partitions.
    dimension : str
        Column whose values are written one after the other.
    through : date
        Last day that the rows cover.
    """

    context: dg.AssetExecutionContext
    lake: Lake
    contract: Contract
    scope: Scope
    dimension: str
    through: date
    _waiting: dict[str, pl.DataFrame] = field(default_factory=dict)
    _results: list[WriteResult] = field(default_factory=list)

    def add(self, name: str, rows: pl.DataFrame) -> None:
        """Add the rows of a name; they are written together with those of other names, many rows at a time."""
        self._waiting[name] = rows
        if sum(frame.height for frame in self._waiting.values()) >= _ROWS_AT_ONCE:
            self.flush()

    def written(self) -> Written:
        """Write what is left and return the output of the run; at least one name must have been added."""
        self.flush()
        return Written(together(self._results))

    def flush(self) -> None:
        """Write what is left."""
        if not self._waiting:
            return
        scope = self.scope.of(self.dimension, self._waiting)
        definition = self.context.assets_def.partitions_def
        assert definition is not None
        self._results.append(
            replace(
                self.lake,
                self.contract,
                pl.concat(self._waiting.values()),
                scope,
                author=self.context.run.run_id,
                message=f"{self.contract.table} by {self.context.job_name}",
                through=through_of_keys(definition, scope.partition_keys, self.through),
            )
        )
        self._waiting.clear()
