"""Drift of all features of a lake: table by table, as many columns and years at once as memory allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import polars as pl

from trading_assets.features.drift.contract import DRIFT
from trading_assets.features.drift.figures import drift, last_of, month_number
from trading_assets.features.matrix.matrix import Matrix, features_in
from trading_assets.lake import Lake, LakeFrame
from trading_assets.lake.contracts import Contract
from trading_assets.lake.store._literals import literal

# Values of a portion: 0.3 GB, a year's positions in its reference take as much again.
_CELLS = 60_000_000
_COLUMNS_AT_ONCE = 40
_MONTHS = 12


def drift_of_lake(lake: Lake, matrix: Matrix, first: date, last: date) -> pl.DataFrame:
    """Compare all features of each month from `first` to `last` with those of the calendar year before.

    Parameters
    ----------
    lake
        The lake.
    matrix
        The features.
    first, last
        Days of the first and the last month.

    Returns
    -------
    polars.DataFrame
        Rows of features.drift.
    """
    months = range(month_number(first), month_number(last) + 1)
    parts = [DRIFT.empty()]
    for table in matrix.tables:
        rows = _rows_by_year(lake, table, first.year - 1, last.year)
        for columns, years in _portions(features_in(table), rows, range(first.year, last.year + 1)):
            start, end = date(years[0] - 1, 1, 1), min(date(years[-1], 12, 31), last_of(months[-1]))
            frame = LakeFrame(lake, table).read(["date", *columns], start=start, end=end)
            parts.append(drift(frame, columns, [month for month in months if month // _MONTHS in years]))
    return pl.concat(parts).sort(DRIFT.key)


def _rows_by_year(lake: Lake, table: Contract, first: int, last: int) -> Mapping[int, int]:
    if not lake.has_files(table.table):
        return {}
    found = lake.query(
        f"SELECT year(date) AS year, count(*) AS rows FROM lake.{table.table} "
        f"WHERE date BETWEEN {literal(date(first, 1, 1))} AND {literal(date(last, 12, 31))} GROUP BY ALL"
    )
    return dict(found.iter_rows())


def _portions(
    features: Sequence[str], rows: Mapping[int, int], years: Sequence[int]
) -> Iterator[tuple[Sequence[str], Sequence[int]]]:
    """Columns and years that are read together; the year before the first of them is read with them."""
    wanted = [year for year in years if rows.get(year)]
    at_least = max((rows[year] + rows.get(year - 1, 0) for year in wanted), default=1)
    width = max(_CELLS // max(sum(rows.values()), 1), min(_COLUMNS_AT_ONCE, _CELLS // at_least), 1)
    for first in range(0, len(features), width):
        columns, batch = features[first : first + width], list[int]()
        for year in wanted:
            span = [batch[0] - 1 if batch else year - 1, *batch, year]
            if batch and sum(rows.get(one, 0) for one in span) * len(columns) > _CELLS:
                yield columns, batch
                batch = []
            batch.append(year)
        if batch:
            yield columns, batch
