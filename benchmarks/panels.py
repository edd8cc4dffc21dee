"""Made-up panels of the size of the S&P 500 over five years."""

from datetime import date, timedelta

import numpy as np
import polars as pl

N_SYMBOLS, N_SESSIONS = 505, 1260
FIRST = date(2013, 1, 1)
_SATURDAY = 5


def sessions(count: int = N_SESSIONS) -> list[date]:
    """Weekdays from the first on."""
    days = (FIRST + timedelta(days=number) for number in range(2 * count))
    return [day for day in days if day.weekday() < _SATURDAY][:count]


def keys(n_symbols: int = N_SYMBOLS, n_sessions: int = N_SESSIONS) -> pl.DataFrame:
    """Symbol and date of every row, by symbol and date."""
    names = pl.DataFrame({"symbol": [f"S{number:04d}" for number in range(n_symbols)]})
    return names.join(pl.DataFrame({"date": sessions(n_sessions)}), how="cross")


def bars(n_symbols: int = N_SYMBOLS, n_sessions: int = N_SESSIONS, seed: int = 7) -> pl.DataFrame:
    """Daily bars whose closes are random walks."""
    random = np.random.default_rng(seed)
    shape = (n_symbols, n_sessions)
    close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.01, shape), axis=1))
    opened = close * np.exp(random.normal(0.0, 0.003, shape))
    body_high, body_low = np.maximum(opened, close), np.minimum(opened, close)
    columns = {
        "open": opened,
        "high": body_high * np.exp(np.abs(random.normal(0.0, 0.004, shape))),
        "low": body_low * np.exp(-np.abs(random.normal(0.0, 0.004, shape))),
        "close": close,
        "volume": random.integers(1_000_000, 9_000_000, shape),
    }
    return keys(n_symbols, n_sessions).with_columns(pl.Series(name, values.ravel()) for name, values in columns.items())


def no_actions() -> pl.DataFrame:
    """Corporate actions of names that never act."""
    return pl.DataFrame(schema={"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64})
