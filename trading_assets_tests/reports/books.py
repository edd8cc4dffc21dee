"""Small P&L records for the report tests."""

from datetime import date, timedelta

import numpy as np
import polars as pl


def record(returns, *, start: date = date(2024, 1, 1), capital: float = 1000.0, turnover: float = 0.5) -> pl.DataFrame:
    """P&L of a book with these daily returns on consecutive weekdays; every session costs 1."""
    values = np.asarray(returns, dtype=np.float64)
    days = (start + timedelta(days=i) for i in range(values.size * 2 + 7))
    return pl.DataFrame(
        {
            "book": ["demo"] * values.size,
            "date": [day for day in days if day.weekday() < 5][: values.size],
            "daily_return": values,
            "equity": capital * np.cumprod(1.0 + values),
            "turnover": np.full(values.size, turnover),
            "costs": np.ones(values.size),
            "gross_exposure": np.full(values.size, 0.9),
        },
        schema_overrides={"date": pl.Date},
    )


def noise(n: int = 600, *, mean: float = 0.0, seed: int = 4) -> pl.DataFrame:
    """P&L of `n` sessions of 1 % volatility around `mean`."""
    return record(mean + 0.01 * np.random.default_rng(seed).standard_normal(n), start=date(2020, 1, 1))


def ic_record(pnl: pl.DataFrame, *, mean: float = 0.0, seed: int = 5) -> pl.DataFrame:
    """Rank IC of the sessions of a record, with deviation 0.1."""
    values = mean + 0.1 * np.random.default_rng(seed).standard_normal(pnl.height)
    return pnl.select("date").with_columns(pl.Series("rank_ic", values))
