"""Look-back blocks: the rows a partition's values are computed from, and nothing else.

Rolling sums and exponential averages carry an accumulator whose last bits depend on where the series started. If a
value of 2016 were computed once from rows since 2010 (a backfill) and once from rows since 2015 (a refresh), the two
would differ in the last bits, and every content hash, diff and "rows that changed" with them. So each (symbol, period)
is computed on exactly its own rows plus a fixed number of rows before: a pure function of its partition.
"""

from datetime import date
from typing import Literal

import polars as pl

Period = Literal["year", "month"]


def period_number(day: pl.Expr, period: Period) -> pl.Expr:
    """Give the number of a date's calendar period: 2016 for a year, 201603 for a month (Int32)."""
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
        holds fewer. The caller must hand over at least that many where they exist.
    period
        Calendar period of a partition: "year" or "month".
    start, end
        First and last date asked for; periods that do not meet [start, end] get no block. Blocks are always whole
        periods, whichever part of them is asked for.
    time
        Column that orders the rows of a symbol: "date", or that of the moment where a date has several rows.
    reach
        How many calendar periods before its own the look-back of a block may come from, however few rows they hold:
        all of them, or as many as a run of one period reads, so that a name that seldom trades or was suspended has
        the same block in a run of many periods.

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
    rows = bars.sort("symbol", time)
    _check_unique(rows, time)
    spans = (
        rows.select("symbol", period_number(pl.col("date"), period).alias("block"))
        .with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int64), (pl.col("row").min().over("symbol")).cast(pl.Int64).alias("listed"))
        .group_by("symbol", "block", maintain_order=True)
        .agg(pl.col("row").first().alias("first"), pl.col("row").last().alias("last"), pl.col("listed").first())
    )
    if reach is not None:
        spans = _within_reach(spans, reach, period)
    asked = pl.select(
        period_number(pl.lit(start), period).alias("low"), period_number(pl.lit(end), period).alias("high")
    ).row(0)
    wanted = spans.filter(pl.col("block").is_between(*asked)).select(
        "block",
        "first",
        pl.int_ranges(pl.max_horizontal("listed", pl.col("first") - lookback), pl.col("last") + 1).alias("row"),
    )
    positions = wanted.explode("row")
    return rows[positions["row"]].with_columns(
        positions["block"], (positions["row"] >= positions["first"]).alias("is_output")
    )


def _within_reach(spans: pl.DataFrame, reach: int, period: Period) -> pl.DataFrame:
    """Let the rows of a symbol begin, for each of its blocks, with the first period within reach."""
    block = pl.col("block")
    ordinal = block if period == "year" else block // 100 * 12 + block % 100
    numbered = spans.with_columns(ordinal.alias("ordinal")).sort("ordinal")
    begins = numbered.select("symbol", "ordinal", pl.col("first").alias("begin"))
    found = numbered.with_columns(pl.col("ordinal") - reach).join_asof(
        begins, on="ordinal", by="symbol", strategy="forward", check_sortedness=False
    )
    return found.sort("first").with_columns(listed="begin").select(spans.columns)


def _check_unique(rows: pl.DataFrame, time: str) -> None:
    repeated = rows.filter((pl.col("symbol") == pl.col("symbol").shift(1)) & (pl.col(time) == pl.col(time).shift(1)))
    if repeated.height:
        symbol, day = repeated.select("symbol", time).row(0)
        raise ValueError(
            f"{repeated.height} repeated row(s), first: {symbol} {day}; a symbol has one bar per {time}: "
            "remove the duplicates before computing"
        )
