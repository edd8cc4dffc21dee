"""Tables of features: one column per entry of each set's catalogue, one table per set and length of a bar."""

import datetime as dt
from collections.abc import Mapping

import polars as pl

from trading_assets.features.feature_set import Feature, FeatureSet, Interval
from trading_assets.features.sets import SETS
from trading_assets.features.sql.contract import contract_of as contract_of_sql
from trading_assets.features.sql.sets import SQL_SETS
from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.pandera_polars import pa
from trading_assets.market_data.contract.bars import Moment

_BARS = {"daily": "", "hourly": " of hourly bars", "minute": " of minute bars"}


def contract_of(one: FeatureSet, interval: Interval) -> Contract:
    """Contract of a set's table for bars of an interval."""
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


BY_SET: Mapping[tuple[str, Interval], Contract] = {
    (one.name, interval): contract_of(one, interval) for one in SETS.values() for interval in sorted(one.intervals)
}
"""Contract of each set and interval."""
DAILY: Mapping[str, Contract] = {name: contract for (name, interval), contract in BY_SET.items() if interval == "daily"}
"""Contracts of the sets of daily bars by name of the set."""
SQL: Mapping[str, Contract] = {name: contract_of_sql(one) for name, one in SQL_SETS.items()}
"""Contracts of the sets in SQL by name of the set."""
CROSS_SECTION = SQL["cross_section"]
CONTRACTS = (*BY_SET.values(), *SQL.values())
