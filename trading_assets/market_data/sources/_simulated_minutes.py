"""Minute bars of one simulated session that add up to its daily bar."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trading_assets.market_data.sources._simulated_daily import round_to_tick
from trading_assets.market_data.sources._simulation import Floats

__all__ = ["MinuteBars", "simulate_minutes"]


@dataclass(frozen=True, slots=True)
class MinuteBars:
    """Arrays over the minutes of one session."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: npt.NDArray[np.int64]


def simulate_minutes(
    rng: np.random.Generator, minutes: int, *, open_: float, high: float, low: float, close: float, volume: int
) -> MinuteBars:
    """Return `minutes` bars whose first open, highest high, lowest low, last close and summed volume are those given.

    Prices are a Brownian bridge from open to close, clipped to [low, high], which the most extreme minutes touch.
    Volume is spread at random with a U-shaped intensity: the first and last minutes trade about four times the middle.
    """
    time = np.arange(1, minutes + 1) / minutes
    steps, bustle = rng.standard_normal((2, minutes))
    reach = np.abs(rng.standard_normal((2, minutes)))
    walk = np.cumsum(steps) / math.sqrt(minutes)
    bridge = walk - time * walk[-1]
    spread = high - low
    path = _within(open_ + (close - open_) * time + 0.6 * spread * bridge, low, high)
    path[-1] = close
    opens = np.concatenate([[open_], path[:-1]])
    wiggle = 0.3 * spread * reach / math.sqrt(minutes)
    highs = np.maximum(_within(np.maximum(opens, path) + wiggle[0], low, high), np.maximum(opens, path))
    lows = np.minimum(_within(np.minimum(opens, path) - wiggle[1], low, high), np.minimum(opens, path))
    highs[np.argmax(highs)] = high
    lows[np.argmin(lows)] = low
    intensity = (1.0 + 3.0 * (2.0 * time - 1.0) ** 2) * np.exp(0.5 * bustle)
    return MinuteBars(opens, highs, lows, path, rng.multinomial(volume, intensity / intensity.sum()))


def _within(price: Floats, low: float, high: float) -> Floats:
    return np.clip(round_to_tick(price), low, high)
