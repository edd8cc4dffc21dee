"""Bars as a data folder of qlib, in single precision as qlib stores them or in the double precision of the bars."""

from __future__ import annotations

import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import qlib
from qlib.data import D
from qlib.data.data import LocalFeatureProvider

FIELDS = ("open", "high", "low", "close", "volume", "vwap")


def read_bars(path: str | Path) -> pd.DataFrame:
    """Read symbol, date, open, high, low, close, volume, sorted by symbol and date."""
    bars = pd.read_parquet(path).sort_values(["symbol", "date"], ignore_index=True)
    return bars.assign(date=pd.to_datetime(bars["date"]))


@contextmanager
def opened(bars: pd.DataFrame, kernels: int, *, double: bool = False) -> Iterator[None]:
    """Open qlib on a temporary folder with these bars and (high + low + close) / 3 as $vwap."""
    with tempfile.TemporaryDirectory(prefix="qlib-") as name:
        folder = Path(name)
        _write(folder, bars, "<f8" if double else "<f4")
        exact = {"class": "DoubleFeatures", "module_path": __name__, "kwargs": {"folder": folder}}
        providers = {"feature_provider": exact} if double else {}
        qlib.init(provider_uri=name, region="us", kernels=kernels, logging_level="ERROR", **providers)
        yield


def print_seconds(compute: Callable[[], pd.DataFrame]) -> None:
    """Print wall-clock and processor seconds of a computation, its worker processes included."""
    started, before = time.perf_counter(), _processor_seconds()
    rows = len(compute())
    seconds, used = time.perf_counter() - started, _processor_seconds() - before
    print(json.dumps({"seconds": seconds, "rows": rows, "processor_seconds": used}))


def _processor_seconds() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def features(expressions: list[str], columns: list[str], names: list[str] | None = None) -> pd.DataFrame:
    """Compute expressions for names, all of them by default: symbol, date, and a float32 column for each."""
    chosen = D.instruments("all") if names is None else names
    found = D.features(chosen, expressions, freq="day")
    found.columns = columns
    table = found.reset_index().rename(columns={"instrument": "symbol", "datetime": "date"})
    return table.assign(symbol=table["symbol"].astype(str))


class DoubleFeatures(LocalFeatureProvider):  # type: ignore[misc]
    """Bars in full precision: the layout of qlib's files, with numbers of eight bytes."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def feature(self, instrument: str, field: str, start_index: int, end_index: int, freq: str) -> pd.Series:
        """Values of a field such as "$close" by position in the calendar."""
        stored = np.fromfile(self._folder / "features" / instrument.lower() / f"{field[1:]}.{freq}.bin", "<f8")
        first, values = int(stored[0]), stored[1:]
        values = values[max(start_index - first, 0) : end_index + 1 - first]
        begin = max(start_index, first)
        return pd.Series(values, index=pd.RangeIndex(begin, begin + len(values)))


def _write(folder: Path, bars: pd.DataFrame, number: str) -> None:
    """Write the calendar, the names, and one file per name and field: position of the first day, then the values."""
    bars = bars.assign(vwap=(bars["high"] + bars["low"] + bars["close"]) / 3.0)
    days = np.sort(bars["date"].unique())
    (folder / "calendars").mkdir()
    (folder / "calendars" / "day.txt").write_text("".join(f"{pd.Timestamp(day).date()}\n" for day in days))
    (folder / "instruments").mkdir()
    lines = []
    for symbol, rows in bars.groupby("symbol"):
        target = folder / "features" / str(symbol).lower()
        target.mkdir(parents=True)
        position = np.searchsorted(days, rows["date"].to_numpy())
        lines.append(f"{symbol}\t{rows['date'].iloc[0].date()}\t{rows['date'].iloc[-1].date()}\n")
        for field in FIELDS:
            values = np.full(position[-1] - position[0] + 1, np.nan)
            values[position - position[0]] = rows[field]
            np.hstack([position[0], values]).astype(number).tofile(target / f"{field}.day.bin")
    (folder / "instruments" / "all.txt").write_text("".join(lines))
