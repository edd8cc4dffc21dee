"""Values of the calendar: rows looked up in the table of the exchange's days."""

from __future__ import annotations

import numpy as np
import polars as pl

from trading_assets.desk.calendar import sessions
from trading_assets.features.bar_rows import Array, BarRows
from trading_assets.features.calendar.days import ExchangeDays, exchange_days

_HALF_HOUR = 30.0
_MINUTES_PER_DAY = 1440.0
_MICROSECONDS_PER_MINUTE = 60_000_000


def values(rows: BarRows) -> dict[str, Array]:
    """Compute the set; see `catalogue`.

    Raises
    ------
    CalendarBoundsError
        A bar lies outside of the exchange's calendar.
    """
    dates = rows.frame["date"]
    if len(dates):
        sessions(rows.exchange, dates.min(), dates.max())  # type: ignore[arg-type]
    days = exchange_days(rows.exchange)
    day = dates.cast(pl.Int32).to_numpy().astype(np.int64)
    found = {name: column[day - days.first] for name, column in days.features.items()}
    return found if rows.interval == "daily" else found | _of_session(rows, days, day)


def _of_session(rows: BarRows, days: ExchangeDays, day: np.ndarray) -> dict[str, Array]:
    number = day - days.first
    moment = rows.frame["ts"].dt.epoch("us").to_numpy() / _MICROSECONDS_PER_MINUTE
    minute = moment - day * _MINUTES_PER_DAY - days.open_at[number]
    length = days.length[number]
    to_close, share = length - minute, np.clip(minute / length, 0.0, 1.0)
    of_day = np.mod(days.local_open[number] + minute, _MINUTES_PER_DAY)
    phase = 2.0 * np.pi * of_day / _MINUTES_PER_DAY
    return {
        "hour": np.floor(of_day / 60.0),
        "minute_of_session": minute,
        "minutes_to_close": to_close,
        "session_share": share,
        "session_third": np.minimum(np.floor(3.0 * share), 2.0),
        "is_opening_half_hour": ((minute >= 0.0) & (minute < _HALF_HOUR)).astype(np.float64),
        "is_closing_half_hour": ((to_close > 0.0) & (to_close <= _HALF_HOUR)).astype(np.float64),
        "time_of_day_sin": np.sin(phase),
        "time_of_day_cos": np.cos(phase),
    }
