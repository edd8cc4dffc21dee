"""Contracts: the one description of each table, and what is derived from it.

What lives here: the contract itself (`contract`), the engine that validates frames (`pandera_polars`), the casts on
write and the sources of dbt. What not: the tables of a stage, which are in the ``contract`` of that stage.
"""

from trading_assets.lake.contracts.contract import Column, Contract, column

__all__ = ["Column", "Contract", "column"]
