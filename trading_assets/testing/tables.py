"""Made-up rows of the tables that SQL features read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from trading_assets.desk.calendar import sessions
from trading_assets.lake.contracts import Contract
from trading_assets.market_data.contract import BARS_DAILY, COMPANIES, CORPORATE_ACTIONS, FUNDAMENTALS, SYMBOLS
from trading_assets.testing.bars import EXCHANGE

NAMES = tuple(f"N{number:04d}" for number in range(8))
FIRST, LAST = date(2013, 9, 3), date(2016, 5, 31)
"""First and last session of the rows: more than 600 sessions before the last year's, for any look-back."""
_ITEMS = ("revenue", "net_income", "eps_basic", "total_assets", "total_equity", "cash", "operating_income")
_SECTORS = ("Energy", "Energy", "Banks", None)
_RESTATED_SHARE = 0.2
_KNOWN_AFTER = 21


def made_up(contracts: Mapping[str, Contract], seed: int = 1) -> dict[str, pl.DataFrame]:
    """Rows of tables: daily bars with a late name, splits, companies, filings, and random features.

    Parameters
    ----------
    contracts
        Contracts of the tables.
    seed
        Of the random numbers.

    Raises
    ------
    AssertionError
        There are no made-up rows of a table; a test gives its own.
    """
    bars = made_up_bars(NAMES, sessions(EXCHANGE, FIRST, LAST), seed)
    is_late = (pl.col("symbol") == NAMES[0]) & (pl.col("date") < date(2015, 8, 3))
    bars = bars.filter(~is_late)
    makers: Mapping[str, Callable[[], pl.DataFrame]] = {
        SYMBOLS.table: lambda: _symbols(bars),
        BARS_DAILY.table: lambda: bars.with_columns(source=pl.lit("made"), adjustment=pl.lit("none")),
        CORPORATE_ACTIONS.table: _splits,
        COMPANIES.table: _companies,
        FUNDAMENTALS.table: lambda: _filings(seed),
    }
    return {
        table: full(contract, makers[table]() if table in makers else features(contract, bars, seed))
        for table, contract in contracts.items()
    }


def full(contract: Contract, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with all columns of a contract; those that it lacks are null."""
    missing = [
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in contract.schema.items() if name not in frame.columns
    ]
    return frame.with_columns(missing).select(list(contract.schema)).cast(pl.Schema(contract.schema))


def made_up_bars(names: Sequence[str], days: Sequence[date], seed: int) -> pl.DataFrame:
    """Bars of names that walk at random."""
    random, count, frames = np.random.default_rng(seed), len(days), []
    for name in names:
        close = 50.0 * np.exp(np.cumsum(random.normal(0.0, 0.02, count)))
        opened = close * np.exp(random.normal(0.0, 0.01, count))
        spread = np.exp(np.abs(random.normal(0.0, 0.01, count)))
        frame = pl.DataFrame(
            {
                "symbol": [name] * count,
                "date": days,
                "open": opened,
                "high": np.maximum(opened, close) * spread,
                "low": np.minimum(opened, close) / spread,
                "close": close,
                "volume": random.integers(10_000, 1_000_000, count),
            }
        )
        frames.append(frame)
    return pl.concat(frames)


def features(contract: Contract, bars: pl.DataFrame, seed: int, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Random features of the bars with nulls at the start of each name, and some equal values.

    Parameters
    ----------
    contract
        Contract of the table of features.
    bars
        symbol and date of the rows.
    seed
        Of the random numbers.
    columns
        Columns that have values; all by default.
    """
    if contract.key not in (("symbol", "date"), ("date",)):
        raise AssertionError(f"there are no made-up rows of {contract.table}; give the test rows of your own")
    random = np.random.default_rng([seed, len(contract.table)])
    keys = bars.select(contract.key).unique(maintain_order=True)
    floats = [name for name, dtype in contract.schema.items() if dtype.is_float()]
    named = [name for name in floats if columns is None or name in columns]
    values = [pl.Series(name, np.round(random.normal(0.0, 0.3, keys.height), 2)) for name in named]
    row = pl.int_range(pl.len())
    is_known = (row.over("symbol") if "symbol" in contract.key else row) >= _KNOWN_AFTER
    return keys.with_columns(values).with_columns(pl.when(is_known).then(pl.col(name)).alias(name) for name in named)


def _symbols(bars: pl.DataFrame) -> pl.DataFrame:
    spans = bars.group_by("symbol", maintain_order=True).agg(
        first_session=pl.col("date").min(), last_session=pl.col("date").max()
    )
    return spans.with_columns(
        name=pl.col("symbol"), exchange=pl.lit(EXCHANGE), currency=pl.lit("USD"), source=pl.lit("made")
    )


def _splits() -> pl.DataFrame:
    rows = {"symbol": NAMES[1:3], "ex_date": [date(2015, 9, 9), date(2016, 2, 3)], "value": [2.0, 1.5]}
    known_at = pl.lit(datetime(2015, 9, 1, tzinfo=UTC))
    return pl.DataFrame(rows).with_columns(kind=pl.lit("split"), known_at=known_at, source=pl.lit("made"))


def _companies() -> pl.DataFrame:
    rows = [(name, date(2015, 5, 4), _SECTORS[number % 4]) for number, name in enumerate(NAMES[:6])]
    rows += [(NAMES[month], date(2016, month, 9), "Mines") for month in range(1, 6)]
    return pl.DataFrame(rows, schema=["symbol", "known_on", "sector"], orient="row").with_columns(source=pl.lit("made"))


def _filings(seed: int) -> pl.DataFrame:
    """Quarters and years of five names from 2014 on, known 40 days after their end, and some of them restated."""
    random = np.random.default_rng(seed)
    quarters = ((3, 31), (6, 30), (9, 30), (12, 31))
    ends = [date(year, month, day) for year in (2014, 2015, 2016) for month, day in quarters]
    rows: list[tuple[object, ...]] = []
    for name, end, item in ((name, end, item) for name in NAMES[:5] for end in ends for item in _ITEMS):
        value = float(random.uniform(1.0, 9.0))
        known = datetime(end.year, end.month, end.day, tzinfo=UTC) + timedelta(days=40)
        rows.append((name, end, "year" if (end.month, end.day) == quarters[-1] else "quarter", item, value, known))
        if random.random() < _RESTATED_SHARE:
            rows.append((*rows[-1][:4], value * 1.1, known + timedelta(days=33, hours=15)))
    schema = ["symbol", "period_end", "period", "item", "value", "known_at"]
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(known_on=pl.col("known_at").dt.date(), basis=pl.lit("filing"), source=pl.lit("made"))
