"""Lookup table of the days of an exchange: for each day, everything that the calendar says about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.desk import calendar
from trading_assets.features.bar_rows import Array
from trading_assets.features.calendar.catalogue import FURTHEST_HOLIDAY
from trading_assets.market_data import schedule

Days = NDArray[np.int64]
Flags = NDArray[np.bool_]

_FRIDAY, _FIRST_THIRD_FRIDAY, _LAST_THIRD_FRIDAY = 5, 15, 21


@dataclass(frozen=True)
class ExchangeDays:
    """All days of an exchange's calendar.

    Attributes
    ----------
    first
        Number of the first day, counted from 1970-01-01.
    features
        Features of a day by name, one value per day.
    open_at
        Minutes from midnight UTC of the day to the scheduled open; without a session, the value of the day before.
    local_open
        Minutes from midnight to the scheduled open, in the time of the exchange.
    length
        Minutes from the scheduled open to the scheduled close, breaks included.
    """

    first: int
    features: Mapping[str, Array]
    open_at: Array
    local_open: Array
    length: Array


@lru_cache(maxsize=8)
def exchange_days(exchange: str) -> ExchangeDays:
    """Build the table of an exchange's days, from the month of its calendar's first session to the last session.

    Raises
    ------
    UnknownExchangeError
        If there is no such calendar.
    """
    first, last = calendar.first_session(exchange).replace(day=1), calendar.last_session(exchange)
    days = pl.DataFrame({"date": pl.date_range(first, last, eager=True)})
    held = _marked(days, calendar.sessions(exchange, first, last))
    scheduled = _marked(days, schedule.scheduled_sessions(exchange))
    weekday = days["date"].dt.weekday().to_numpy() - 1
    trades = np.array([schedule.is_trading_weekday(exchange, date(2024, 1, number)) for number in range(1, 8)])[weekday]
    half_days = _marked(days, schedule.half_days(exchange))
    features = {
        **_dates(days),
        **_turns(days, held, scheduled),
        **_holidays(held, scheduled, trades),
        "is_half_day": half_days.astype(np.float64),
        **_expiries(days, scheduled),
    }
    start = int(days["date"].cast(pl.Int32)[0])
    return ExchangeDays(start, features, *_hours(exchange, days, half_days))


def _marked(days: pl.DataFrame, chosen: Sequence[date]) -> Flags:
    return days["date"].is_in(pl.Series(chosen, dtype=pl.Date).implode()).to_numpy()


def _dates(days: pl.DataFrame) -> dict[str, Array]:
    of = days["date"].dt
    found = {
        "weekday": of.weekday() - 1,
        "day_of_month": of.day(),
        "week_of_year": of.week(),
        "month": of.month(),
        "quarter": of.quarter(),
    }
    dates = {name: column.cast(pl.Float64).to_numpy() for name, column in found.items()}
    length = 365.0 + of.is_leap_year().cast(pl.Float64).to_numpy()
    phases = {
        "weekday": dates["weekday"] / 7.0,
        "month": (dates["month"] - 1.0) / 12.0,
        "day_of_year": (of.ordinal_day().cast(pl.Float64).to_numpy() - 1.0) / length,
    }
    sines = {f"{name}_sin": np.sin(2.0 * np.pi * phase) for name, phase in phases.items()}
    return dates | sines | {f"{name}_cos": np.cos(2.0 * np.pi * phase) for name, phase in phases.items()}


def _turns(days: pl.DataFrame, held: Flags, scheduled: Flags) -> dict[str, Array]:
    """Positions in the month: backward in sessions that were held, forward in scheduled ones."""
    number, month = np.arange(held.size), days["date"].dt.month().to_numpy()
    month_start = number - (days["date"].dt.day().to_numpy() - 1)
    month_end = month_start + days["date"].dt.days_in_month().to_numpy() - 1
    since = (_before(held, number) - _before(held, month_start)).astype(np.float64)
    ahead = (_before(scheduled, month_end + 1) - _before(scheduled, number + 1)).astype(np.float64)
    opens_quarter, closes_quarter = month % 3 == 1, month % 3 == 0
    flags = {
        "is_turn_of_month": (ahead == 0.0) | (since <= 2.0),  # noqa: PLR2004 - three sessions
        "is_quarter_start": opens_quarter & (since == 0.0),
        "is_quarter_end": closes_quarter & (ahead == 0.0),
        "is_year_start": (month == 1) & (since == 0.0),
        "is_year_end": (month == 12) & (ahead == 0.0),  # noqa: PLR2004 - December
    }
    counts = {"sessions_since_month_start": since, "sessions_to_month_end": ahead}
    return counts | {name: flag.astype(np.float64) for name, flag in flags.items()}


def _holidays(held: Flags, scheduled: Flags, trades: Flags) -> dict[str, Array]:
    """Distances to the last closure (backward) and to the next scheduled one (forward)."""
    number = np.arange(held.size)
    coming, past = _next(trades & ~scheduled), _last(trades & ~held)
    to_holiday = _before(scheduled, coming) - _before(scheduled, number + 1)
    since_holiday = _before(held, number) - _before(held, past + 1)
    far = FURTHEST_HOLIDAY
    before, after = _last(held), _next(scheduled)
    return {
        "sessions_to_holiday": np.where(coming == held.size, far, np.minimum(to_holiday, far)).astype(np.float64),
        "sessions_since_holiday": np.where(past < 0, far, np.minimum(since_holiday, far)).astype(np.float64),
        # the calendar has no session before its first or after its last one
        "days_since_session": np.where(before < 0, 1, number - before).astype(np.float64),
        "days_to_session": np.where(after == held.size, 1, after - number).astype(np.float64),
    }


def _expiries(days: pl.DataFrame, scheduled: Flags) -> dict[str, Array]:
    number = np.arange(scheduled.size)
    friday = days.select(_friday_of_week()).to_series()
    is_third = friday.dt.day().is_between(_FIRST_THIRD_FRIDAY, _LAST_THIRD_FRIDAY).to_numpy()
    is_quarterly = is_third & (friday.dt.month() % 3 == 0).to_numpy()
    weekday = days["date"].dt.weekday().to_numpy()
    expiry = _next(is_third & (weekday == _FRIDAY), include_today=True)
    ahead = _before(scheduled, expiry + 1) - _before(scheduled, number + 1)
    return {
        "sessions_to_expiry": ahead.astype(np.float64),
        "is_expiry_week": is_third.astype(np.float64),
        "is_quarterly_expiry_week": is_quarterly.astype(np.float64),
    }


def _friday_of_week() -> pl.Expr:
    """Friday of the week from Monday to Sunday."""
    return pl.col("date") + pl.duration(days=_FRIDAY - pl.col("date").dt.weekday().cast(pl.Int64))


def _hours(exchange: str, days: pl.DataFrame, half_days: Flags) -> tuple[Array, Array, Array]:
    """Scheduled hours of every day: open from midnight UTC, open from local midnight, minutes to the close."""
    held = calendar.session_hours(exchange, days["date"][0], days["date"][-1])
    local = pl.col("open").dt.convert_time_zone(calendar.exchange_timezone(exchange))
    midnight = pl.col("date").cast(pl.Datetime("us", "UTC"))
    usual = held.select(
        "date",
        open_at=(pl.col("open") - midnight).dt.total_minutes(),
        local_open=local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute(),
        length=(pl.col("close") - pl.col("open")).dt.total_minutes(),
    ).filter(~pl.col("date").is_in(pl.Series(schedule.unscheduled_hours(exchange), dtype=pl.Date).implode()))
    table = days.join(usual, on="date", how="left", maintain_order="left").with_columns(half=pl.Series(half_days))
    of_full_days = pl.when(~pl.col("half")).then(pl.col("length")).forward_fill().backward_fill()
    filled = table.select(
        pl.col("open_at", "local_open").forward_fill().backward_fill(),
        length=pl.when(pl.col("half")).then(pl.col("length")).otherwise(of_full_days),
    ).cast(pl.Float64)
    return filled["open_at"].to_numpy(), filled["local_open"].to_numpy(), filled["length"].to_numpy()


def _before(flags: Flags, number: Days) -> Days:
    """How many of the days before a day are marked."""
    found: Days = np.concatenate([[0], np.cumsum(flags, dtype=np.int64)])[np.clip(number, 0, flags.size)]
    return found


def _last(flags: Flags) -> Days:
    """Last marked day before each day; -1 where there is none."""
    marked = np.where(flags, np.arange(flags.size), -1)
    return np.concatenate([[-1], np.maximum.accumulate(marked)[:-1]])


def _next(flags: Flags, *, include_today: bool = False) -> Days:
    """First marked day after each day; the number of days where there is none."""
    marked = np.where(flags, np.arange(flags.size), flags.size)
    coming = np.minimum.accumulate(marked[::-1])[::-1]
    return coming if include_today else np.concatenate([coming[1:], [flags.size]])
