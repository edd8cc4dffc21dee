"""dbt's property files, made from the contracts: descriptions, types and tests of every column."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from trading_assets.features.catalogue import SHIPPED as SHIPPED_IN_PYTHON
from trading_assets.features.contract import daily_contracts
from trading_assets.features.sql.catalogue import SHIPPED
from trading_assets.features.sql.contract import contract_of
from trading_assets.features.sql.sql_set import PROJECT, SqlSet
from trading_assets.lake.contracts import Column, Contract
from trading_assets.lake.contracts.dbt_sources import HEADER, dbt_sources
from trading_assets.market_data.contract import CONTRACTS as MARKET_DATA


def property_files(project: Path = PROJECT) -> Mapping[Path, str]:
    """Files of the shipped project that are made from the contracts, each with its text.

    Models read market data and features of daily bars: no other table is a source.
    """
    found = {
        project / "models" / "sources.yml": dbt_sources([*MARKET_DATA, *daily_contracts(SHIPPED_IN_PYTHON).values()])
    }
    folder = project / "models" / "features"
    return found | {folder / f"{one.name}.yml": model_properties(one, contract_of(one)) for one in SHIPPED}


def model_properties(one: SqlSet, contract: Contract) -> str:
    """Text of the property file of a model."""
    columns = [
        {"name": column.name, "description": column.description}
        | ({"data_tests": tests} if (tests := _tests(one, column)) else {})
        for column in contract.columns
    ]
    model = {
        "name": one.name,
        "description": contract.meaning,
        "data_tests": [{"unique_key": {"arguments": {"columns": list(one.key)}}}],
        "columns": columns,
    }
    return HEADER + yaml.safe_dump({"models": [model]}, sort_keys=False, width=120)


def _tests(one: SqlSet, column: Column) -> list[Any]:
    tests: list[Any] = [] if column.nullable else ["not_null"]
    low, high = one.ranges.get(column.name, (None, None))
    bounds = {name: bound for name, bound in (("min_value", low), ("max_value", high)) if bound is not None}
    return [*tests, {"accepted_range": {"arguments": bounds}}] if bounds else tests
