"""Find the standard columns in a file, and read their cells without losing one that does not parse."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from trading_assets.lake.contracts.contract import REJECTED
from trading_assets.market_data.sources._data_files import DataFile
from trading_assets.market_data.sources.errors import SourceFormatError

__all__ = [
    "ACTION_COLUMNS",
    "BAR_COLUMNS",
    "NAME_COLUMNS",
    "Cell",
    "answer",
    "number",
    "one_of",
    "resolve",
    "text",
    "volume",
]

# Standard name -> usual other names, most specific first. An adjusted close is never taken for the close.
BAR_COLUMNS: Mapping[str, Sequence[str]] = {
    "symbol": ("ticker", "sym", "instrument", "name"),
    "date": ("session", "timestamp", "datetime", "ts", "time", "day", "t"),
    "open": ("o",),
    "high": ("h",),
    "low": ("l",),
    "close": ("c",),
    "volume": ("vol", "v"),
}
ACTION_COLUMNS: Mapping[str, Sequence[str]] = {
    "symbol": BAR_COLUMNS["symbol"],
    "ex_date": ("exdate", "ex-date", "date"),
    "kind": ("type", "action"),
    "value": ("ratio", "amount"),
}
NAME_COLUMNS: Mapping[str, Sequence[str]] = {
    "symbol": ("ticker", "sym", "instrument"),
    "name": ("security", "company", "company name", "description"),
}
# With a decimal comma, points stand between thousands.
_GROUPED = r",|^-?\d{1,3}(\.\d{3})+$"
# What programs add to the name of a column when another one has it already.
_AGAIN = r"(\.\d+|_duplicated_\d+)"
_HAS_FRACTION = "volume: has a fraction, but shares are whole"
_MISSING = ("", "na", "n/a", "null", "none")


@dataclass(frozen=True, slots=True)
class Cell:
    """How to read a column: its value and, if that can happen, whether a cell contains something else.

    `rejected` is the rule by which the row of a cell is rejected, null for the others.
    """

    value: pl.Expr
    unreadable: pl.Expr | None = None
    rejected: pl.Expr | None = None


def resolve(
    found: Sequence[str],
    standard: Mapping[str, Sequence[str]],
    mapping: Mapping[str, str],
    *,
    file: str,
    setting: str,
    optional: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, str]:
    """Return the file's column of each standard name, and of the optional names that the file has.

    The mapping wins, then the same name in any case, then an alias.

    Raises
    ------
    SourceFormatError
        A column is missing, or two match equally well or had one name; the message names the file, its columns and the
        setting.
    """
    known = {**standard, **(optional or {})}
    unknown = sorted(set(mapping) - set(known))
    if unknown:
        raise SourceFormatError(
            f"setting {setting}: {', '.join(map(repr, unknown))} is not a standard column; "
            f"map from {', '.join(known)} to the names in {file}: {_listed(found)}."
        )
    resolved = {name: _find(name, found, known[name], mapping, file=file, setting=setting) for name in known}
    missing = [name for name in standard if resolved[name] is None]
    if missing:
        example = ", ".join(f"{name}: <column>" for name in missing)
        raise SourceFormatError(
            f"{file} has no column for {', '.join(missing)}; columns found: {_listed(found)}. "
            f"Name them in the setting {setting}, e.g. {{{example}}}.{_side_by_side(missing, found)}"
        )
    for name, column in resolved.items():
        again = [other for other in found if column and re.fullmatch(re.escape(column) + _AGAIN, other)]
        if again and name not in mapping:
            raise SourceFormatError(
                f"{file}: the columns {_listed([str(column), *again])} had one name before a program numbered them; "
                f"name the one for {name} in the setting {setting}. A table with several tickers side by side needs "
                "one row per ticker and date."
            )
    return {name: column for name, column in resolved.items() if column is not None}


def _side_by_side(missing: Sequence[str], found: Sequence[str]) -> str:
    """What to do about a table with the columns of several tickers side by side."""
    wide = [name for name in missing if sum(name in column.lower() for column in found) > 1]
    if not wide:
        return ""
    return f" Several columns are about {', '.join(wide)}: a table needs one row per ticker and date."


def _find(
    name: str, found: Sequence[str], aliases: Sequence[str], mapping: Mapping[str, str], *, file: str, setting: str
) -> str | None:
    if name in mapping:
        if mapping[name] in found:
            return mapping[name]
        raise SourceFormatError(
            f"{file} has no column {mapping[name]!r}, which the setting {setting} names for {name}; "
            f"columns found: {_listed(found)}. Was it renamed? Correct the setting."
        )
    for candidate in (name, *aliases):
        matches = [column for column in found if column.strip().lower() == candidate]
        if len(matches) > 1:
            raise SourceFormatError(
                f"{file}: the columns {_listed(matches)} all match {name}; name the right one in the setting {setting}."
            )
        if matches:
            return matches[0]
    return None


def one_of(symbol: pl.Expr, symbols: Sequence[str]) -> pl.Expr:
    """Whether a symbol is requested or unreadable: every answer includes unreadable rows."""
    return symbol.is_in(symbols) | symbol.is_null()


def text(column: str) -> Cell:
    """Read a column as text; every cell can be."""
    return Cell(pl.col(column).cast(pl.String))


def number(column: str, *, file: DataFile, setting: str) -> Cell:
    """Read a column of numbers, or of texts that contain numbers; an empty text is a missing value.

    Raises
    ------
    SourceFormatError
        The column has another type.
    """
    value, dtype = pl.col(column), file.schema[column]
    if isinstance(dtype, pl.Null):
        return Cell(value.cast(pl.Float64))
    if isinstance(dtype, pl.String):
        parsed = _number_text(column, file).cast(pl.Float64, strict=False)
        return Cell(parsed, _is_present(column) & parsed.is_null())
    if not dtype.is_numeric():
        raise SourceFormatError(
            f"{file.path}: column {column!r} contains {dtype}, not numbers; "
            f"name the right column in the setting {setting}."
        )
    return Cell(value.cast(pl.Float64))


def volume(column: str, *, file: DataFile, setting: str, is_rounded: bool) -> Cell:
    """Read a column of whole numbers, as `number` does.

    A number is unreadable if it is NaN or exceeds 2**63. One with a fraction is rounded, or its row is rejected.
    """
    cell, dtype = number(column, file=file, setting=setting), file.schema[column]
    is_whole = cell.value == cell.value.floor()
    whole: pl.Expr = pl.when(is_whole).then(cell.value.cast(pl.Int64, strict=False))
    present = pl.col(column).is_not_null()
    if isinstance(dtype, pl.String):
        # Text is tried as an integer first: a float keeps only 53 bits of it.
        whole = pl.coalesce(_number_text(column, file).cast(pl.Int64, strict=False), whole)
        present = _is_present(column)
    elif dtype.is_integer():
        whole = pl.col(column).cast(pl.Int64, strict=False)
    if is_rounded:
        whole = pl.coalesce(whole, cell.value.round().cast(pl.Int64, strict=False))
    has_fraction = whole.is_null() & cell.value.is_finite() & ~is_whole
    return Cell(whole, present & whole.is_null(), pl.when(has_fraction).then(pl.lit(_HAS_FRACTION)))


def _number_text(column: str, file: DataFile) -> pl.Expr:
    """Text of numbers with a decimal point."""
    stripped = pl.col(column).str.strip_chars()
    if not file.has_decimal_comma:
        return stripped
    point = stripped.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    return pl.when(stripped.str.contains(_GROUPED)).then(point).otherwise(stripped)


def _is_present(column: str) -> pl.Expr:
    """Whether a cell of texts has one that stands for no missing value."""
    return (~pl.col(column).str.strip_chars().str.to_lowercase().is_in(_MISSING)).fill_null(value=False)


def answer(
    rows: pl.LazyFrame, schema: pl.Schema, cells: Mapping[str, Cell], file: DataFile, **others: pl.Expr
) -> pl.LazyFrame:
    """Select the columns of an answer, and `REJECTED`.

    Parameters
    ----------
    rows
        Rows of a file.
    schema
        Columns of the answer; one of neither `cells` nor `others` is null.
    cells
        Columns that are read from the file.
    file
        File of the rows: `raw` holds all its columns as a JSON object of texts where a cell is unreadable.
    **others
        Columns that are not.
    """
    unreadable = [cell.unreadable for cell in cells.values() if cell.unreadable is not None]
    rejected = [cell.rejected for cell in cells.values() if cell.rejected is not None]
    values = {name: pl.lit(None, dtype=dtype) for name, dtype in schema.items()}
    values |= {name: cell.value for name, cell in cells.items()} | others
    values["raw"] = _original_row(file.schema, unreadable)
    values[REJECTED] = pl.coalesce(*rejected, pl.lit(None, dtype=pl.String))
    return rows.select(values[name].alias(name) for name in (*schema, REJECTED))


def _original_row(schema: pl.Schema, unreadable: Sequence[pl.Expr]) -> pl.Expr:
    if not unreadable:
        return pl.lit(None, dtype=pl.String)
    whole = pl.struct(
        pl.col(column) if dtype.is_nested() else pl.col(column).cast(pl.String) for column, dtype in schema.items()
    )
    return pl.when(pl.any_horizontal(unreadable)).then(whole.struct.json_encode())


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(map(repr, columns))
