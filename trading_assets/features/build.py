"""From bars in the lake to features in the lake, a portion of names at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TypeVar

import polars as pl

from trading_assets.features.contract import contract_of
from trading_assets.features.feature_set import FeatureSet, Interval, bar_columns
from trading_assets.features.fingerprint import fingerprint
from trading_assets.lake import Lake, LakeFrame, Scope, WriteResult
from trading_assets.lake.store.incremental import Input, stale_rows
from trading_assets.lake.store.writes import brought_up_to_date, replace
from trading_assets.parallel import map_ordered
from trading_assets.point_in_time.relistings import RELISTED_AFTER

Frames = Mapping[str, pl.DataFrame]
T = TypeVar("T")

# Rows of a portion, which bound the memory of a run over thousands of names.
_ROWS_AT_ONCE = 300_000
_BARS_PER_DAY = {"daily": 0.7, "hourly": 5.0, "minute": 270.0}


@dataclass(frozen=True)
class Build:
    """What a run computes: sets of features of one kind of bars.

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
    relisted_after : int
        Days without a bar after which a name begins anew.
    """

    sets: Sequence[FeatureSet]
    interval: Interval
    bars: LakeFrame
    actions: LakeFrame
    earliest: date
    exchange: str
    relisted_after: int = RELISTED_AFTER

    def write(self, lake: Lake, scope: Scope, *, author: str) -> dict[str, WriteResult]:
        """Bring the scope up to date with its bars: only stale rows are computed and written.

        The next sets are computed while the last ones are written. A portion of names is one transaction for each set,
        so a name's partition is written as a whole or not at all.
        """
        contracts = {one.name: contract_of(one, self.interval) for one in self.sets}
        limit = () if self.relisted_after == RELISTED_AFTER else (f"relisted after {self.relisted_after}",)
        code = fingerprint(self.exchange, *limit, *(one.code for one in self.sets if one.code))
        stale = stale_rows(lake, list(contracts.values()), scope, self._inputs(), code)
        results: dict[str, list[WriteResult]] = {name: [] for name in contracts}
        for rows, part in stale.parts():
            for names, frames in _ahead(self._computed(rows)):
                made = stale.made_from(part.of_symbols(names))
                for name, frame in frames.items():
                    contract, of_names = contracts[name], rows.of_symbols(names)
                    message = f"{contract.table} from bars"
                    written = replace(lake, contract, frame, of_names, author=author, message=message, made_from=made)
                    results[name].append(written)
        updated = map_ordered(lambda name: brought_up_to_date(lake, contracts[name], stale, results[name]), results)
        return dict(zip(results, updated, strict=True))

    def _inputs(self) -> tuple[Input, Input]:
        is_own, columns = not any(one.needs_market for one in self.sets), bar_columns(self.interval)
        return (
            Input(self.bars.contract, "date", since=self.earliest, is_own=is_own, columns=columns),
            Input(self.actions.contract, "ex_date", since=self.earliest, is_own=is_own),
        )

    def _computed(self, rows: Scope) -> Iterator[tuple[Sequence[str], Frames]]:
        """Features of some rows by set: one portion of names, and the sets that need the same rows, at a time."""
        from trading_assets.features.compute import Panel, of_same_needs
        from trading_assets.features.statistical.market import market_returns

        start, end = rows.window()
        read = partial(self.bars.read, bar_columns(self.interval), start=self.earliest, end=end)
        all_bars = read() if any(one.needs_market for one in self.sets) else None
        known = rows.values["symbol"] if all_bars is None else None
        actions = self.actions.read(start=self.earliest, end=end, symbol=known)
        market = None if all_bars is None else market_returns(all_bars, actions)

        for names in self.portions(rows):
            panel = Panel(
                read(symbol=names) if all_bars is None else all_bars.filter(pl.col("symbol").is_in(names)),
                actions.filter(pl.col("symbol").is_in(names)),
                start=start,
                end=end,
                interval=self.interval,
                exchange=self.exchange,
                market=market,
                relisted_after=self.relisted_after,
            )
            for alike in of_same_needs(self.sets):
                yield names, panel.features(alike)

    def portions(self, rows: Scope) -> Iterator[Sequence[str]]:
        """Names that are computed at once, so that the memory of a run does not grow with the number of names."""
        start, end = rows.window()
        # a bar takes at most a third of the memory of a row of features
        days = max((end - start).days + 1, (end - self.earliest).days // 3)
        names, at_once = rows.values["symbol"], max(_ROWS_AT_ONCE // int(days * _BARS_PER_DAY[self.interval] + 1), 1)
        for first in range(0, len(names), at_once):
            yield names[first : first + at_once]


def _ahead(items: Iterator[T]) -> Iterator[T]:
    """Items in their order; the next one is computed while the caller works on the current one."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
