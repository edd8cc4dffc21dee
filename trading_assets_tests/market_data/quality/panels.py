"""Panels of bars for the tests of quality: clean ones, and what they are judged with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from trading_assets.desk.calendar import sessions
from trading_assets.market_data.quality import QualityRules, anomalies

SESSIONS = sessions("XNYS", date(2015, 1, 2), date(2015, 12, 31))
RULES = QualityRules()
PRICES = ("open", "high", "low", "close")
NO_ACTIONS = pl.DataFrame(schema={"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64})
NO_JUMPS = pl.DataFrame(schema={"symbol": pl.String, "date": pl.Date, "ratio": pl.Float64, "message": pl.String})
NOTHING_QUARANTINED = pl.DataFrame(schema={"symbol": pl.String, "date": pl.Date, "rule": pl.String})


def clean_bars(names: Sequence[str], days: Sequence[date] = SESSIONS, *, seed: int = 0) -> pl.DataFrame:
    """Bars without any defect: moves of at most 3 % a session, each bar another one."""
    rng = np.random.default_rng(seed)
    frames = []
    for name in names:
        close = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, len(days)).clip(-0.03, 0.03)))
        frames.append(
            pl.DataFrame(
                {
                    "symbol": [name] * len(days),
                    "date": list(days),
                    "open": close * 1.001,
                    "high": close * 1.01,
                    "low": close * 0.99,
                    "close": close,
                    "volume": rng.integers(900_000, 1_100_000, len(days)),
                },
                schema_overrides={"date": pl.Date},
            )
        )
    return pl.concat(frames).with_columns(source=pl.lit("test"))


def listed(bars: pl.DataFrame, delisted_on: date | None = None) -> pl.DataFrame:
    """Names of a panel, listed from their first bar on."""
    spans = bars.group_by("symbol").agg(first_session=pl.col("date").min(), last_session=pl.col("date").max())
    return spans.with_columns(delisted_on=pl.lit(delisted_on, dtype=pl.Date)).sort("symbol")


def at(symbol: str, day: date) -> pl.Expr:
    """Whether a row is of a name and session."""
    return (pl.col("symbol") == symbol) & (pl.col("date") == day)


def scaled(bars: pl.DataFrame, rows: pl.Expr, factor: float, *, volume: float = 1.0) -> pl.DataFrame:
    """Bars whose prices, and volume, are multiplied in some rows."""
    return bars.with_columns(
        *(pl.when(rows).then(pl.col(name) * factor).otherwise(name).alias(name) for name in PRICES),
        volume=pl.when(rows).then((pl.col("volume") * volume).cast(pl.Int64)).otherwise("volume"),
    )


def found(
    bars: pl.DataFrame,
    *,
    symbols: pl.DataFrame | None = None,
    actions: pl.DataFrame = NO_ACTIONS,
    quarantined: pl.DataFrame = NOTHING_QUARANTINED,
    days: Sequence[date] = SESSIONS,
    jumps: pl.DataFrame = NO_JUMPS,
    rules: QualityRules = RULES,
) -> pl.DataFrame:
    """Anomalies of a panel, everything beside its bars being in order."""
    names = listed(bars) if symbols is None else symbols
    return anomalies(bars, actions, quarantined, names, days, jumps=jumps, rules=rules)
