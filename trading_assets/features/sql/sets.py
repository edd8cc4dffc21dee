"""All tables of features in SQL: those that the desk ships, then your own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from trading_assets.features.feature_set import INTRADAY
from trading_assets.features.sets import SETS
from trading_assets.features.sql.catalogue import SHIPPED
from trading_assets.features.sql.own import SqlFeatureError, own_sets
from trading_assets.features.sql.sql_set import SqlSet


def sets_of(shipped: Iterable[SqlSet], own: Iterable[SqlSet], taken: Collection[str] = ()) -> Mapping[str, SqlSet]:
    """Sets by name, in order.

    Parameters
    ----------
    shipped, own
        Sets of the desk and your own.
    taken
        Names of tables of features that are made otherwise.

    Raises
    ------
    SqlFeatureError
        One of your own has a name that another table of features has.
    """
    found: dict[str, SqlSet] = {}
    for one in (*shipped, *own):
        if one.name in found or one.name in taken:
            raise SqlFeatureError(f"the desk has a table {one.table} already; rename {one.model.name}")
        found[one.name] = one
    return MappingProxyType(found)


SQL_SETS: Mapping[str, SqlSet] = sets_of(SHIPPED, own_sets(), [*SETS, *(f"{n}_{i}" for n in SETS for i in INTRADAY)])


def models_in(tables: Collection[str]) -> list[str]:
    """Models whose tables are there, together with all that they read.

    Raises
    ------
    SqlFeatureError
        There is none.
    """
    found = [one.name for one in SQL_SETS.values() if {one.table, *one.reads} <= {*tables}]
    if not found:
        raise SqlFeatureError("the lake has no table of features in SQL yet; run: trading-assets demo")
    return found
