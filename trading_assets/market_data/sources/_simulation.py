"""Parameters of the simulation, its random streams, and the calendar and market that its names share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from trading_assets.desk import calendar
from trading_assets.market_data.sources.errors import SourceConfigError

__all__ = ["SESSIONS_PER_YEAR", "Floats", "SimulatedMarket", "SimulationParameters", "market", "stream"]

Floats = npt.NDArray[np.float64]

SESSIONS_PER_YEAR: Final = 252
_DRIFT = 0.0003
_OVERNIGHT_VOLATILITY = 0.005
_INTRADAY_VOLATILITY = 0.008
_RATES = ("split_rate", "dividend_rate", "gap_rate", "listing_rate", "delisting_rate")


@dataclass(frozen=True, kw_only=True)
class SimulationParameters:
    """What to simulate; the same parameters give the same bars, on any machine and in any order of requests.

    The bars of a name depend on `seed`, `start`, `exchange`, the rates and its own number: not on the number of names,
    and on `end` only in that they stop there.

    Parameters
    ----------
    seed
        Not negative.
    n_symbols
        Number of names ``SIM0001``, ``SIM0002`` ...; those not listed by `end` do not exist yet.
    start, end
        First and last day of the simulation.
    exchange, currency
        Of every name.
    split_rate
        Splits per name and year.
    dividend_rate
        Share of names that pay a cash dividend, every 63 sessions.
    gap_rate
        Share of a name's sessions without a bar.
    listing_rate
        Share of names listed after `start`, on average a year later.
    delisting_rate
        Delistings per name and year.
    signal_strength
        From 0 (nothing to predict) to below 1: correlation of a session's own open-to-close return with the previous
        session's volume state, which shows as volume above or below the name's usual one and lasts about two weeks.
    """

    seed: int = 0
    n_symbols: int = 100
    start: date = date(2015, 1, 2)
    end: date = date(2024, 12, 31)
    exchange: str = "XNYS"
    currency: str = "USD"
    split_rate: float = 0.05
    dividend_rate: float = 0.5
    gap_rate: float = 0.001
    listing_rate: float = 0.1
    delisting_rate: float = 0.02
    signal_strength: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        for rate in _RATES:
            _require(rate, getattr(self, rate), "between 0 and 1", 0 <= getattr(self, rate) <= 1)
        strength = self.signal_strength
        _require("signal_strength", strength, "at least 0 and below 1", 0 <= strength < 1 and math.isfinite(strength))
        _require("seed", self.seed, "not negative", self.seed >= 0)
        _require("n_symbols", self.n_symbols, "at least 1", self.n_symbols >= 1)
        _require("end", self.end, f"not before the start {self.start}", self.end >= self.start)


@dataclass(frozen=True, slots=True)
class SimulatedMarket:
    """What all names share: sessions (datetime64[D]), closes (datetime64[us], UTC), common returns per session."""

    sessions: npt.NDArray[np.datetime64]
    closes: npt.NDArray[np.datetime64]
    overnight: Floats
    intraday: Floats


def stream(seed: int, *key: int) -> np.random.Generator:
    """Return the random generator of one purpose; generators of different keys are independent of each other.

    Keys are spawn keys of NumPy's `SeedSequence`; PCG64 is named because NumPy's default generator may change.
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


@lru_cache(maxsize=8)
def market(seed: int, exchange: str, start: date, end: date) -> SimulatedMarket:
    """Return the calendar and the common factor; a later `end` changes no earlier value."""
    schedule = calendar.session_closes(exchange, start, end)
    factor = stream(seed, 0).standard_normal((schedule.height, 2))
    return SimulatedMarket(
        sessions=schedule["date"].to_numpy(),
        closes=schedule["close"].dt.replace_time_zone(None).cast(pl.Datetime("us")).to_numpy(),
        overnight=np.ascontiguousarray(factor[:, 0]) * _OVERNIGHT_VOLATILITY,
        intraday=np.ascontiguousarray(factor[:, 1]) * _INTRADAY_VOLATILITY + _DRIFT,
    )


def _require(setting: str, value: object, rule: str, holds: bool) -> None:
    if not holds:
        raise SourceConfigError(f"setting source.simulated.{setting} is {value!r}; it must be {rule}.")
