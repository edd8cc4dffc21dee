"""Tables of features: one column per entry of each set's catalogue, one table per set and length of a bar."""

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import cache

import polars as pl

from trading_assets.desk.desk import Desk
from trading_assets.features.catalogue import SHIPPED
from trading_assets.features.feature_set import Feature, FeatureSet, Interval
from trading_assets.features.sets import feature_sets
from trading_assets.features.sql.catalogue import SHIPPED as SHIPPED_IN_SQL
from trading_assets.features.sql.contract import contract_of as contract_of_sql
from trading_assets.features.sql.sets import sql_sets
from trading_assets.features.sql.sql_set import SqlSet
from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.pandera_polars import pa
from trading_assets.market_data.contract import CONTRACTS as MARKET_DATA
from trading_assets.market_data.contract.bars import Moment

_BARS = {"daily": "", "hourly": " of hourly bars", "minute": " of minute bars"}


@cache
def contract_of(one: FeatureSet, interval: Interval) -> Contract:
    """Contract of a set's table for bars of an interval; the same object for the same set."""
    doc = f"{one.doc.removesuffix('.')}{_BARS[interval]}, up to and including the row's own bar."
    model = _model(f"{one.name}_{interval}", doc, one.of(interval), is_intraday=interval != "daily")
    key = ("symbol", "date") if interval == "daily" else ("symbol", "ts")
    return Contract(model, one.table(interval), key=key, time="date")


def _model(
    name: str, doc: str, features: Mapping[str, Feature], *, is_intraday: bool = False
) -> type[pa.DataFrameModel]:
    kinds: dict[str, object] = {"symbol": str, "date": dt.date} | ({"ts": Moment} if is_intraday else {})
    fields: dict[str, object] = {
        "__doc__": doc,
        "__module__": __name__,
        "__annotations__": kinds | dict.fromkeys(features, pl.Float32),
        "symbol": column("ticker"),
        "date": column("session"),
    }
    if is_intraday:
        fields["ts"] = column("start of the bar", unit="UTC")
    for feature in features.values():
        fields[feature.name] = column(feature.formula, unit=feature.unit, nullable=True)
    return type(name, (pa.DataFrameModel,), fields)


def set_contracts(sets: Iterable[FeatureSet]) -> Mapping[tuple[str, Interval], Contract]:
    """Contract of each set and interval."""
    return {(one.name, interval): contract_of(one, interval) for one in sets for interval in sorted(one.intervals)}


def daily_contracts(sets: Iterable[FeatureSet]) -> Mapping[str, Contract]:
    """Contracts of the sets that exist for daily bars, by name of the set."""
    return {one.name: contract_of(one, "daily") for one in sets if "daily" in one.intervals}


def contracts(desk: Desk) -> tuple[Contract, ...]:
    """Contracts of the tables of this stage."""
    python, in_sql = desk.part(feature_sets).values(), desk.part(sql_sets).values()
    return (*set_contracts(python).values(), *map(contract_of_sql, in_sql))


def readable_tables(desk: Desk) -> Mapping[str, Contract]:
    """Contracts of the tables that SQL models may read, by table, for ``desk.part(readable_tables)``."""
    return tables_read_by_sql(desk.part(feature_sets).values(), desk.part(sql_sets).values())


def tables_read_by_sql(
    python: Iterable[FeatureSet] = SHIPPED, in_sql: Iterable[SqlSet] = SHIPPED_IN_SQL
) -> Mapping[str, Contract]:
    """Contracts of market data, features of daily bars and features in SQL, by table."""
    found = (*MARKET_DATA, *daily_contracts(python).values(), *map(contract_of_sql, in_sql))
    return {contract.table: contract for contract in found}
