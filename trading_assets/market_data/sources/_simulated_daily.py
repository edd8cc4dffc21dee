"""Daily bars, splits and dividends of one simulated name.

Every random number of session t comes from a fixed position of its own stream, and every recursion runs forward, so the
first n sessions are bit for bit the same however long the simulation is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from trading_assets.market_data.sources._simulation import (
    SESSIONS_PER_YEAR,
    Floats,
    SimulatedMarket,
    SimulationParameters,
    stream,
)

__all__ = ["DailyPath", "round_to_tick", "simulate_daily"]

_TRAITS, _SHOCKS, _EVENTS, _VOLUME_STATE = range(1, 5)
_DIVIDEND_EVERY: Final = 63
_SPLIT_RATIOS: Final = np.array([2.0, 2.0, 2.0, 3.0, 1.5])
_REVERSE_SPLIT_RATIO: Final = 0.1
_REVERSE_SPLIT_BELOW: Final = math.log(5.0)
_SHORTEST_LISTING: Final = 20
_MEMORY: Final = 40
_PERSISTENCE: Final = 0.9
_LOWEST_PRICE: Final = 0.0001
_PENNY_STOCK: Final = 1.0


@dataclass(frozen=True, slots=True)
class DailyPath:
    """One name: arrays over all sessions of the simulation, valid from `listed` up to (not including) `delisted`.

    `ratio` is 1 and `dividend` 0 where nothing happens; `has_bar` is false before, after and in gaps.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: npt.NDArray[np.int64]
    ratio: Floats
    dividend: Floats
    has_bar: npt.NDArray[np.bool_]
    listed: int
    delisted: int


@dataclass(frozen=True, slots=True)
class _Traits:
    beta: float
    volatility: float
    price: float
    volume: float
    dividend_yield: float
    dividend_phase: int
    listed: int


@dataclass(frozen=True, slots=True)
class _Events:
    ratio: Floats
    pays: npt.NDArray[np.bool_]
    has_bar: npt.NDArray[np.bool_]
    delisted: int


def simulate_daily(parameters: SimulationParameters, shared: SimulatedMarket, number: int) -> DailyPath:
    """Return the path of name `number` (from 1).

    A one-factor model: overnight and open-to-close log returns are beta times the market's plus the name's own. The raw
    price falls by the ratio of a split and by the yield of a dividend before the open of the ex-date.
    """
    n = len(shared.sessions)
    traits = _traits(parameters, number)
    state = _volume_state(parameters.seed, number, n)
    shocks = np.ascontiguousarray(stream(parameters.seed, number, _SHOCKS).standard_normal((n, 5)).T)
    strength = parameters.signal_strength
    own = strength * state[:-1] + math.sqrt(1 - strength**2) * shocks[1]
    intraday = traits.beta * shared.intraday + traits.volatility * own
    overnight = traits.beta * shared.overnight + 0.4 * traits.volatility * shocks[0]

    level = math.log(traits.price) + np.cumsum(overnight + intraday)
    events = _events(parameters, number, traits, level)
    drop = np.where(events.pays, math.log1p(-traits.dividend_yield), 0.0) - np.log(events.ratio)
    log_close = level + np.cumsum(drop)
    close = round_to_tick(np.exp(log_close))
    open_ = round_to_tick(np.exp(log_close - intraday))
    reach = 0.5 * traits.volatility * np.abs(shocks[2:4])
    body_top, body_bottom = np.maximum(open_, close), np.minimum(open_, close)
    cash = np.zeros(n)
    cash[1:] = np.round(close[:-1] * traits.dividend_yield, 4)
    volume = traits.volume * np.cumprod(events.ratio) * np.exp(0.4 * state[1:] + 0.2 * shocks[4])
    return DailyPath(
        open=open_,
        high=np.maximum(round_to_tick(body_top * np.exp(reach[0])), body_top),
        low=np.minimum(round_to_tick(body_bottom * np.exp(-reach[1])), body_bottom),
        close=close,
        volume=np.maximum(np.round(volume), 1.0).astype(np.int64),
        ratio=events.ratio,
        dividend=np.where(events.pays, cash, 0.0),
        has_bar=events.has_bar,
        listed=traits.listed,
        delisted=events.delisted,
    )


def round_to_tick(price: Floats) -> Floats:
    """Round to the cent, below one dollar to 0.0001: the ticks of US quotes (SEC Regulation NMS, rule 612)."""
    return np.maximum(np.where(price >= _PENNY_STOCK, np.round(price, 2), np.round(price, 4)), _LOWEST_PRICE)


def _traits(parameters: SimulationParameters, number: int) -> _Traits:
    rng = stream(parameters.seed, number, _TRAITS)
    u, z = rng.random(6), rng.standard_normal(4)
    delay = math.ceil(-math.log1p(-u[3]) * SESSIONS_PER_YEAR)
    return _Traits(
        beta=1.0 + 0.3 * z[0],
        volatility=0.013 * math.exp(0.3 * z[1]),
        price=60.0 * math.exp(0.7 * z[2]),
        volume=1e6 * math.exp(z[3]),
        dividend_yield=0.002 + 0.008 * u[4] if u[0] < parameters.dividend_rate else 0.0,
        dividend_phase=int(u[1] * _DIVIDEND_EVERY),
        listed=delay if u[2] < parameters.listing_rate else 0,
    )


def _volume_state(seed: int, number: int, n: int) -> Floats:
    """Return n + 1 values of unit variance and autocorrelation 0.9**k; the first belongs to the day before the start.

    A moving average over 40 draws replaces the recursion: each value needs the same 40 draws however many follow.
    """
    draws = stream(seed, number, _VOLUME_STATE).standard_normal(n + _MEMORY)
    weights = _PERSISTENCE ** np.arange(_MEMORY)
    weights /= math.sqrt(float((weights**2).sum()))
    state = np.zeros(n + 1)
    for lag in range(_MEMORY):
        state += weights[lag] * draws[_MEMORY - 1 - lag : _MEMORY + n - lag]
    return state


def _events(parameters: SimulationParameters, number: int, traits: _Traits, level: Floats) -> _Events:
    n = len(level)
    u = np.ascontiguousarray(stream(parameters.seed, number, _EVENTS).random((n, 4)).T)
    t = np.arange(n)
    may_end = t > traits.listed + _SHORTEST_LISTING
    ends = np.flatnonzero(may_end & (u[0] < parameters.delisting_rate / SESSIONS_PER_YEAR))
    delisted = int(ends[0]) if len(ends) else n
    may_act = (t > traits.listed) & (t < delisted)
    splits = may_act & (u[1] < parameters.split_rate / SESSIONS_PER_YEAR)
    before = np.concatenate([level[:1], level[:-1]])
    chosen = _SPLIT_RATIOS[(u[2] * len(_SPLIT_RATIOS)).astype(np.int64)]
    chosen = np.where(before < _REVERSE_SPLIT_BELOW, _REVERSE_SPLIT_RATIO, chosen)
    pays = may_act & ~splits & (t % _DIVIDEND_EVERY == traits.dividend_phase) & (traits.dividend_yield > 0)
    gaps = (u[3] < parameters.gap_rate) & (t > traits.listed)
    return _Events(
        ratio=np.where(splits, chosen, 1.0),
        pays=pays,
        has_bar=(t >= traits.listed) & (t < delisted) & ~gaps,
        delisted=delisted,
    )
