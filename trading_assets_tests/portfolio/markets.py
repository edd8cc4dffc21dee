"""Bars, corporate actions and scores of a small market, for tests of weights."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

# Monday 2024-01-01 to Friday 2024-06-28 without weekends, New Year, and Friday 2024-01-12.
CALENDAR = [
    day
    for day in (date(2024, 1, 1) + timedelta(days=offset) for offset in range(180))
    if day.weekday() < 5 and day not in {date(2024, 1, 1), date(2024, 1, 12)}
]
ACTIONS_SCHEMA = {"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64}


def actions(*rows: tuple[str, date, str, float]) -> pl.DataFrame:
    """Corporate actions."""
    return pl.DataFrame(rows, schema=ACTIONS_SCHEMA, orient="row")


def bars(closes: dict[str, Sequence[float | None]], days: Sequence[date] = CALENDAR) -> pl.DataFrame:
    """Bars with these closes; None is a session without a bar."""
    rows = [
        (symbol, day, close)
        for symbol, prices in closes.items()
        for day, close in zip(days, prices, strict=False)
        if close is not None
    ]
    return pl.DataFrame(rows, schema={"symbol": pl.String, "date": pl.Date, "close": pl.Float64}, orient="row")


def walks(names: Sequence[str], seed: int = 1, gaps: float = 0.02) -> pl.DataFrame:
    """Bars of random walks, each with a volatility of its own, some sessions without a bar."""
    rng = random.Random(seed)
    closes: dict[str, list[float | None]] = {}
    for number, name in enumerate(names):
        price, found = 50.0, []
        for _ in CALENDAR:
            price *= 1 + rng.gauss(0, 0.005 * (1 + number % 7))
            found.append(None if rng.random() < gaps else price)
        closes[name] = found
    return bars(closes)


def scores(names: Sequence[str], days: Sequence[date] = CALENDAR, seed: int = 2, share: float = 0.9) -> pl.DataFrame:
    """Random scores, some of which are missing."""
    rng = random.Random(seed)
    rows = [(day, name, rng.gauss(0, 1)) for day in days for name in names if rng.random() < share]
    return pl.DataFrame(rows, schema={"date": pl.Date, "symbol": pl.String, "score": pl.Float64}, orient="row")
