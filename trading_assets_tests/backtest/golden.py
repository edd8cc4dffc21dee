"""Markets of sums, products and quotients of uniform numbers alone: the same bits on every machine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from trading_assets.backtest.ledger import MarketArrays, Targets

SESSIONS, SYMBOLS = 40, 6


def markets(count: int) -> Iterator[tuple[MarketArrays, Targets]]:
    """Markets with gaps, splits, dividends and delistings, and long books and long-short books in turn."""
    return map(_market, range(count))


def _market(seed: int) -> tuple[MarketArrays, Targets]:
    rng, shape = np.random.default_rng([seed, 7]), (SESSIONS, SYMBOLS)
    close = rng.uniform(5.0, 300.0, SYMBOLS) * np.cumprod(rng.uniform(0.96, 1.045, shape), axis=0)
    opened = close * rng.uniform(0.98, 1.02, shape)
    volume = np.floor(1_000.0 / rng.uniform(0.001, 1.0, shape))
    split = np.where(rng.random(shape) < 0.03, rng.choice([2.0, 3.0, 1.5, 0.5, 1 / 3], shape), 1.0)
    scale = np.cumprod(split, axis=0)
    dividend = np.where(rng.random(shape) < 0.04, close * 0.02 / scale, 0.0)
    last = np.where(rng.random(SYMBOLS) < 0.2, rng.integers(5, SESSIONS, SYMBOLS), SESSIONS).astype(np.int64)
    missing = (rng.random(shape) < 0.05) | (np.arange(SESSIONS)[:, None] > last)
    missing[0] = False
    weight = rng.random(shape) * (rng.random(shape) < 0.8) / SYMBOLS * rng.choice([1.0, 1.0, 4.0], (SESSIONS, 1))
    weight = weight * np.where(rng.random(shape) < 0.25, -1.0, 1.0) if seed % 2 else weight
    market = MarketArrays(
        np.where(missing, np.nan, opened / scale),
        np.where(missing, np.nan, close / scale),
        np.where(missing, 0.0, volume * scale),
        split,
        dividend,
    )
    rebalance, earned = rng.random(SESSIONS) < 0.5, rng.choice([0.0, -0.3, -1.0, 0.2], SYMBOLS)
    return market, Targets(weight, rebalance, last, earned)
