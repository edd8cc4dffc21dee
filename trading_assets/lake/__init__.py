"""The lake: one Postgres under everything, a DuckLake catalog in it, Parquet files beside it.

What lives here: everything about storage: starting Postgres, contracts, the one writer path, lazy reads, which rows are
out of date with their inputs, time travel, maintenance and the SQL entry point. What not: domain code; nothing in this
package knows what a bar or an order is.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trading_assets.lake.contracts import Contract
    from trading_assets.lake.store.catalog import Lake
    from trading_assets.lake.store.frames import LakeFrame
    from trading_assets.lake.store.scope import Scope
    from trading_assets.lake.store.writes import WriteResult

# Imported when they are first named: a query needs no contract, and their engine takes a third of its start-up.
_PLACES = {
    "Contract": "contracts",
    "Lake": "store.catalog",
    "LakeFrame": "store.frames",
    "Scope": "store.scope",
    "WriteResult": "store.writes",
}
__all__ = ["Contract", "Lake", "LakeFrame", "Scope", "WriteResult"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
