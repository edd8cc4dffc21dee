"""The 158 features of Alpha158 for 800 names over 3,400 days, beside qlib, which defines them.

Both sides have the same bars; the tests check that their values are equal. Ours adjusts for splits and computes year by
year, so that every partition has the same bits, in one process; qlib has two processes, and its data folder is written
before.
"""

import time
from pathlib import Path

import polars as pl

from benchmarks import panels
from benchmarks.measure import Comparison, Timing, repeat
from benchmarks.peers.interpreter import timed

_N_SYMBOLS, _N_SESSIONS = 800, 3400
_REPETITIONS = 3


def values(folder: Path) -> Timing:
    """From bars to float32 columns, in one process."""
    del folder
    from trading_assets.features.alpha158.catalogue import SET
    from trading_assets.features.compute import compute

    bars = panels.bars(_N_SYMBOLS, _N_SESSIONS)
    schema = {"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64}
    actions = pl.DataFrame(schema=schema)
    first, last = bars["date"][0], bars["date"][-1]
    compute([SET], bars.head(_N_SESSIONS), actions, start=first, end=last)  # compiles
    before = time.process_time()
    timing = repeat(lambda: compute([SET], bars, actions, start=first, end=last), _REPETITIONS, rows=bars.height)
    # beside the seconds, because on a busy machine those of two sides cannot be compared
    timing.parts["processor_seconds"] = (time.process_time() - before) / _REPETITIONS
    return timing


def qlib(folder: Path) -> Timing:
    """The same by `qlib.data.D.features`, with the expressions of its handler Alpha158."""
    return timed("qlib_alpha158", panels.bars(_N_SYMBOLS, _N_SESSIONS), folder)


COMPARISONS = (Comparison("alpha158.values", values, "qlib 0.9.7, two processes", qlib),)
