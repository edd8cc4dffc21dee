"""A falsified future: later rows with wrong but plausible values."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.point_in_time._compare import known_by

_MOST_WILD = 8.0


def poisoned(frame: pl.DataFrame, column: str | None, cut: date, entity: Sequence[str], seed: int) -> pl.DataFrame:
    """Falsify the rows known after the cut; keys, dates, dtypes and the order of the rows stay.

    Parameters
    ----------
    frame
        An input of a computation.
    column
        Its date column; None if its rows have no date.
    cut
        Rows with a later date or moment are falsified.
    entity
        Columns within whose combinations values are moved, as far as the frame has them.
    seed
        Seed of the permutation and of the factors.

    Returns
    -------
    polars.DataFrame
        The frame with, in later rows, the values of another later row times one factor per row between 1/8 and 8.
    """
    if column is None:
        return frame
    by = [name for name in entity if name in frame.columns]
    values = [n for n, dtype in frame.schema.items() if n not in by and not dtype.is_temporal()]
    later = frame.select(~known_by(frame, column, cut)).to_series().fill_null(value=False).to_numpy()
    if not later.any() or not values:
        return frame
    random = np.random.default_rng(seed)
    entities = frame.select(pl.struct(by).rank("dense")).to_series().to_numpy() if by else np.zeros(frame.height)
    source = np.arange(frame.height)
    source[later] = _shuffled_within(entities[later], np.flatnonzero(later), random)
    factor = np.ones(frame.height)
    factor[later] = _MOST_WILD ** random.uniform(-1.0, 1.0, int(later.sum()))
    moved = frame.select(values)[source].with_columns(pl.Series("_factor", factor))
    wild = [_scaled(name, frame.schema[name]) for name in values if frame.schema[name].is_numeric()]
    return frame.with_columns(moved.with_columns(wild).drop("_factor").get_columns())


def _shuffled_within(
    entities: NDArray[np.generic], rows: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.int64]:
    """Permute row numbers among rows of equal entity."""
    slots = np.lexsort((np.arange(len(rows)), entities))
    drawn = np.lexsort((random.random(len(rows)), entities))
    result = np.empty_like(rows)
    result[slots] = rows[drawn]
    return result


def _scaled(name: str, dtype: pl.DataType) -> pl.Expr:
    scaled = pl.col(name) * pl.col("_factor")
    if not dtype.is_integer():
        return scaled.cast(dtype).alias(name)
    # an integer that would overflow its type is moved but not scaled
    return scaled.round().cast(dtype, strict=False).fill_null(pl.col(name)).alias(name)
