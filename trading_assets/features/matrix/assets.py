"""The asset of the feature matrix: a view has no rows of its own to materialise, so it is an external one.

Each asset of daily features replaces the view if its run has added a table or a column (`ensure_matrix`).
"""

import dagster as dg

from trading_assets.features.matrix.matrix import Matrix, features_in
from trading_assets.features.matrix.view import MEANING, NAME
from trading_assets.lake.bridge.io_manager import column_schema
from trading_assets.lake.contracts import Contract

OWNER = "research"


def build_assets(matrix: Matrix) -> list[dg.AssetSpec]:
    """Build the asset of the view over the tables of a desk."""
    keys = column_schema(matrix.tables[0]).columns[:2]
    shown = [column for table in matrix.tables for column in _columns(table)]
    return [
        dg.AssetSpec(
            NAME.split("."),
            deps=[table.asset_key for table in matrix.tables],
            group_name="features",
            description=MEANING,
            owners=[f"team:{OWNER}"],
            kinds={"duckdb", "view"},
            metadata={
                "dagster/column_schema": dg.TableSchema(columns=[*keys, *shown]),
                "dagster/table_name": NAME,
            },
        )
    ]


def _columns(table: Contract) -> list[dg.TableColumn]:
    named = {column.name: column for column in column_schema(table).columns}
    return [named[name] for name in features_in(table)]
