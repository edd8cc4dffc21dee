"""The lake: one Postgres under everything, a DuckLake catalog in it, Parquet files beside it.

Here lives what every stage needs of storage: starting Postgres, contracts, the one writer path, lazy reads, which rows
are behind their inputs, time travel, maintenance and the SQL entry point. Put a new storage concern here. Do **not**
put domain code here: nothing in this package knows what a bar or an order is.
"""

from trading_assets.lake.contracts import Contract
from trading_assets.lake.store.catalog import Lake
from trading_assets.lake.store.frames import LakeFrame
from trading_assets.lake.store.scope import Scope
from trading_assets.lake.store.writes import WriteResult

__all__ = ["Contract", "Lake", "LakeFrame", "Scope", "WriteResult"]
