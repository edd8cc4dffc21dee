"""The lake: one Postgres under everything, a DuckLake catalog in it, Parquet files beside it.

What lives here: everything about storage: starting Postgres, contracts, the one writer path, lazy reads, which rows are
out of date with their inputs, time travel, maintenance and the SQL entry point. What not: domain code; nothing in this
package knows what a bar or an order is.
"""

from trading_assets.lake.contracts import Contract
from trading_assets.lake.store.catalog import Lake
from trading_assets.lake.store.frames import LakeFrame
from trading_assets.lake.store.scope import Scope
from trading_assets.lake.store.writes import WriteResult

__all__ = ["Contract", "Lake", "LakeFrame", "Scope", "WriteResult"]
