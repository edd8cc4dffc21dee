"""The feature matrix: columns of any daily set, side by side, as models read them."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from trading_assets.features.contract import CROSS_SECTION, DAILY
from trading_assets.lake import Lake, LakeFrame
from trading_assets.lake.contracts import Contract
from trading_assets.market_data.listing import listed_partitions

_KEY = ("symbol", "date")
TABLES: tuple[Contract, ...] = (*DAILY.values(), CROSS_SECTION)
"""Tables whose columns make up the matrix."""


def tables_with(columns: Sequence[str]) -> tuple[Contract, ...]:
    """Tables that hold some of the columns; all of them where no column is named.

    Raises
    ------
    ValueError
        No table has one of the columns.
    """
    known = {name for table in TABLES for name in table.schema}
    unknown = sorted(set(columns) - known)
    if unknown:
        raise ValueError(f"there is no feature {', '.join(unknown)}; the sets are in trading_assets/features/sets.py")
    return tuple(table for table in TABLES if not columns or set(columns) & set(table.schema))


def require_matrix(
    lake: Lake, columns: Sequence[str], symbols: pl.DataFrame, years: Sequence[int], *, for_what: str
) -> None:
    """Make sure that the tables of some features have been written, for every listed name, in some years.

    Raises
    ------
    UpstreamNotReadyError
        Some partitions have not; the message lists the first ones.
    """
    for table in tables_with(columns):
        by_name = listed_partitions(symbols, symbols["symbol"], years)
        needed = by_name if table in DAILY.values() else [str(year) for year in years]
        LakeFrame(lake, table).require_written(needed, for_what=for_what)


def read_matrix(lake: Lake, columns: Sequence[str], start: date, end: date) -> pl.DataFrame:
    """Read features of a span of sessions.

    Parameters
    ----------
    lake
        The lake.
    columns
        Features to read; all of them where none is named.
    start, end
        First and last session.

    Returns
    -------
    polars.DataFrame
        symbol, date and the features in the order of their tables, sorted by symbol and date; one row per row of the
        first table that has any of them.
    """
    found: pl.DataFrame | None = None
    for table in tables_with(columns):
        wanted = [name for name in table.schema if not columns or name in columns or name in _KEY]
        frame = LakeFrame(lake, table).read(wanted, start=start, end=end)
        found = frame if found is None else found.join(frame, on=_KEY, how="left", maintain_order="left")
    assert found is not None
    return found
