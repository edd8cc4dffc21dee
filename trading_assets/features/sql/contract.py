"""Contracts of the tables of features in SQL, from their catalogue."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

import polars as pl

from trading_assets.features.sql.sql_set import SqlSet
from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.pandera_polars import pa

_KEY = {"symbol": (str, "ticker"), "date": (dt.date, "session")}


@cache
def contract_of(one: SqlSet) -> Contract:
    """Contract of a set's table: its key, and one Float32 column per feature; the same object for the same set."""
    kinds: dict[str, Any] = {name: _KEY[name][0] for name in one.key} | dict.fromkeys(one.features, pl.Float32)
    fields: dict[str, Any] = {"__doc__": one.doc, "__module__": __name__, "__annotations__": kinds}
    fields |= {name: column(_KEY[name][1]) for name in one.key}
    for feature in one.features.values():
        low, high = one.ranges.get(feature.name, (None, None))
        rules = {rule: bound for rule, bound in (("ge", low), ("le", high)) if bound is not None}
        fields[feature.name] = column(feature.formula, unit=feature.unit, nullable=True, **rules)
    model = type(one.name, (pa.DataFrameModel,), fields)
    return Contract(model, one.table, key=one.key, time="date")
