"""Fourteen rolling features of 800 names over 3,400 days: beside Polars, DuckDB, pandas and qlib.

Means and deviations of the last 5, 10, 20, 60 and 120 closes, highest and lowest of the last 60 and 120. The peers
carry sums from one window to the next over the whole history of a name; our windows are computed from their own rows
alone, so that a value has the same bits wherever the rows begin. All have two threads or processes, pandas has one.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl

from benchmarks import panels
from benchmarks.measure import Comparison, Timing, repeat
from benchmarks.peers.interpreter import timed

_N_SYMBOLS, _N_SESSIONS = 800, 3400
_WINDOWS = (5, 10, 20, 60, 120)
_REPETITIONS, _THREADS = 3, 2


def windows(folder: Path) -> Timing:
    """Windows of `BarRows`, one span per name."""
    del folder
    from trading_assets.features.bar_rows import SPAN, BarRows

    rows = BarRows(_bars().with_columns(pl.col("symbol").rle_id().alias(SPAN)))
    work: list[tuple[Callable[..., object], int]] = [
        *((method, window) for window in _WINDOWS for method in (rows.mean, rows.deviation)),
        *((method, window) for window in _WINDOWS[-2:] for method in (rows.highest, rows.lowest)),
    ]

    def compute() -> None:
        close = rows.close
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(lambda one: one[0](close, one[1]), work))

    return repeat(compute, _REPETITIONS, rows=rows.frame.height, warm=True)


def polars(folder: Path) -> Timing:
    """Rolling expressions over the names."""
    del folder
    bars, close = _bars(), pl.col("close")
    features = [
        *(one for n in _WINDOWS for one in (close.rolling_mean(n), close.rolling_std(n))),
        *(one for n in _WINDOWS[-2:] for one in (close.rolling_max(n), close.rolling_min(n))),
    ]
    columns = [one.over("symbol").alias(str(number)) for number, one in enumerate(features)]
    return repeat(lambda: bars.with_columns(columns), _REPETITIONS, rows=bars.height, warm=True)


def duckdb(folder: Path) -> Timing:
    """Window functions."""
    del folder
    import duckdb as engine

    bars = _bars()
    named = ", ".join(
        f"w{n} AS (PARTITION BY symbol ORDER BY date ROWS BETWEEN {n - 1} PRECEDING AND CURRENT ROW)" for n in _WINDOWS
    )
    features = ", ".join(
        [
            *(f"avg(close) OVER w{n}, stddev_samp(close) OVER w{n}" for n in _WINDOWS),
            *(f"max(close) OVER w{n}, min(close) OVER w{n}" for n in _WINDOWS[-2:]),
        ]
    )
    connection = engine.connect()
    connection.register("given", bars.to_arrow())
    connection.execute(f"SET threads = {_THREADS}; CREATE TABLE bars AS FROM given")
    query = f"SELECT symbol, date, {features} FROM bars WINDOW {named}"
    return repeat(lambda: connection.execute(query).to_arrow_table(), _REPETITIONS, rows=bars.height, warm=True)


def pandas(folder: Path) -> Timing:
    """Rolling windows of groups."""
    del folder
    bars = _bars().to_pandas()

    def compute() -> None:
        close = bars.groupby("symbol", sort=False)["close"]
        for window in _WINDOWS:
            rolling = close.rolling(window)
            rolling.mean()
            rolling.std()
        for window in _WINDOWS[-2:]:
            rolling = close.rolling(window)
            rolling.max()
            rolling.min()

    return repeat(compute, _REPETITIONS, rows=len(bars))


def qlib(folder: Path) -> Timing:
    """Expressions of qlib, its data folder being written before."""
    return timed("qlib_rolling", _bars(), folder)


def _bars() -> pl.DataFrame:
    return panels.bars(_N_SYMBOLS, _N_SESSIONS)


COMPARISONS = tuple(
    Comparison(f"rolling.{name}", windows, peer, side)
    for name, peer, side in (
        ("polars", "Polars, rolling expressions over names", polars),
        ("duckdb", "DuckDB, window functions", duckdb),
        ("pandas", "pandas, rolling windows of groups", pandas),
        ("qlib", "qlib 0.9.7, two processes", qlib),
    )
)
