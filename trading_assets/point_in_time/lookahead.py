"""Detector of look-ahead: use of data that was not known yet.

It works on any function from input frames to an output frame, whatever it computes: values up to a moment must not
change when rows that became known later are removed or falsified.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import pairwise
from typing import TypeVar

import polars as pl

from trading_assets.point_in_time._compare import (
    ROWS,
    Compute,
    Frames,
    differences,
    differing_bits,
    keyed,
    known_by,
    no_violations,
    require_names,
    require_rows,
    trials,
)
from trading_assets.point_in_time._poison import poisoned

__all__ = ["ROWS", "Compute", "Frames", "lookahead_violations", "pick_cuts"]

Day = TypeVar("Day", bound=date)


def pick_cuts(dates: Iterable[Day], k: int) -> list[Day]:
    """Choose dates at which to cut history: half year boundaries, half evenly spread, the same every time.

    Parameters
    ----------
    dates
        Dates, or moments, with data, in any order, repeats allowed.
    k
        Number of cuts, at least 1.

    Returns
    -------
    list of date or datetime
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
    computed: pl.DataFrame | None = None,
    entity: str | None = None,
) -> pl.DataFrame:
    """Report values that change when what is known only later is removed or falsified.

    For each cut the function runs twice more: on the rows known by the cut ("cut"), and on all rows with the later ones
    falsified ("poison": the values of each later row are moved to another later row of the same entity, then numbers
    are multiplied by one factor per row between 1/8 and 8, which keeps signs, zeros and the order of open, high, low
    and close). Every value dated up to the cut must have the same bits, and the same rows must exist.

    Parameters
    ----------
    compute
        From the named inputs to a frame with the key columns and values. Must be deterministic; without an `entity`
        it is called from two threads at once.
    inputs
        Complete inputs by name.
    known_on
        For each input, its Date or Datetime column with the time at which a row became known.
        Inputs that are not named are known from the start (a symbol list, say) and are passed on unchanged.
    key
        Columns that identify an output row, the date among them. Those of them that an input has too, apart from the
        date, are the entity within which later values are moved.
    date_column
        Date or Datetime column of the output: when a row is supposed to be known.
    cuts
        Dates or moments to cut at, see `pick_cuts`. At a date, a Datetime counts as its date; at a moment, a Date
        counts as known for all of its day.
    poison_seed
        Seed of the falsification.
    computed
        Result of the function for the complete inputs, if it is already available.
    entity
        String column of key and inputs, such as the symbol, whose values are computed independently of each other: all
        variants are then computed in one call, as entities with other names.

    Returns
    -------
    polars.DataFrame
        One row per cut, mode ("cut" or "poison") and differing column: cut, mode, column, count, first_key, value_full,
        value_cut (Strings except the count). A difference in row sets is reported under the column ``<rows>``. Empty
        if there is no violation.

    Raises
    ------
    ValueError
        An unknown input or column name, an output key that repeats, or cuts before the first value.

    Notes
    -----
    A difference proves a leak. No difference proves only that there is none at these cuts on these data: choose cuts
    inside weeks, months and years, and inputs in which the suspected leak can appear.
    """
    require_names(inputs, known_on)
    full = keyed(compute(inputs) if computed is None else computed, key, date_column)
    require_rows(full, known_by(full, date_column, max(cuts)) if cuts else pl.lit(value=False), "up to any cut")
    within = [column for column in key if column != date_column]

    def cut_at(cut: date) -> Frames:
        return {name: _known(frame, known_on.get(name), cut) for name, frame in inputs.items()}

    def poisoned_after(cut: date) -> Frames:
        return {
            name: poisoned(frame, known_on.get(name), cut, within, poison_seed + number)
            for number, (name, frame) in enumerate(sorted(inputs.items()))
        }

    modes = {"cut": cut_at, "poison": poisoned_after}
    tried = [(cut, mode, partial(change, cut)) for cut in cuts for mode, change in modes.items()]
    again = trials(compute, [variant for _, _, variant in tried], key, date_column, entity)
    found = [no_violations()]
    for (cut, mode, _), one in zip(tried, again, strict=True):
        expected, actual = (frame.filter(known_by(frame, date_column, cut)) for frame in (full, one))
        found.append(differences(expected, actual, key=key, cut=cut, mode=mode, differing=differing_bits))
    return pl.concat(found)


def _spread(days: Sequence[Day], count: int) -> list[Day]:
    if count >= len(days):
        return list(days)
    # midpoints of equal stretches: never the first day, where too little history would make the test vacuous
    return [days[(2 * i + 1) * len(days) // (2 * count)] for i in range(count)]


def _known(frame: pl.DataFrame, column: str | None, cut: date) -> pl.DataFrame:
    return frame if column is None else frame.filter(known_by(frame, column, cut))
