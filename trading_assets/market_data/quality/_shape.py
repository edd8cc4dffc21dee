"""Rows as their contract has them, and as messages can be written of them."""

from __future__ import annotations

import polars as pl

from trading_assets.lake.contracts import Contract


def as_rows(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Frame with the columns, dtypes and order of a contract; further columns are left out."""
    columns = [pl.col(name).cast(dtype) for name, dtype in contract.schema.items()]
    return frame.select(columns).sort(contract.key)


def where(frame: pl.DataFrame, wanted: pl.Expr) -> pl.DataFrame:
    """Rows that are wanted, in one chunk: Polars 2.1's `format` fails on a column with an empty chunk."""
    return frame.filter(wanted).rechunk()
