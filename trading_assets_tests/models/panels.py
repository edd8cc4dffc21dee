"""Generated panels of features and labels for the model tests."""

from datetime import date, timedelta

import numpy as np
import polars as pl


def weekdays(count: int, start: date = date(2020, 1, 1)) -> list[date]:
    """The first `count` weekdays from `start`."""
    days = (start + timedelta(days=i) for i in range(count * 2))
    return [day for day in days if day.weekday() < 5][:count]


def panel(
    *, n_sessions: int = 160, n_names: int = 12, n_features: int = 4, horizon: int = 5, edge: float = 0.0, seed: int = 1
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Features `f0..` and labels; a return follows `f0` with weight `edge`, the rest is noise."""
    rng = np.random.default_rng(seed)
    sessions = weekdays(n_sessions)
    n = n_sessions * n_names
    keys = {
        "symbol": [f"S{i:03d}" for _ in sessions for i in range(n_names)],
        "date": [day for day in sessions for _ in range(n_names)],
    }
    values = rng.standard_normal((n, n_features)).astype(np.float32)
    features = pl.DataFrame({**keys, **{f"f{i}": values[:, i] for i in range(n_features)}})
    exits = {day: sessions[i + horizon] for i, day in enumerate(sessions[:-horizon])}
    entries = {day: sessions[i + 1] for i, day in enumerate(sessions[:-1])}
    labels = pl.DataFrame(
        {
            **keys,
            "entry_date": [entries.get(day) for day in keys["date"]],
            "exit_date": [exits.get(day) for day in keys["date"]],
            "forward_return": 0.02 * (edge * values[:, 0] + rng.standard_normal(n)),
        },
        schema_overrides={"entry_date": pl.Date, "exit_date": pl.Date},
    ).drop_nulls("exit_date")
    return features, labels
