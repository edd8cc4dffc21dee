"""Rows and scopes that the tests of the lake write."""

import datetime as dt
from datetime import date, timedelta

import polars as pl

from trading_assets.lake import Contract, Lake, Scope
from trading_assets.lake.contracts import column
from trading_assets.lake.contracts.pandera_polars import pa
from trading_assets.market_data.contract import BARS_DAILY

BARS = BARS_DAILY.table


def bars(symbol: str, *, year: int = 2024, days: int = 5, price: float = 10.0) -> pl.DataFrame:
    """Bars of the first days of a year, all of the same price."""
    first = date(year, 1, 1)
    rows = pl.DataFrame(
        {
            "symbol": [symbol] * days,
            "date": [first + timedelta(days=day) for day in range(days)],
            "open": price,
            "high": price + 1,
            "low": price - 1,
            "close": price,
            "volume": 100,
            "source": "test",
        }
    )
    return pl.concat([BARS_DAILY.empty(), rows], how="diagonal_relaxed").cast(BARS_DAILY.schema)


def symbol_years(*symbols: str, year: int = 2024, until: int | None = None) -> Scope:
    """Scope of some symbols from one year until the beginning of another."""
    years = range(year, until or year + 1)
    keys = tuple(f"{year}|{symbol}" for year in years for symbol in symbols)
    return Scope({"symbol": symbols}, "date", date(year, 1, 1), date(years[-1] + 1, 1, 1), keys)


def content(lake: Lake, table: str = BARS) -> list[tuple[object, ...]]:
    """All rows of a table, sorted."""
    return lake.query(f"FROM lake.{table} ORDER BY ALL").rows()


class _Events(pa.DataFrameModel):
    """Events with a moment."""

    symbol: str = column("ticker")
    ts: pl.Datetime("us", "UTC") = column("moment")  # type: ignore[valid-type]
    value: float = column("figure", unit="currency", nullable=True)
    is_final: bool = column("whether it can still change")


class _Days(pa.DataFrameModel):
    """Figures of days."""

    symbol: str = column("ticker")
    date: dt.date = column("day")
    count: pl.Int64 = column("how many", nullable=True)
    note: str = column("remark", nullable=True)


EVENTS = Contract(_Events, "testing.events", key=("symbol", "ts"), time="ts")
DAYS = Contract(_Days, "testing.days", key=("symbol", "date"), time="date")
