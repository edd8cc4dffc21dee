"""Content hash of a frame: the same rows give the same hash, on any machine and in any process."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray


def content_hash(frame: pl.DataFrame, *, key: Sequence[str], exclude: Sequence[str] = ()) -> str:
    """Hash of a frame's content, independent of row order and of chunk layout.

    Parameters
    ----------
    frame : polars.DataFrame
        Rows with unique keys.
    key : sequence of str
        Columns that order the rows.
    exclude : sequence of str
        Columns left out of the hash, such as provenance.

    Returns
    -------
    str
        32 hexadecimal digits (BLAKE2b, 128 bits) over names, dtypes, null masks and values, column by column.
    """
    digest = blake2b(digest_size=16)
    ordered = frame.sort(key)
    for name in ordered.columns:
        if name in exclude:
            continue
        column = ordered[name]
        digest.update(f"{name}:{column.dtype}:{column.len()};".encode())
        digest.update(column.is_null().to_numpy().tobytes() if column.null_count() else bytes(column.len()))
        digest.update(_values(column))
    return digest.hexdigest()


def combined_hash(hashes: Sequence[str]) -> str:
    """Hash of several contents in order, computed from their hashes."""
    return blake2b("".join(hashes).encode(), digest_size=16).hexdigest()


def _values(column: pl.Series) -> bytes | memoryview:
    if column.dtype == pl.String:
        filled = column.fill_null("")
        lengths = filled.str.len_bytes().to_numpy().tobytes()
        return lengths + "".join(filled.to_list()).encode()
    if column.dtype == pl.Boolean:
        return column.fill_null(value=False).to_numpy().tobytes()
    if column.dtype.is_temporal():
        column = column.to_physical()
    values = np.ascontiguousarray((column.fill_null(0) if column.null_count() else column).to_numpy())
    if not column.dtype.is_float():
        return values.data
    # equal values with several bit patterns: the two zeros, the many NaN
    alike: NDArray[Any] = values + values.dtype.type(0)
    if np.isnan(alike).any():
        alike[np.isnan(alike)] = np.nan
    return alike.data
