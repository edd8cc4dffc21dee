"""The tables of features in SQL of a desk: the shipped ones, then the user's own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from trading_assets.desk.desk import Desk
from trading_assets.desk.own_work import OwnWork, own_work
from trading_assets.features.catalogue import SHIPPED as SHIPPED_IN_PYTHON
from trading_assets.features.expressions import NAME
from trading_assets.features.feature_set import INTRADAY
from trading_assets.features.sql.catalogue import SHIPPED
from trading_assets.features.sql.own import SqlFeatureError, own_sets
from trading_assets.features.sql.sql_set import SqlSet
from trading_assets.market_data.contract import CONTRACTS as MARKET_DATA

_OF_PYTHON = (*(one.name for one in SHIPPED_IN_PYTHON), NAME)
# Table names that no file may have: those of features in Python, whether or not they exist, and of later assets.
_TAKEN = (*_OF_PYTHON, *(f"{name}_{bar}" for name in _OF_PYTHON for bar in INTRADAY), "matrix", "drift")
_OF_DAILY_BARS = (*(one.name for one in SHIPPED_IN_PYTHON if "daily" in one.intervals), NAME)


def sql_sets(desk: Desk) -> Mapping[str, SqlSet]:
    """Sets of a desk by name, for ``desk.part(sql_sets)``."""
    return sets_with(desk.part(own_work))


def sets_with(own: OwnWork) -> Mapping[str, SqlSet]:
    """Sets by name: the shipped ones, and those of the user's files."""
    of_python = [name for one in SHIPPED_IN_PYTHON for name in one.features]
    of_sql = [name for one in SHIPPED for name in one.features]
    market_data = [contract.table for contract in MARKET_DATA]
    features = [f"features.{name}" for name in (*_OF_DAILY_BARS, *(one.name for one in SHIPPED))]
    yours = own_sets(
        own,
        names=[*_TAKEN, *(one.name for one in SHIPPED)],
        columns=["symbol", "date", *of_python, *of_sql],
        readable=[*market_data, *features],
    )
    return MappingProxyType({one.name: one for one in (*SHIPPED, *yours)})


def models_in(tables: Collection[str], sets: Iterable[SqlSet]) -> list[str]:
    """Models whose tables exist, together with all tables that they read.

    Raises
    ------
    SqlFeatureError
        There is none.
    """
    found = [one.name for one in sets if {one.table, *one.reads} <= {*tables}]
    if not found:
        raise SqlFeatureError("the lake has no table of features in SQL yet; run: trading-assets demo")
    return found
