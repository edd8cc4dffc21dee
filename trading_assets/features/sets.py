"""The feature sets in Python of a desk: the shipped ones, then the user's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from trading_assets.desk.desk import Desk
from trading_assets.desk.own_work import OwnWork, own_work
from trading_assets.features.catalogue import SHIPPED
from trading_assets.features.expressions import own_set
from trading_assets.features.feature_set import FeatureSet
from trading_assets.features.sql.sets import sql_sets
from trading_assets.features.sql.sql_set import SqlSet


def feature_sets(desk: Desk) -> Mapping[str, FeatureSet]:
    """Sets of a desk by name, for ``desk.part(feature_sets)``."""
    return sets_with(desk.part(own_work), desk.part(sql_sets).values())


def sets_with(own: OwnWork, in_sql: Iterable[SqlSet]) -> Mapping[str, FeatureSet]:
    """Sets by name: the shipped ones, and the set of the user's own features if there are any.

    Parameters
    ----------
    own
        The user's files.
    in_sql
        Sets in SQL, whose column names are taken.
    """
    of_python = [name for one in SHIPPED for name in one.features]
    of_sql = [name for one in in_sql for name in one.features]
    yours = own_set(own, [*of_python, *of_sql])
    return MappingProxyType({one.name: one for one in (*SHIPPED, *([yours] if yours else []))})
