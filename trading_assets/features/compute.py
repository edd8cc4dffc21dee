"""Compute feature sets: bars and corporate actions in, one frame per set out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from itertools import accumulate, groupby

import numpy as np
import polars as pl

from trading_assets.features.bar_rows import BarRows, clean_bars
from trading_assets.features.feature_set import PERIODS_BEFORE, FeatureSet, Interval
from trading_assets.parallel import WORKERS, map_ordered
from trading_assets.point_in_time.relistings import RELISTED_AFTER, apart, together

# Rows of a portion: intermediate columns of all names at once would be the peak of memory.
_ROWS_AT_ONCE = 75_000


def compute(
    sets: Sequence[FeatureSet],
    bars: pl.DataFrame,
    actions: pl.DataFrame,
    *,
    start: date,
    end: date,
    interval: Interval = "daily",
    exchange: str = "XNYS",
    market: pl.DataFrame | None = None,
    history: int | None = None,
    dtype: type[np.floating] = np.float32,
    relisted_after: int = RELISTED_AFTER,
) -> dict[str, pl.DataFrame]:
    """Compute the features of sets for the sessions from start to end, in one pass over the bars.

    Prices are forward-adjusted for splits, not for dividends, within each look-back block. A value depends on the bars
    of its own period and the set's `history` before it, so any range of sessions and any subset of names give the same
    bits.

    Parameters
    ----------
    sets
        What to compute.
    bars
        Raw bars: symbol, date, (ts,) open, high, low, close, volume, clean (no nulls, prices above zero), in any order,
        with at least the sets' `history` of rows per symbol before the first period where they exist.
    actions
        Corporate actions: symbol, ex_date, kind, value.
    start, end
        First and last session wanted.
    interval
        What a bar is: daily bars come in periods of a year, shorter ones of a month.
    exchange
        Calendar code of the exchange.
    market
        date and market_return, for sets that need it.
    history
        Rows to read before a period instead of each set's own number, however far back they are.
    dtype
        Precision of the values; computed in double precision.
    relisted_after
        Days without a bar after which a name begins anew.

    Returns
    -------
    dict
        Name of the set -> symbol, date, (ts) and one column per feature, sorted by symbol and time. A value is
        null while its own window is not filled, otherwise finite.

    Raises
    ------
    ValueError
        A null, non-finite or non-positive price, a negative volume, a repeated bar, an unusable action.
    """
    panel = Panel(bars, actions, start, end, interval, exchange, market, history, dtype, relisted_after)
    found: dict[str, pl.DataFrame] = {}
    for alike in of_same_needs(sets):
        found |= panel.features(alike)
    return {one.name: found[one.name] for one in sets}


@dataclass(frozen=True)
class Panel:
    """What sets are computed from, a few sets at a time; the attributes are the parameters of `compute`."""

    bars: pl.DataFrame
    actions: pl.DataFrame
    start: date
    end: date
    interval: Interval = "daily"
    exchange: str = "XNYS"
    market: pl.DataFrame | None = None
    history: int | None = None
    dtype: type[np.floating] = np.float32
    relisted_after: int = RELISTED_AFTER

    def features(self, alike: Sequence[FeatureSet]) -> dict[str, pl.DataFrame]:
        """Features of sets with the same needs; see `compute`."""
        # windows are computed outside Python's lock, so that two portions keep two cores busy
        parts = list(map_ordered(partial(self._of_portion, alike), self._portions))
        return {one.name: together(pl.concat([part[one.name] for part in parts])) for one in alike}

    @cached_property
    def _listings(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Bars, clean and in order, and corporate actions; a name that was listed again is two."""
        return apart(clean_bars(self.bars, self.interval, self.end), self.actions, self.relisted_after)

    @cached_property
    def _portions(self) -> list[pl.DataFrame]:
        """Bars in portions of whole names, about `_ROWS_AT_ONCE` rows each; every worker gets as many portions."""
        bars, _ = self._listings
        lengths = bars["symbol"].rle().struct.field("len").to_numpy()
        count = -(-bars.height // _ROWS_AT_ONCE)
        count += count % WORKERS if count > 1 else 0
        at_once = max(-(-lengths.size // max(count, 1)), 1)
        rows = [int(lengths[first : first + at_once].sum()) for first in range(0, lengths.size, at_once)] or [0]
        return [bars.slice(end - height, height) for end, height in zip(accumulate(rows), rows, strict=True)]

    def _of_portion(self, alike: Sequence[FeatureSet], portion: pl.DataFrame) -> dict[str, pl.DataFrame]:
        needed, is_windowed = _needs(alike[0])
        is_cut = is_windowed and self.history is None
        rows = BarRows.of(
            portion,
            self._listings[1],
            history=needed if self.history is None else self.history,
            start=self.start,
            end=self.end,
            interval=self.interval,
            exchange=self.exchange,
            market=self.market,
            reach=PERIODS_BEFORE[self.interval] if self.history is None else None,
            before=max(one.lookback for one in alike) if is_cut else None,
        )
        return {one.name: _values(one, rows, self.start, self.end, self.dtype) for one in alike}


def of_same_needs(sets: Sequence[FeatureSet]) -> list[list[FeatureSet]]:
    """Groups of sets that are computed from the same rows, those that need the most rows first."""
    return [list(alike) for _, alike in groupby(sorted(sets, key=_needs, reverse=True), key=_needs)]


def _needs(one: FeatureSet) -> tuple[int, bool]:
    """Rows that a set needs before a period, and whether its values depend on their own look-back rows alone."""
    return one.history, one.is_windowed


def _values(one: FeatureSet, rows: BarRows, start: date, end: date, dtype: type[np.floating]) -> pl.DataFrame:
    wanted = (pl.col("is_output") & pl.col("date").is_between(start, end)).alias("wanted")
    keep = np.flatnonzero(rows.frame.select(wanted).to_series().to_numpy())
    with np.errstate(all="ignore"):  # a window without movement or trading divides by zero before it is guarded
        arrays: Mapping[str, np.ndarray] = one.values(rows)
    key = [name for name in ("symbol", "date", "ts") if name in rows.frame.columns]
    columns = [pl.Series(name, arrays[name][keep].astype(dtype), nan_to_null=True) for name in one.of(rows.interval)]
    # blocks of a name come in the order of their periods, so its rows are in the order of time
    return rows.frame.select(key)[keep].with_columns(columns)
