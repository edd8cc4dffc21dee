"""Real bars of five names with their real splits, and random panels, for the tests of several stages."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from bokeh_sampledata import stocks

SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
ACTION_SCHEMA = {"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64}


def actions(*rows):
    return pl.DataFrame(list(rows), schema=ACTION_SCHEMA, orient="row")


def real_bars(*symbols):
    frames = []
    for symbol in symbols:
        raw = getattr(stocks, symbol)
        columns = {name: raw[name] for name in ("date", "open", "high", "low", "close", "volume")}
        frames.append(pl.DataFrame(columns, strict=False).select(pl.lit(symbol).alias("symbol"), pl.all()))
    bars = pl.concat(frames).with_columns(
        pl.col("date").str.to_date(),
        pl.col("open", "high", "low", "close").cast(pl.Float64),
        pl.col("volume").cast(pl.Int64),
    )
    # the few rows whose vendor rounded high or low inside open and close would sit in quarantine
    return bars.with_columns(
        high=pl.max_horizontal("open", "high", "low", "close"), low=pl.min_horizontal("open", "high", "low", "close")
    )


def real_splits():
    return actions(
        ("AAPL", date(2000, 6, 21), "split", 2.0),
        ("AAPL", date(2005, 2, 28), "split", 2.0),
        ("MSFT", date(2003, 2, 18), "split", 2.0),
    )


def weekdays(first, count):
    days = (first + timedelta(days=i) for i in range(2 * count + 7))
    return [day for day in days if day.weekday() < 5][:count]


def random_bars(symbols, sessions, seed=0, first=date(2014, 6, 2)):
    random = np.random.default_rng(seed)
    days = weekdays(first, sessions)
    frames = []
    for symbol in symbols:
        close = 50.0 * np.exp(np.cumsum(random.normal(0.0, 0.02, sessions)))
        opened = close * np.exp(random.normal(0.0, 0.01, sessions))
        spread = np.exp(np.abs(random.normal(0.0, 0.01, sessions)))
        frames.append(
            pl.DataFrame(
                {
                    "symbol": [symbol] * sessions,
                    "date": days,
                    "open": opened,
                    "high": np.maximum(opened, close) * spread,
                    "low": np.minimum(opened, close) / spread,
                    "close": close,
                    "volume": random.integers(10_000, 1_000_000, sessions),
                }
            )
        )
    return pl.concat(frames)
