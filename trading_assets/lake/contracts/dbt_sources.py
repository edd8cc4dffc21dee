"""The dbt source file, made from the contracts: dbt reads the same tables under the same names."""

from collections.abc import Iterable

import yaml

from trading_assets.lake.contracts.contract import Contract

HEADER = "# Made from the contracts by: trading-assets dbt-sources\n"
"""First line of generated files."""


def dbt_sources(contracts: Iterable[Contract]) -> str:
    """Text of a dbt ``sources.yml`` with one source per stage and one table per contract."""
    stages: dict[str, list[dict[str, object]]] = {}
    for contract in contracts:
        stage, name = contract.table.split(".")
        columns = [{"name": c.name, "description": c.description, "data_type": c.sql_type} for c in contract.columns]
        table: dict[str, object] = {
            "name": name,
            "description": contract.meaning,
            "config": {"meta": {"dagster": {"asset_key": [stage, name]}}},
            "columns": columns,
        }
        stages.setdefault(stage, []).append(table)
    sources = [
        {"name": stage, "database": "lake", "schema": stage, "tables": tables} for stage, tables in stages.items()
    ]
    return HEADER + yaml.safe_dump({"sources": sources}, sort_keys=False, width=120)
