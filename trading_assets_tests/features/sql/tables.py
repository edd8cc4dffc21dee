"""Small made-up tables that the SQL models read, and a lake that holds them."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from trading_assets.features.sql.catalogue import COMPARED
from trading_assets.lake import Scope
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import BARS_DAILY, COMPANIES, CORPORATE_ACTIONS, FUNDAMENTALS
from trading_assets_tests.features.shipped import DAILY, READABLE, SQL_SETS
from trading_assets_tests.point_in_time.sample import random_bars

NAMES = [f"N{number:04d}" for number in range(8)]
FIRST = date(2015, 3, 2)
USED = {*COMPARED, "log_return_1", "distance_to_low_252", "sma_ratio_50", "realised_volatility_21"}
READ = sorted({table for one in SQL_SETS.values() for table in one.reads})


def made_tables(seed=1, names=8, sessions=340):
    """Every table that a shipped model reads: a turn of the year, a late name, ties, filings and splits."""
    bars = random_bars([f"N{number:04d}" for number in range(names)], sessions, seed=seed, first=FIRST)
    bars = bars.filter(~((pl.col("symbol") == NAMES[0]) & (pl.col("date") < date(2015, 8, 3))))
    frames = {contract.table: features(contract, bars, seed) for contract in DAILY.values() if contract.table in READ}
    frames[BARS_DAILY.table] = full(BARS_DAILY, bars.with_columns(source=pl.lit("made"), adjustment=pl.lit("none")))
    frames[CORPORATE_ACTIONS.table] = full(CORPORATE_ACTIONS, splits())
    frames[COMPANIES.table] = full(COMPANIES, companies())
    frames[FUNDAMENTALS.table] = full(FUNDAMENTALS, filings(seed))
    return {table: frames[table] for table in READ}


def features(contract, bars, seed):
    """Random features with nulls at the start of each name and some equal values; what no model reads is null."""
    random = np.random.default_rng([seed, len(contract.table)])
    read = [name for name in contract.schema if name in USED]
    values = [pl.Series(name, np.round(random.normal(0.0, 0.3, bars.height), 2)) for name in read]
    known = pl.int_range(pl.len()).over("symbol") >= 21
    frame = bars.select("symbol", "date").with_columns(values)
    return full(contract, frame.with_columns(pl.when(known).then(pl.col(name)).alias(name) for name in read))


def splits():
    moment = datetime(2015, 9, 1, tzinfo=UTC)
    rows = {"symbol": NAMES[1:3], "ex_date": [date(2015, 9, 9), date(2016, 2, 3)], "value": [2.0, 1.5]}
    return pl.DataFrame(rows).with_columns(kind=pl.lit("split"), known_at=pl.lit(moment), source=pl.lit("made"))


def companies():
    sectors = ["Energy", "Energy", "Banks", None]
    rows = [(name, date(2015, 5, 4), sectors[number % 4]) for number, name in enumerate(NAMES[:6])]
    rows += [(NAMES[month], date(2016, month, 9), "Mines") for month in range(1, 6)]
    return pl.DataFrame(rows, schema=["symbol", "known_on", "sector"], orient="row").with_columns(source=pl.lit("made"))


def filings(seed):
    """Quarters and years of five names from 2014 on, known 40 days after their end, and some of them restated."""
    random = np.random.default_rng(seed)
    items = ["revenue", "net_income", "eps_basic", "total_assets", "total_equity", "cash", "operating_income"]
    ends = [
        date(year, month, day) for year in (2014, 2015, 2016) for month, day in ((3, 31), (6, 30), (9, 30), (12, 31))
    ]
    rows = []
    for name in NAMES[:5]:
        for end in ends:
            for item in items:
                value = float(random.uniform(1.0, 9.0))
                known = datetime(end.year, end.month, end.day, tzinfo=UTC) + timedelta(days=40)
                rows.append((name, end, "year" if end.month == 12 else "quarter", item, value, known))
                if random.random() < 0.2:
                    rows.append((*rows[-1][:4], value * 1.1, known + timedelta(days=33, hours=15)))
    schema = ["symbol", "period_end", "period", "item", "value", "known_at"]
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(known_on=pl.col("known_at").dt.date(), basis=pl.lit("filing"), source=pl.lit("made"))


def full(contract, frame):
    """The frame with all columns of a contract."""
    missing = [
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in contract.schema.items() if name not in frame.columns
    ]
    return frame.with_columns(missing).select(list(contract.schema)).cast(contract.schema)


def fill(lake, frames):
    """Write tables to a lake."""
    for table, frame in frames.items():
        assert replace(lake, READABLE[table], frame, Scope()).quarantined == 0
