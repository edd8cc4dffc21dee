"""Open Parquet and CSV files lazily, with errors that name the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from trading_assets.market_data.sources._csv_files import dialect_of, scan
from trading_assets.market_data.sources.errors import SourceFormatError

__all__ = ["DataFile", "collect", "find_files", "name_without_ending", "open_file"]

_PARQUET = (".parquet", ".pq")
_COMPRESSED = ("", ".gz", ".zst")
_CSV = tuple(f"{kind}{ending}" for kind in (".csv", ".tsv") for ending in _COMPRESSED)
# A folder may have notes beside its data: these are read where the setting names them.
_TEXT = tuple(f".txt{ending}" for ending in _COMPRESSED)
_READABLE = _PARQUET + _CSV


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file: its path, its rows (not read yet) and its columns. All cells of a CSV are text.

    `has_decimal_comma` says whether ``10,5`` is a number between 10 and 11.
    """

    path: str
    rows: pl.LazyFrame
    schema: pl.Schema
    has_decimal_comma: bool = False


def find_files(path: str | Path, *, setting: str) -> list[Path]:
    """Return the files at `path`: a file, a folder (with its subfolders) or a glob, sorted.

    Raises
    ------
    SourceFormatError
        There is no file, or one that is neither Parquet nor CSV.
    """
    location = Path(path).expanduser()
    if location.is_file():
        files = [location]
    elif location.is_dir():
        files = sorted(file for file in location.rglob("*") if _is_readable(file))
    else:
        files = sorted(_glob(location))
    unreadable = [file for file in files if not file.name.lower().endswith(_READABLE + _TEXT)]
    if unreadable:
        raise SourceFormatError(f"{unreadable[0]} is not one of {', '.join(_READABLE)}; correct the setting {setting}.")
    if not files:
        problem = f"contains no file of {', '.join(_READABLE)}" if location.is_dir() else "does not exist"
        raise SourceFormatError(f"{location} {problem}; correct the setting {setting} (a file, a folder or a glob).")
    return files


def name_without_ending(path: str | Path) -> str:
    """Return the name of a file without the ending that says its format: ``BRK.B`` of ``BRK.B.csv.gz``."""
    name = Path(path).name
    ending = max((one for one in _READABLE + _TEXT if name.lower().endswith(one)), key=len, default="")
    return name[: len(name) - len(ending)]


def open_file(path: Path, *, setting: str) -> DataFile:
    """Read the header of a file.

    Raises
    ------
    SourceFormatError
        The file is empty, truncated, or of another format than its name says, or two of its columns have one name.
    """
    if path.stat().st_size == 0:
        raise SourceFormatError(f"{path} is empty (0 bytes); fetch it again or remove it from the setting {setting}.")
    try:
        if path.name.lower().endswith(_PARQUET):
            rows = pl.scan_parquet(path, glob=False)
            return DataFile(str(path), rows, rows.collect_schema())
        dialect = dialect_of(path)
        _check_columns(path, dialect.header, setting=setting)
        rows = scan(path, dialect)
        return DataFile(str(path), rows, rows.collect_schema(), dialect.has_decimal_comma)
    except pl.exceptions.DuplicateError as error:
        raise _ambiguous(path, str(error).splitlines()[0], setting) from error
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise _unreadable(path, setting, error) from error


def collect(frames: Sequence[tuple[DataFile, pl.LazyFrame]], *, setting: str) -> pl.DataFrame:
    """Read frames of several files at once and concatenate them.

    Raises
    ------
    SourceFormatError
        One of the files is truncated or damaged; the message names it.
    """
    try:
        return pl.concat([frame for _, frame in frames]).collect()
    except (pl.exceptions.PolarsError, OSError):
        for file, frame in frames:
            try:
                frame.collect()
            except (pl.exceptions.PolarsError, OSError) as error:
                raise _unreadable(file.path, setting, error) from error
        raise


def _check_columns(path: Path, names: Sequence[str], *, setting: str) -> None:
    """Refuse a file in which two columns have one name: which of them is meant cannot be told."""
    twice = [name for name, count in Counter(filter(None, names)).items() if count > 1]
    if not twice:
        return
    places = "; ".join(
        f"{name!r} (columns {', '.join(str(place) for place, one in enumerate(names, 1) if one == name)})"
        for name in twice
    )
    raise _ambiguous(path, places, setting)


def _ambiguous(path: Path, which: str, setting: str) -> SourceFormatError:
    return SourceFormatError(
        f"{path} has several columns of one name: {which}. Rename or remove all but one of each; a table with several "
        f"tickers side by side needs one row per ticker and date, with a column for the ticker (setting {setting})."
    )


def _glob(pattern: Path) -> list[Path]:
    parts = pattern.parts
    magic = next((index for index, part in enumerate(parts) if any(sign in part for sign in "*?[")), None)
    if magic is None:
        return []
    return [file for file in Path(*parts[:magic]).glob(str(Path(*parts[magic:]))) if file.is_file()]


def _is_readable(file: Path) -> bool:
    return file.is_file() and not file.name.startswith(".") and file.name.lower().endswith(_READABLE)


def _unreadable(path: str | Path, setting: str, error: Exception) -> SourceFormatError:
    reason = str(error).strip().splitlines()[0]
    return SourceFormatError(
        f"{path} cannot be read, it is truncated, damaged or of another format than its name says ({reason}); "
        f"fetch it again or remove it from the setting {setting}."
    )
