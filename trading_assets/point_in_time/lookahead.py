"""Detectors of knowledge that a computation could not have had.

Both work on any function from input frames to an output frame and know nothing of what it computes.
`lookahead_violations` asks whether values up to a date change when what became known later is taken away or falsified;
`warmup_violations` whether values change with the amount of history beyond the declared look-back.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.point_in_time._compare import (
    ROWS,
    column_scale,
    differences,
    differing_beyond,
    differing_bits,
    no_violations,
)
from trading_assets.point_in_time._poison import poisoned

Frames = Mapping[str, pl.DataFrame]
Compute = Callable[[Frames], pl.DataFrame]

__all__ = ["ROWS", "Compute", "Frames", "lookahead_violations", "pick_cuts", "warmup_violations"]


def pick_cuts(dates: Iterable[date], k: int) -> list[date]:
    """Choose dates at which to cut history: half year boundaries, half evenly spread, the same every time.

    Parameters
    ----------
    dates
        Dates with data, in any order, repeats allowed.
    k
        Number of cuts, at least 1.

    Returns
    -------
    list of date
        At most k dates, ascending; never the last date, behind which there is no future to hide. Year boundaries are
        last sessions of a year and first sessions of the next.

    Raises
    ------
    ValueError
        k below 1, or fewer than two different dates.
    """
    days = sorted(set(dates))
    if k < 1 or len(days) < 2:  # noqa: PLR2004 - one day to cut at and one to hide
        raise ValueError(f"need k >= 1 and at least two different dates, got k={k} and {len(days)} date(s)")
    candidates = days[:-1]
    turns = [day for before, after in pairwise(days) if before.year != after.year for day in (before, after)]
    chosen = set(_spread([day for day in turns if day != days[-1]], k // 2))
    rest = [day for day in candidates if day not in chosen]
    return sorted(chosen | set(_spread(rest, k - len(chosen))))


def lookahead_violations(
    compute: Compute,
    inputs: Frames,
    *,
    known_on: Mapping[str, str],
    key: Sequence[str],
    date_column: str = "date",
    cuts: Sequence[date],
    poison_seed: int,
) -> pl.DataFrame:
    """Report values that change when what is known only later is removed or falsified.

    For each cut the function runs twice more: on the rows known by the cut ("cut"), and on all rows with the later ones
    falsified ("poison": the values of each later row are moved to another later row of the same entity, then numbers
    are multiplied by one factor per row between 1/8 and 8, which keeps signs, zeros and the order of open, high, low
    and close). Every value dated up to the cut must have the same bits, and the same rows must exist.

    Parameters
    ----------
    compute
        From the named inputs to a frame with the key columns and values. Must be deterministic.
    inputs
        Complete inputs by name.
    known_on
        For each input, its Date or Datetime column that says when a row became known; a Datetime counts as its date.
        Inputs that are not named are known from the start (a symbol list, say) and are passed on unchanged.
    key
        Columns that identify an output row, the date among them. Those of them that an input has too, apart from the
        date, are the entity within which later values are moved.
    date_column
        Date or Datetime column of the output: a row claims to be known on it.
    cuts
        Dates to cut at, see `pick_cuts`.
    poison_seed
        Seed of the falsification.

    Returns
    -------
    polars.DataFrame
        One row per cut, mode ("cut" or "poison") and differing column: cut, mode, column, count, first_key, value_full,
        value_cut (Strings). A difference in row sets is reported under the column ``<rows>``. Empty when all is well.

    Raises
    ------
    ValueError
        An unknown input or column name, an output key that repeats, or cuts before the first value.

    Notes
    -----
    A difference proves a leak. No difference proves none at these cuts on these data: choose cuts inside weeks, months
    and years, and inputs in which the suspected leak can show.
    """
    _check_names(inputs, known_on)
    full = _keyed(compute(inputs), key, date_column)
    _check_rows(
        full, (pl.col(date_column).cast(pl.Date) <= max(cuts)) if cuts else pl.lit(value=False), "up to any cut"
    )
    found = [no_violations()]
    for cut in cuts:
        variants = {
            "cut": {name: _known(frame, known_on.get(name), cut) for name, frame in inputs.items()},
            "poison": {
                name: poisoned(frame, known_on.get(name), cut, [c for c in key if c != date_column], poison_seed + i)
                for i, (name, frame) in enumerate(sorted(inputs.items()))
            },
        }
        expected = full.filter(pl.col(date_column).cast(pl.Date) <= cut)
        for mode, variant in variants.items():
            actual = _keyed(compute(variant), key, date_column).filter(pl.col(date_column).cast(pl.Date) <= cut)
            found.append(differences(expected, actual, key=key, cut=cut, mode=mode, differing=differing_bits))
    return pl.concat(found)


def warmup_violations(
    compute: Compute,
    inputs: Frames,
    *,
    history: Mapping[str, str],
    lookback: int,
    extra_history: Sequence[int] = (0,),
    probes: Sequence[date],
    key: Sequence[str],
    date_column: str = "date",
    tolerance: float = 1e-9,
) -> pl.DataFrame:
    """Report values that depend on more history than the declared look-back.

    For each probe date the function runs on the last ``lookback + extra`` rows of each entity before the probe and the
    probe's own; the values of that date must be those of the complete inputs.

    Parameters
    ----------
    compute, inputs, key, date_column
        As in `lookahead_violations`.
    history
        Inputs to shorten, each with its date column; the others are passed on unchanged.
    lookback
        Rows per entity before a row that its values may depend on.
    extra_history
        Numbers of further rows to try.
    probes
        Dates whose values are compared.
    tolerance
        Largest difference, relative to the larger of the value and the column's median magnitude on the complete inputs
        (a value that crosses zero has no relative error of its own). Float32 columns are compared at their own
        resolution, 2**-23, where that is coarser. Other types must be equal.

    Returns
    -------
    polars.DataFrame
        As in `lookahead_violations`, with ``lookback+<extra>`` as mode.

    Raises
    ------
    ValueError
        A negative look-back, an unknown input or column name, an output key that repeats, or probes without a value.
    """
    if lookback < 0 or min(extra_history, default=0) < 0:
        raise ValueError(f"lookback and extra_history count rows, got {lookback} and {list(extra_history)}")
    _check_names(inputs, history)
    full = _keyed(compute(inputs), key, date_column)
    scales = {name: column_scale(full[name]) for name in full.columns if full[name].dtype.is_float()}
    entity = [column for column in key if column != date_column]
    _check_rows(full, pl.col(date_column).cast(pl.Date).is_in(list(probes)), "on any probe date")

    def differing(expected: pl.Series, actual: pl.Series) -> NDArray[np.bool_]:
        return differing_beyond(expected, actual, tolerance=tolerance, scale=scales.get(expected.name, 0.0))

    found = [no_violations()]
    for probe in probes:
        expected = full.filter(pl.col(date_column).cast(pl.Date) == probe)
        for extra in extra_history:
            shorter = {
                name: _recent(frame, history.get(name), probe, lookback + extra + 1, entity)
                for name, frame in inputs.items()
            }
            actual = _keyed(compute(shorter), key, date_column).filter(pl.col(date_column).cast(pl.Date) == probe)
            found.append(
                differences(expected, actual, key=key, cut=probe, mode=f"lookback+{extra}", differing=differing)
            )
    return pl.concat(found)


def _spread(days: Sequence[date], count: int) -> list[date]:
    if count >= len(days):
        return list(days)
    # midpoints of equal stretches: never the first day, where too little history would make the test vacuous
    return [days[(2 * i + 1) * len(days) // (2 * count)] for i in range(count)]


def _check_names(inputs: Frames, dated: Mapping[str, str]) -> None:
    for name, column in dated.items():
        if name not in inputs or column not in inputs[name].columns:
            known = {given: frame.columns for given, frame in inputs.items()}
            raise ValueError(f"there is no date column {column!r} in an input {name!r}; the inputs are {known}")


def _check_rows(full: pl.DataFrame, compared: pl.Expr, where: str) -> None:
    if full.filter(compared).is_empty():
        raise ValueError(f"the computed frame has no row {where}: nothing would be checked; choose other dates")


def _keyed(frame: pl.DataFrame, key: Sequence[str], date_column: str) -> pl.DataFrame:
    missing = [column for column in (*key, date_column) if column not in frame.columns]
    if missing:
        raise ValueError(f"the computed frame lacks the key column(s) {missing}; it has {frame.columns}")
    repeated = frame.filter(pl.struct(*key).is_duplicated())
    if repeated.height:
        raise ValueError(
            f"the computed frame repeats the key {repeated.select(*key).row(0)}: key {list(key)} is no key"
        )
    return frame


def _known(frame: pl.DataFrame, column: str | None, cut: date) -> pl.DataFrame:
    return frame if column is None else frame.filter(pl.col(column).cast(pl.Date) <= cut)


def _recent(frame: pl.DataFrame, column: str | None, probe: date, rows: int, entity: Sequence[str]) -> pl.DataFrame:
    if column is None:
        return frame
    by = [name for name in entity if name in frame.columns]
    past = frame.filter(pl.col(column).cast(pl.Date) <= probe).sort(column, maintain_order=True)
    return past.group_by(by, maintain_order=True).tail(rows) if by else past.tail(rows)
