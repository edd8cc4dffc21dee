"""The IO manager: an asset's frame becomes the rows of its partitions, its inputs arrive as lazy lake frames."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import dagster as dg
import polars as pl

from trading_assets.lake.bridge.partition_keys import scope_of_keys, through_of_keys
from trading_assets.lake.contracts import Contract
from trading_assets.lake.store.catalog import Lake
from trading_assets.lake.store.frames import LakeFrame
from trading_assets.lake.store.scope import Scope
from trading_assets.lake.store.writes import WriteResult, replace


class TableOutput:
    """What an asset may return instead of a frame: rows with more rules, or the result of its own writes."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Rows(TableOutput):
    """A frame with rules of this write that the contract cannot know, such as today's date.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows of the asset's partitions.
    rules : mapping of str to polars.Expr
        Name -> expression that is true where a row **breaks** the rule.
    through : date, optional
        Last day that the frame covers, where a partition grows while it runs: the days after it are still to come.
        Without it partitions are written as a whole.
    """

    frame: pl.DataFrame
    rules: Mapping[str, pl.Expr] = field(default_factory=dict)
    through: date | None = None


@dataclass(frozen=True, slots=True)
class Written(TableOutput):
    """An output whose rows the asset has already written, in several transactions, through the same writer."""

    result: WriteResult


class LakeIOManager(dg.IOManager):
    """Store Polars frames in the lake under their contract and load them lazily.

    Parameters
    ----------
    lake : Lake
        The lake to write to and read from.
    contracts : mapping of str to Contract
        Table name -> contract.
    """

    def __init__(self, lake: Lake, contracts: Mapping[str, Contract]) -> None:
        self._lake = lake
        self._contracts = contracts

    def handle_output(self, context: dg.OutputContext, obj: pl.DataFrame | Rows | Written) -> None:
        """Make the rows of the run's partitions equal to the frame; record what changed as metadata."""
        contract = self._contract(context.asset_key)
        if isinstance(obj, Written):
            context.add_output_metadata(write_metadata(obj.result))
            return
        rows = obj if isinstance(obj, Rows) else Rows(obj)
        started = time.perf_counter()
        result = replace(
            self._lake,
            contract,
            rows.frame,
            _output_scope(context, contract),
            rules=rows.rules,
            author=context.run_id,
            message=f"{contract.table} by {context.job_name}",
            through=through_of_keys(context.asset_partitions_def, context.asset_partition_keys, rows.through)
            if rows.through
            else None,
        )
        seconds = time.perf_counter() - started
        context.add_output_metadata({**write_metadata(result), "write_seconds": seconds})

    def load_input(self, context: dg.InputContext) -> LakeFrame:
        """Return the upstream table, unread."""
        return LakeFrame(self._lake, self._contract(context.asset_key))

    def _contract(self, key: dg.AssetKey) -> Contract:
        return self._contracts[".".join(key.path)]


def write_metadata(result: WriteResult) -> dict[str, int | str]:
    """Metadata of a materialization: what changed, the snapshot that holds it, the content's hash if all was read."""
    found: dict[str, int | str] = {
        "dagster/row_count": result.rows,
        "rows_added": result.added,
        "rows_changed": result.changed,
        "rows_removed": result.removed,
        "rows_quarantined": result.quarantined,
        "bytes": result.bytes,
        "snapshot_id": result.snapshot,
    }
    return found if result.content_hash is None else found | {"content_hash": result.content_hash}


def column_schema(contract: Contract) -> dg.TableSchema:
    """The contract as the column schema that the web UI shows."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=column.sql_type,
                description=f"{column.description} [{column.unit}]" if column.unit else column.description,
                constraints=dg.TableColumnConstraints(
                    nullable=column.nullable, unique=contract.key == (column.name,), other=list(column.rules)
                ),
            )
            for column in contract.columns
        ],
        constraints=dg.TableConstraints(other=[f"key: {', '.join(contract.key)}"]),
    )


def _output_scope(context: dg.OutputContext, contract: Contract) -> Scope:
    if not context.has_asset_partitions:
        return Scope()
    return scope_of_keys(context.asset_partitions_def, context.asset_partition_keys, contract)
