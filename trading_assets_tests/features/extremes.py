"""Names that barely trade, for the values of degenerate windows; plain windows, to compute a feature by hand."""

import numpy as np
import polars as pl

from trading_assets_tests.point_in_time.sample import random_bars

OHLCV = ("open", "high", "low", "close", "volume")
STILL_FROM, UNTRADED_FROM = 400, 420
"""First row of STOPPED without a move, and without volume."""


def extreme_names(rows=700):
    """One name that trades as usual, A, and what a day without news or a broken feed makes of it."""
    usual = random_bars("A", rows)
    row = pl.int_range(pl.len())
    quiet = (row // 40) % 2 == 1
    held = [pl.when(quiet).then(None).otherwise(pl.col(name)).forward_fill().alias(name) for name in OHLCV[:4]]
    flat = [pl.lit(10.1).alias(name) for name in OHLCV[:4]]
    one_price = [pl.col("close").alias(name) for name in OHLCV[:4]]
    wild = [pl.when(row < STILL_FROM).then(pl.col(name) * 1e3).otherwise(10.1).alias(name) for name in OHLCV[:4]]
    cases = {
        "FLAT": usual.with_columns(flat),
        "DEAD": usual.with_columns(flat).with_columns(volume=pl.lit(0, pl.Int64)),
        "NOVOLUME": usual.with_columns(volume=pl.lit(0, pl.Int64)),
        "SAMEVOLUME": usual.with_columns(volume=pl.lit(1000, pl.Int64)),
        "HALTS": usual.with_columns(held).with_columns(volume=pl.when(quiet).then(0).otherwise(pl.col("volume"))),
        "ONEPRICE": usual.with_columns(held).with_columns(one_price),
        "PENNY": usual.with_columns(pl.col(*OHLCV[:4]) * 1e-5, volume=pl.col("volume") * 100_000),
        "STOPPED": usual.with_columns(wild).with_columns(
            volume=pl.when(row < UNTRADED_FROM).then(pl.col("volume")).otherwise(pl.lit(0, pl.Int64))
        ),
        "JUMP": usual.with_columns(
            [(pl.col(name) * pl.when(row < 300).then(1e6).otherwise(1.0)).alias(name) for name in OHLCV[:4]]
        ),
    }
    named = [frame.with_columns(symbol=pl.lit(name)).select(usual.columns) for name, frame in cases.items()]
    return pl.concat([usual, *named])


def now_and_then(names):
    """Bars of names that move on few days, by amounts of many magnitudes."""
    random, frames = np.random.default_rng(5), []
    for template in random_bars(names, 600).partition_by("symbol"):
        moves = random.random(600) < 0.05
        size = np.where(moves, 10.0 ** random.uniform(-4, 0, 600), 0.0)
        close = 10.0 * np.exp(np.cumsum(size * random.choice([-1.0, 1.0], 600)))
        volume = np.where(moves, 10 ** random.integers(0, 9, 600), 0)
        frames.append(
            template.with_columns(open=close, close=close, high=close * (1.0 + size), low=close, volume=volume)
        )
    return pl.concat(frames)


def last(values, window):
    """Rows of the last values, newest at the end; NaN before the first one."""
    padded = np.concatenate([np.full(window - 1, np.nan), values])
    return np.lib.stride_tricks.sliding_window_view(padded, window)


def ago(values, rows):
    return np.concatenate([np.full(rows, np.nan), values[:-rows]])


def ema(values, window):
    """Exponential average from the first known value on."""
    found, weight = np.full(values.size, np.nan), 2.0 / (window + 1.0)
    for row, value in enumerate(values):
        before = found[row - 1] if row else np.nan
        found[row] = value if np.isnan(before) else before + weight * (value - before)
    return found


def assert_to_a_billionth(actual, expected, name):
    scale = np.maximum(np.abs(expected), np.median(np.abs(expected)))
    assert actual.size == expected.size
    assert actual.size > 0
    worst = np.max(np.abs(actual - expected) / np.where(scale == 0.0, 1.0, scale))
    assert worst <= 1e-9, name
