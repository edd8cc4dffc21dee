"""What every stage's assets share: options derived from a contract, and the rows a run is asked for."""

from typing import Any

import dagster as dg

from trading_assets.lake.contracts import Contract
from trading_assets.lake.io_manager import column_schema
from trading_assets.lake.partitions import scope_of_keys
from trading_assets.lake.scope import Scope

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
        Team that answers for the table.
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


def table_out(contract: Contract, *, owner: str, kinds: set[str]) -> dg.AssetOut:
    """One output of ``dg.multi_asset`` for a table of the lake; see `table_asset`."""
    return dg.AssetOut(**table_asset(contract, owner=owner, kinds=kinds))


def table_in(contract: Contract, mapping: dg.PartitionMapping | None = None) -> dg.AssetIn:
    """Input that arrives as a `LakeFrame` of an upstream table."""
    return dg.AssetIn(key=contract.asset_key, partition_mapping=mapping)


def run_scope_of(context: dg.AssetExecutionContext, contract: Contract) -> Scope:
    """Rows of the partitions that this run is asked for."""
    definition = context.assets_def.partitions_def
    return scope_of_keys(definition, context.partition_keys, contract) if definition else Scope()
