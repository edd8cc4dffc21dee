"""Rows in the order of some columns."""

from collections.abc import Sequence

import polars as pl


def is_ascending(frame: pl.DataFrame, by: Sequence[str]) -> bool:
    """Whether the rows ascend strictly, as those read from the lake do."""
    ascends = pl.lit(value=False)
    for name in reversed(by):
        value, before = pl.col(name), pl.col(name).shift(1)
        ascends = (value > before) | ((value == before) & ascends)
    return bool(frame.select(ascends.fill_null(value=False).slice(1).all()).item())


def in_order(frame: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Sort rows unless they ascend already."""
    return frame if is_ascending(frame, by) else frame.sort(by)
