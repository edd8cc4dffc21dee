"""Detector of values that depend on more history than they declare."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.point_in_time._compare import (
    Compute,
    Frames,
    column_scale,
    differences,
    differing_beyond,
    keyed,
    known_at,
    known_by,
    no_violations,
    require_names,
    require_rows,
    trials,
)

Lookback = int | Mapping[str, int]
"""Rows per entity before a row that its values may depend on: of all columns, or by column."""


def warmup_violations(
    compute: Compute,
    inputs: Frames,
    *,
    history: Mapping[str, str],
    lookback: Lookback,
    extra_history: Sequence[int] = (0,),
    probes: Sequence[date],
    key: Sequence[str],
    date_column: str = "date",
    tolerance: float = 1e-9,
    computed: pl.DataFrame | None = None,
    entity: str | None = None,
) -> pl.DataFrame:
    """Report values that depend on more history than the declared look-back.

    For each probe the function runs on the last ``lookback + extra`` rows of each entity before the probe and the
    probe's own; the values of the probe must be those of the complete inputs.

    Parameters
    ----------
    compute, inputs, key, date_column, computed, entity
        As in `lookahead_violations`.
    history
        Inputs to shorten, each with its date column; the others are passed on unchanged.
    lookback
        Rows per entity before a row that its values may depend on: of all columns, or by column. A column that is not
        named may depend on its own row alone.
    extra_history
        Numbers of further rows to try.
    probes
        Dates or moments whose values are compared.
    tolerance
        Largest difference, relative to the larger of the value and the column's median magnitude on the complete inputs
        (a value that crosses zero has no relative error of its own). Float32 columns are compared at their own
        resolution, 2**-23, where that is coarser. Other types must be equal.

    Returns
    -------
    polars.DataFrame
        As in `lookahead_violations`, with the rows of history as mode: ``<lookback>+<extra> rows``.

    Raises
    ------
    ValueError
        A negative look-back, an unknown input or column name, an output key that repeats, or probes without a value.
    """
    declared = list(lookback.values()) if isinstance(lookback, Mapping) else [lookback]
    if min([*declared, *extra_history], default=0) < 0:
        raise ValueError(f"lookback and extra_history count rows, got {lookback} and {list(extra_history)}")
    require_names(inputs, history)
    full = keyed(compute(inputs) if computed is None else computed, key, date_column)
    within = [column for column in key if column != date_column]
    probed = pl.any_horizontal(pl.lit(value=False), *(known_at(full, date_column, probe) for probe in probes))
    require_rows(full, probed, "on any probe date")

    def differing(expected: pl.Series, actual: pl.Series) -> NDArray[np.bool_]:
        return differing_beyond(expected, actual, tolerance=tolerance, scale=lambda: column_scale(full[expected.name]))

    def recent(probe: date, rows: int) -> Frames:
        return {name: _recent(frame, history.get(name), probe, rows + 1, within) for name, frame in inputs.items()}

    by_lookback = sorted(_by_lookback(full, lookback, key).items())
    tried = [(probe, rows, extra, names) for probe in probes for rows, names in by_lookback for extra in extra_history]
    variants = [partial(recent, probe, rows + extra) for probe, rows, extra, _ in tried]
    found = [no_violations()]
    for (probe, rows, extra, names), one in zip(
        tried, trials(compute, variants, key, date_column, entity), strict=True
    ):
        expected, actual = (
            frame.filter(known_at(frame, date_column, probe)).select(*key, *names) for frame in (full, one)
        )
        mode = f"{rows}+{extra} rows"
        found.append(differences(expected, actual, key=key, cut=probe, mode=mode, differing=differing))
    return pl.concat(found)


def _by_lookback(full: pl.DataFrame, lookback: Lookback, key: Sequence[str]) -> dict[int, list[str]]:
    """Value columns by the rows they may depend on: one computation serves all columns with the same number."""
    found: dict[int, list[str]] = {}
    for name in (name for name in full.columns if name not in key):
        rows = lookback.get(name, 0) if isinstance(lookback, Mapping) else lookback
        found.setdefault(rows, []).append(name)
    return found


def _recent(frame: pl.DataFrame, column: str | None, probe: date, rows: int, entity: Sequence[str]) -> pl.DataFrame:
    if column is None:
        return frame
    by = [name for name in entity if name in frame.columns]
    past = frame.filter(known_by(frame, column, probe)).sort(column, maintain_order=True)
    return past.group_by(by, maintain_order=True).tail(rows) if by else past.tail(rows)
