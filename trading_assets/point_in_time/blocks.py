"""Look-back blocks: exactly the rows that a partition's values are computed from.

Rolling sums and exponential averages carry an accumulator whose last bits depend on where the series started. If a
value of 2016 were computed once from rows since 2010 (a backfill) and once from rows since 2015 (a refresh), the two
would differ in the last bits, and every content hash, diff and "rows that changed" with them. So each (symbol, period)
is computed on exactly its own rows plus a fixed number of rows before: a pure function of its partition.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.point_in_time.order import is_ascending

Period = Literal["year", "month"]


def period_number(day: pl.Expr, period: Period) -> pl.Expr:
    """Number of a date's calendar period: 2016 for a year, 201603 for a month (Int32)."""
    year = day.dt.year().cast(pl.Int32)
    return year if period == "year" else year * 100 + day.dt.month().cast(pl.Int32)


def lookback_blocks(
    bars: pl.DataFrame,
    *,
    lookback: int,
    period: Period,
    start: date,
    end: date,
    time: str = "date",
    reach: int | None = None,
) -> pl.DataFrame:
    """Replicate rows into one block per symbol and calendar period, with the look-back rows in front.

    Parameters
    ----------
    bars
        Any frame with symbol and date, one row per symbol and time, in any order.
    lookback
        Number of the symbol's rows before the period's first row that belong to the block; fewer only where the frame
        holds fewer. The caller must pass at least that many where they exist.
    period
        Calendar period of a partition: "year" or "month".
    start, end
        First and last date; periods that do not overlap [start, end] get no block. Blocks are always whole periods,
        whichever part of them lies between the two.
    time
        Column that orders the rows of a symbol: "date", or that of the moment where a date has several rows.
    reach
        How many earlier calendar periods the look-back of a block may come from, however few rows they hold; None for
        all of them. With as many as a run of one period reads, a name that seldom trades or was suspended has the same
        block in a run of many periods.

    Returns
    -------
    polars.DataFrame
        The columns of `bars` plus ``block`` (Int32, see `period_number`) and ``is_output`` (True where the row belongs
        to the period, False where it is look-back), sorted by symbol, block and time.

    Raises
    ------
    ValueError
        Negative look-back or reach, start after end, or two rows for one symbol and time.

    Examples
    --------
    >>> bars = pl.DataFrame({"symbol": ["A"] * 3, "date": [date(2015, 12, 30), date(2015, 12, 31), date(2016, 1, 4)]})
    >>> lookback_blocks(bars, lookback=1, period="year", start=date(2016, 1, 1), end=date(2016, 12, 31)).rows()
    [('A', datetime.date(2015, 12, 31), 2016, False), ('A', datetime.date(2016, 1, 4), 2016, True)]
    """
    if min(lookback, reach or 0) < 0 or start > end:
        given = f"lookback={lookback}, reach={reach}, start={start}, end={end}"
        raise ValueError(f"need lookback >= 0, reach >= 0 and start <= end, got {given}")
    rows = _sorted(bars, time)
    spans = _Spans.of(rows, period)
    low, high = pl.DataFrame({"day": [start, end]}).select(period_number(pl.col("day"), period)).to_series()
    wanted = (spans.block >= low) & (spans.block <= high)
    begin = np.maximum(spans.earliest(reach, period), spans.first - lookback)[wanted]
    first, block = spans.first[wanted], spans.block[wanted]
    lengths = spans.end[wanted] - begin
    # the rows begin, begin + 1, ... of each span, one span after the other
    of_span = np.repeat(np.arange(lengths.size), lengths)
    positions = np.arange(of_span.size) - np.repeat(np.cumsum(lengths) - lengths, lengths) + begin[of_span]
    found: pl.DataFrame = rows[positions]
    return found.with_columns(pl.Series("block", block[of_span]), pl.Series("is_output", positions >= first[of_span]))


@dataclass(frozen=True)
class _Spans:
    """Rows of each symbol and period, ascending: number of the symbol, period, first row, and row after the last."""

    symbol: NDArray[np.int64]
    block: NDArray[np.int32]
    first: NDArray[np.int64]
    end: NDArray[np.int64]

    @classmethod
    def of(cls, rows: pl.DataFrame, period: Period) -> Self:
        """Spans of rows that are sorted by symbol and time."""
        numbered = rows.select(pl.col("symbol").rle_id(), period_number(pl.col("date"), period).alias("block"))
        symbol, block = (numbered[name].to_numpy() for name in numbered.columns)
        is_first = np.ones(rows.height, dtype=np.bool_)
        is_first[1:] = (symbol[1:] != symbol[:-1]) | (block[1:] != block[:-1])
        first = np.flatnonzero(is_first)
        return cls(symbol[first].astype(np.int64), block[first], first, np.append(first, rows.height)[1:])

    def earliest(self, reach: int | None, period: Period) -> NDArray[np.int64]:
        """First row of the symbol that the look-back of each span may come from."""
        if reach is None:
            return self.first[np.searchsorted(self.symbol, self.symbol)]
        ordinal = self.block if period == "year" else self.block // 100 * 12 + self.block % 100
        # the periods of two symbols lie further apart than the reach
        place = self.symbol * (int(np.ptp(ordinal)) + reach + 1 if ordinal.size else 1) + ordinal
        return self.first[np.searchsorted(place, place - reach)]


def _sorted(bars: pl.DataFrame, time: str) -> pl.DataFrame:
    if is_ascending(bars, ("symbol", time)):
        return bars
    rows = bars.sort("symbol", time)
    repeated = rows.filter((pl.col("symbol") == pl.col("symbol").shift(1)) & (pl.col(time) == pl.col(time).shift(1)))
    if repeated.height:
        symbol, day = repeated.select("symbol", time).row(0)
        raise ValueError(
            f"{repeated.height} repeated row(s), first: {symbol} {day}; a symbol has one bar per {time}: "
            "remove the duplicates before computing"
        )
    return rows
