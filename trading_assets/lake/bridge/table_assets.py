"""What the assets of all stages share: options derived from a contract, and the rows that a run covers."""

from typing import Any

import dagster as dg

from trading_assets.lake.bridge.io_manager import column_schema
from trading_assets.lake.bridge.partition_keys import range_ends, scope_of_keys
from trading_assets.lake.contracts import Contract
from trading_assets.lake.errors import LakeError
from trading_assets.lake.store.scope import Scope

IO_MANAGER_KEY = "lake_io_manager"


def table_metadata(contract: Contract) -> dict[str, Any]:
    """Definition metadata of a table: its name and its column schema, as the web UI shows them."""
    return {
        "dagster/column_schema": column_schema(contract),
        "dagster/table_name": contract.table,
        "quarantine_limit": contract.quarantine_limit,
    }


def table_asset(contract: Contract, *, owner: str, kinds: set[str]) -> dict[str, Any]:
    """Keyword arguments of ``dg.asset`` for a table of the lake.

    Parameters
    ----------
    contract : Contract
        Its table gives key, group, description and column schema.
    owner : str
        Team that is responsible for the table.
    kinds : set of str
        What computes it, shown as tags; ``parquet`` is added.
    """
    return {
        "key": contract.asset_key,
        "group_name": contract.asset_key[0],
        "description": contract.meaning,
        "owners": [f"team:{owner}"],
        "kinds": kinds | {"parquet"},
        "metadata": table_metadata(contract),
        "io_manager_key": IO_MANAGER_KEY,
    }


def table_out(contract: Contract, *, owner: str, kinds: set[str], is_required: bool = True) -> dg.AssetOut:
    """One output of ``dg.multi_asset`` for a table of the lake; see `table_asset`. It may be absent if not required."""
    return dg.AssetOut(**table_asset(contract, owner=owner, kinds=kinds), is_required=is_required)


def table_in(contract: Contract, mapping: dg.PartitionMapping | None = None) -> dg.AssetIn:
    """Input that arrives as a `LakeFrame` of an upstream table."""
    return dg.AssetIn(key=contract.asset_key, partition_mapping=mapping)


def run_scope_of(context: dg.AssetExecutionContext, contract: Contract) -> Scope:
    """Rows of the partitions of this run.

    Raises
    ------
    LakeError
        The partitions do not form a rectangle, or are not those that the run is tagged with.
    """
    definition = context.assets_def.partitions_def
    if definition is None:
        return Scope()
    keys = context.partition_keys
    ends = set(range_ends(context.run.tags))
    if not ends <= set(keys):
        # https://github.com/dagster-io/dagster/issues/28861: the run would compute this one and report all of them.
        msg = (
            f"a backfill of the job {context.run.job_name} asks for {' to '.join(sorted(ends))}, but Dagster gives "
            f"this run only {keys[0]}; backfill the assets instead of the job (web UI: Lineage, select, Materialize)"
        )
        raise LakeError(msg)
    return scope_of_keys(definition, keys, contract)
