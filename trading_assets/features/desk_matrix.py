"""The features of a desk: the assets of their tables, and the matrix that models read."""

from __future__ import annotations

from collections.abc import Sequence

from trading_assets.desk.desk import Desk
from trading_assets.desk.stage import Asset, keys_of
from trading_assets.features import assets as in_python
from trading_assets.features.matrix.matrix import Matrix, whole_matrix
from trading_assets.features.sql import assets as in_sql
from trading_assets.market_data.stage import STAGE as MARKET_DATA


def tables_of_features(desk: Desk) -> Sequence[Asset]:
    """Assets of the tables of features that a desk has, in Python and in SQL."""
    made = in_python.build_assets(desk)
    return [*made, *in_sql.build_assets(desk, [*desk.part(MARKET_DATA.assets), *made])]


def names_of_features(desk: Desk) -> set[str]:
    """Tables of features that a desk has."""
    return {".".join(key.path) for asset in desk.part(tables_of_features) for key in keys_of(asset)}


def desk_matrix(desk: Desk) -> Matrix:
    """The matrix of the tables of daily features that a desk has."""
    return desk.part(whole_matrix).among(desk.part(names_of_features))
