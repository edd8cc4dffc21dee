"""Writes to the lake, 636,300 rows of 40 features and their key, beside Parquet files written by hand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import panels
from benchmarks.measure import Comparison, Timing, repeat, scratch_lake
from trading_assets.features.contract import contract_of
from trading_assets.features.technical.catalogue import SET as TECHNICAL
from trading_assets.lake import Scope
from trading_assets.lake.store.writes import replace

_TECHNICAL = contract_of(TECHNICAL, "daily")
_SYMBOL, _YEAR = "S0100", 2015
_FIVE_YEARS = Scope(time="date", start=date(2013, 1, 1), end=date(2018, 1, 1))


def _frame() -> pl.DataFrame:
    random = np.random.default_rng(7)
    keys = panels.keys()
    names = [name for name in _TECHNICAL.schema if name not in keys.columns]
    return keys.with_columns(pl.Series(name, random.normal(size=keys.height).astype(np.float32)) for name in names)


def _restated(frame: pl.DataFrame, times: int) -> list[pl.DataFrame]:
    """Rows of one name and year, each time with other values."""
    rows = frame.filter((pl.col("symbol") == _SYMBOL) & (pl.col("date").dt.year() == _YEAR))
    return [rows.with_columns(pl.col("rsi_14") + number + 1) for number in range(times)]


@contextmanager
def _filled(folder: Path) -> Iterator[tuple[Callable[[pl.DataFrame, Scope], object], pl.DataFrame]]:
    frame = _frame()
    with scratch_lake(folder) as lake:
        replace(lake, _TECHNICAL, frame, _FIVE_YEARS)
        yield lambda rows, scope: replace(lake, _TECHNICAL, rows, scope), frame


def bulk(folder: Path) -> Timing:
    """Write into an empty table."""
    frame = _frame()
    with scratch_lake(folder) as lake:
        return repeat(lambda: replace(lake, _TECHNICAL, frame, _FIVE_YEARS), 1, rows=frame.height)


def unchanged(folder: Path) -> Timing:
    """Write the same rows again: nothing is committed."""
    with _filled(folder) as (write, frame):
        return repeat(lambda: write(frame, _FIVE_YEARS), 3, rows=frame.height)


def one_partition(folder: Path) -> Timing:
    """Restate one name's year."""
    scope = Scope({"symbol": (_SYMBOL,)}, "date", date(_YEAR, 1, 1), date(_YEAR + 1, 1, 1))
    with _filled(folder) as (write, frame):
        parts = iter(_restated(frame, 6))
        return repeat(lambda: write(next(parts), scope), 5, rows=261, warm=True)


def pandas_file(folder: Path) -> Timing:
    """Write the table to one file with pandas."""
    frame = _frame().to_pandas()
    return repeat(lambda: frame.to_parquet(folder / "table.parquet"), 3, rows=len(frame))


def polars_file(folder: Path) -> Timing:
    """Write the table to one file with Polars."""
    frame = _frame()
    return repeat(lambda: frame.write_parquet(folder / "table.parquet"), 3, rows=frame.height)


def polars_file_with_one_part_replaced(folder: Path) -> Timing:
    """Read the file, replace one name's year, write the file."""
    path = folder / "table.parquet"
    frame = _frame()
    frame.write_parquet(path)
    parts = iter(_restated(frame, 6))

    def rewrite() -> None:
        rows = next(parts)
        kept = pl.read_parquet(path).join(rows, on=["symbol", "date"], how="anti")
        pl.concat([kept, rows]).sort("symbol", "date").write_parquet(path)

    return repeat(rewrite, 5, rows=261, warm=True)


COMPARISONS = (
    Comparison("lake_write.bulk", bulk, "pandas.to_parquet, one file, no contract, not atomic", pandas_file),
    Comparison("lake_write.unchanged", unchanged, "polars.write_parquet of all rows, not atomic", polars_file),
    Comparison(
        "lake_write.one_partition",
        one_partition,
        "polars: read the file, replace the part, write the file, not atomic",
        polars_file_with_one_part_replaced,
    ),
)
