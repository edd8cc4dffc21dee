"""From bars in the lake to features in the lake, a portion of names at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import polars as pl

from trading_assets.features.contract import BY_SET
from trading_assets.features.feature_set import FeatureSet, Interval
from trading_assets.lake import Lake, LakeFrame, Scope, WriteResult
from trading_assets.lake.writes import replace, together

Frames = Mapping[str, pl.DataFrame]

# Rows of a portion: what is computed and written at once bounds the memory of a run over thousands of names.
_ROWS_AT_ONCE = 300_000
_BARS_PER_DAY = {"daily": 0.7, "hourly": 5.0, "minute": 270.0}


@dataclass(frozen=True)
class Build:
    """What a run makes: sets of features of one kind of bars.

    Attributes
    ----------
    sets : sequence of FeatureSet
        Sets to compute.
    interval : {"daily", "hourly", "minute"}
        What a bar is.
    bars, actions : LakeFrame
        Where bars and corporate actions come from.
    earliest : date
        First day to read for the look-back.
    exchange : str
        Calendar code.
    market : polars.DataFrame, optional
        Return of the market, for sets that need it.
    """

    sets: Sequence[FeatureSet]
    interval: Interval
    bars: LakeFrame
    actions: LakeFrame
    earliest: date
    exchange: str
    market: pl.DataFrame | None = None

    def compute(self, names: Sequence[str], start: date, end: date) -> Frames:
        """Features of some names for the sessions from start to end, by set."""
        from trading_assets.features.compute import compute

        return compute(
            self.sets,
            self.bars.read(start=self.earliest, end=end, symbol=names),
            self.actions.read(start=self.earliest, end=end, symbol=names),
            start=start,
            end=end,
            interval=self.interval,
            exchange=self.exchange,
            market=self.market,
        )

    def write(self, lake: Lake, scope: Scope, *, author: str) -> dict[str, WriteResult]:
        """Compute and write the scope; while one portion of names is written the next one is computed.

        A portion is one transaction for each set, so that a name's partition is written as a whole or not at all.
        """
        start, end = scope.window()
        days = (end - start).days + 1
        portions = list(_portions(scope.values["symbol"], int(days * _BARS_PER_DAY[self.interval])))
        results: dict[str, list[WriteResult]] = {one.name: [] for one in self.sets}
        for names, frames in _ahead(portions, lambda names: self.compute(names, start, end)):
            for name, frame in frames.items():
                contract = BY_SET[name, self.interval]
                part, message = scope.of_symbols(names), f"{contract.table} from bars"
                results[name].append(replace(lake, contract, frame, part, author=author, message=message))
        return {name: together(found) for name, found in results.items()}


def _portions(names: Sequence[str], rows_per_name: int) -> Iterator[Sequence[str]]:
    at_once = max(_ROWS_AT_ONCE // max(rows_per_name, 1), 1)
    for first in range(0, len(names), at_once):
        yield names[first : first + at_once]


def _ahead(
    portions: Sequence[Sequence[str]], work: Callable[[Sequence[str]], Frames]
) -> Iterator[tuple[Sequence[str], Frames]]:
    """Results of each portion, the next one being computed meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(work, portions[0]) if portions else None
        for number, names in enumerate(portions):
            assert coming is not None
            found = coming.result()
            coming = pool.submit(work, portions[number + 1]) if number + 1 < len(portions) else None
            yield names, found
