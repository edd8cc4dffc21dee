"""Open Parquet and CSV files lazily, and turn what goes wrong into messages that name the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from trading_assets.market_data.sources.errors import SourceFormatError

__all__ = ["Table", "collect", "find_files", "open_table"]

_PARQUET = (".parquet", ".pq")
_CSV = (".csv", ".csv.gz", ".csv.zst")
_READABLE = _PARQUET + _CSV


@dataclass(frozen=True, slots=True)
class Table:
    """One file: where it is, its rows (not read yet) and its columns. All cells of a CSV are text."""

    file: str
    rows: pl.LazyFrame
    schema: pl.Schema


def find_files(path: str | Path, *, setting: str) -> list[Path]:
    """Return the files at `path`: a file, a folder (with its subfolders) or a glob, sorted.

    Raises
    ------
    SourceFormatError
        If there is nothing there, or nothing that is Parquet or CSV.
    """
    location = Path(path).expanduser()
    if location.is_file():
        files = [location]
    elif location.is_dir():
        files = sorted(file for file in location.rglob("*") if _is_readable(file))
    else:
        files = sorted(_glob(location))
    unreadable = [file for file in files if not file.name.lower().endswith(_READABLE)]
    if unreadable:
        raise SourceFormatError(f"{unreadable[0]} is not one of {', '.join(_READABLE)}; correct the setting {setting}.")
    if not files:
        problem = f"holds no file of {', '.join(_READABLE)}" if location.is_dir() else "does not exist"
        raise SourceFormatError(f"{location} {problem}; correct the setting {setting} (a file, a folder or a glob).")
    return files


def open_table(file: Path, *, setting: str) -> Table:
    """Read the header of a file.

    Raises
    ------
    SourceFormatError
        If the file is empty, truncated or not what its name says.
    """
    if file.stat().st_size == 0:
        raise SourceFormatError(f"{file} is empty (0 bytes); fetch it again or take it out of the setting {setting}.")
    try:
        if file.name.lower().endswith(_PARQUET):
            rows = pl.scan_parquet(file, glob=False)
        else:
            rows = pl.scan_csv(file, infer_schema=False, glob=False)
        return Table(str(file), rows, rows.collect_schema())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(file, setting, error) from error


def collect(frames: Sequence[tuple[Table, pl.LazyFrame]], *, setting: str) -> pl.DataFrame:
    """Read frames of several tables at once and put them under each other.

    Raises
    ------
    SourceFormatError
        If one of the files is truncated or damaged; the message says which.
    """
    try:
        return pl.concat([frame for _, frame in frames]).collect()
    except (pl.exceptions.PolarsError, OSError):
        for table, frame in frames:
            try:
                frame.collect()
            except (pl.exceptions.PolarsError, OSError) as error:
                raise _unreadable(table.file, setting, error) from error
        raise


def _glob(pattern: Path) -> list[Path]:
    parts = pattern.parts
    magic = next((index for index, part in enumerate(parts) if any(sign in part for sign in "*?[")), None)
    if magic is None:
        return []
    return [file for file in Path(*parts[:magic]).glob(str(Path(*parts[magic:]))) if file.is_file()]


def _is_readable(file: Path) -> bool:
    return file.is_file() and not file.name.startswith(".") and file.name.lower().endswith(_READABLE)


def _unreadable(file: str | Path, setting: str, error: Exception) -> SourceFormatError:
    reason = str(error).strip().splitlines()[0]
    return SourceFormatError(
        f"{file} cannot be read, it is truncated, damaged or not what its name says ({reason}); "
        f"fetch it again or take it out of the setting {setting}."
    )
