"""Bringing rows into the shape of their contract, and selecting rows to format messages of."""

from __future__ import annotations

import polars as pl

from trading_assets.lake.contracts import Contract


def as_rows(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Return a frame with the columns, dtypes and order of a contract; further columns are left out."""
    columns = [pl.col(name).cast(dtype) for name, dtype in contract.schema.items()]
    return frame.select(columns).sort(contract.key)


def where(frame: pl.DataFrame, wanted: pl.Expr) -> pl.DataFrame:
    """Filter rows into one chunk: `format` of Polars 2.1 fails on a column with an empty chunk."""
    return frame.filter(wanted).rechunk()
