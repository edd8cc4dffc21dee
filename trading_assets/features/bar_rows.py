"""The rows that features are computed from: look-back blocks of split-adjusted bars, and the windows over them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.features import _rolling
from trading_assets.features.feature_set import PRICES, Interval, bar_columns
from trading_assets.point_in_time.adjustment import forward_adjust_blocks
from trading_assets.point_in_time.blocks import lookback_blocks
from trading_assets.point_in_time.order import in_order

Array = NDArray[np.float64]

SPAN = "span"
BARS_PER_SESSION = {"daily": 1.0, "hourly": 6.5, "minute": 390.0}
_SESSIONS_PER_YEAR = 252.0


@dataclass(frozen=True)
class BarRows:
    """Bars of one or more names, one span of consecutive rows per name and period.

    All arrays are Float64, as long as `frame`, and no window reaches over the start of a span.

    Attributes
    ----------
    frame
        symbol, date (and ts within a session), open, high, low, close, volume (Float64), ``is_output`` and ``span``,
        sorted by span and time; with ``market_return`` where it was requested.
    interval
        What a bar is: daily, hourly or minute.
    exchange
        Calendar code of the exchange.
    """

    frame: pl.DataFrame
    interval: Interval = "daily"
    exchange: str = "XNYS"

    @classmethod
    def of(
        cls,
        bars: pl.DataFrame,
        actions: pl.DataFrame,
        *,
        history: int,
        start: date,
        end: date,
        interval: Interval = "daily",
        exchange: str = "XNYS",
        market: pl.DataFrame | None = None,
        reach: int | None = None,
        before: int | None = None,
    ) -> BarRows:
        """Arrange bars in look-back blocks and adjust each block for its splits.

        Parameters
        ----------
        bars
            Bars as `clean_bars` returns them.
        actions
            Corporate actions: symbol, ex_date, kind, value.
        history
            Rows before each period.
        start, end
            First and last session wanted; blocks are whole periods: years of daily bars, months of shorter ones.
        interval, exchange
            See `BarRows`.
        market
            date and market_return, joined to the bars.
        reach
            Number of earlier periods that a block's history may come from; None for all of them.
        before
            Rows of each block to keep before its first wanted row; None for all of them.

        Raises
        ------
        ValueError
            A repeated bar, an unusable action.
        """
        time = _time_of(interval)
        blocks = lookback_blocks(
            bars,
            lookback=history,
            period="year" if interval == "daily" else "month",
            start=start,
            end=end,
            time=time,
            reach=reach,
        )
        rows = forward_adjust_blocks(blocks, actions, time=time).rechunk()
        if market is not None:
            rows = rows.join(market, on="date", how="left", maintain_order="left")
        rows = rows.with_columns(pl.struct("symbol", "block").rle_id().alias(SPAN))
        return cls(rows if before is None else _from(rows, start, before), interval, exchange)

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """First row of each span, and the number of rows at the end."""
        lengths = self.frame[SPAN].rle().struct.field("len").to_numpy()
        return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)

    @property
    def bars_per_year(self) -> float:
        """Bars per year, for annualising."""
        return BARS_PER_SESSION[self.interval] * _SESSIONS_PER_YEAR

    def spans(self) -> Iterator[tuple[int, int]]:
        """First row and row after the last of each span, for functions that take one series at a time."""
        yield from zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True)

    def column(self, name: str) -> Array:
        """A column of the frame; null is NaN."""
        known = self.frame[name].cast(pl.Float64).fill_null(float("nan"))
        # a writable array, so that the windows are compiled for one array type only
        return np.ascontiguousarray(known.to_numpy(writable=True))

    @cached_property
    def open(self) -> Array:
        """First price, split-adjusted, like all prices on the scale of the span's first row."""
        return self.column("open")

    @cached_property
    def high(self) -> Array:
        """Highest price."""
        return self.column("high")

    @cached_property
    def low(self) -> Array:
        """Lowest price."""
        return self.column("low")

    @cached_property
    def close(self) -> Array:
        """Last price."""
        return self.column("close")

    @cached_property
    def volume(self) -> Array:
        """Shares traded, in shares of the span's first row."""
        return self.column("volume")

    @cached_property
    def log_close(self) -> Array:
        """Natural logarithm of the close."""
        return np.log(self.close)

    @cached_property
    def log_return(self) -> Array:
        """ln(close / close of the bar before); NaN in the first row of a span."""
        return self.log_close - self.before(self.log_close, 1)

    def before(self, values: Array, rows: int) -> Array:
        """Value `rows` rows earlier."""
        return _rolling.shifted(values, self.offsets, rows)

    def mean(self, values: Array, window: int) -> Array:
        """Mean of the last `window` rows."""
        return _rolling.mean(values, self.offsets, window)

    def deviation(self, values: Array, window: int, *, ddof: int = 1) -> Array:
        """Standard deviation over the last `window` rows; exactly 0 where nothing moved."""
        found: Array = np.sqrt(_rolling.squared_deviations(values, self.offsets, window) / (window - ddof))
        return found

    def skewness(self, values: Array, window: int) -> Array:
        """Skewness m3 / m2^1.5 over the last `window` rows (population moments); 0 where nothing moved."""
        squares, cubes = _rolling.central_sums(values, self.offsets, window, 3)
        return ratio(cubes / window, (squares / window) ** 1.5)

    def kurtosis(self, values: Array, window: int) -> Array:
        """Excess kurtosis m4 / m2^2 - 3 over the last `window` rows (population moments); 0 where nothing moved."""
        squares, fourths = _rolling.central_sums(values, self.offsets, window, 4)
        still = np.where(squares == 0.0, 3.0, 0.0)
        return ratio(fourths / window, (squares / window) ** 2) + still - 3.0

    def covariance(self, left: Array, right: Array, window: int) -> Array:
        """Sample covariance over the last `window` rows."""
        return _rolling.co_deviations(left, right, self.offsets, window) / (window - 1)

    def correlation(self, left: Array, right: Array, window: int) -> Array:
        """Pearson correlation over the last `window` rows; 0 where either did not move."""
        product = _rolling.co_deviations(left, right, self.offsets, window)
        x, y = (_rolling.squared_deviations(values, self.offsets, window) for values in (left, right))
        return np.clip(ratio(product, np.sqrt(x) * np.sqrt(y)), -1.0, 1.0)

    def highest(self, values: Array, window: int) -> Array:
        """Greatest of the last `window` rows."""
        return _rolling.highest(values, self.offsets, window)

    def lowest(self, values: Array, window: int) -> Array:
        """Least of the last `window` rows."""
        return -_rolling.highest(-values, self.offsets, window)


def guarded(values: Array, degenerate: NDArray[np.bool_], neutral: float) -> Array:
    """Values, or the neutral one where a window is degenerate; values that are not known yet stay NaN."""
    return np.where(degenerate, neutral, values)


def ratio(numerator: Array, denominator: Array, neutral: float = 0.0) -> Array:
    """Quotient; the neutral value where the denominator is 0; values that are not known yet stay NaN."""
    still = denominator == 0.0
    return np.where(still & ~np.isnan(numerator), neutral, numerator / np.where(still, 1.0, denominator))


def _from(rows: pl.DataFrame, start: date, before: int) -> pl.DataFrame:
    """Rows of each span from `before` rows before its first wanted row on; prices keep the scale of the whole block."""
    is_wanted = pl.col("is_output") & (pl.col("date") >= start)
    place = pl.int_range(pl.len())
    is_kept = place >= pl.when(is_wanted).then(place).min() - before
    return rows.filter(is_kept.over(SPAN)).rechunk()


def clean_bars(bars: pl.DataFrame, interval: Interval, end: date) -> pl.DataFrame:
    """Bars up to a day, sorted by name and time; features only look back, so later bars cannot matter.

    Parameters
    ----------
    bars
        Raw bars: symbol, date, (ts,) open, high, low, close, volume.
    interval
        What a bar is.
    end
        Last session wanted.

    Raises
    ------
    ValueError
        A null, non-finite or non-positive price, or a negative volume.
    """
    known = bars.select(bar_columns(interval)).filter(pl.col("date") <= end)
    price = pl.col(*PRICES)
    usable = pl.all_horizontal(price.is_finite() & (price > 0), pl.col("volume") >= 0)
    wrong = known.filter(~usable.fill_null(value=False))
    if wrong.height:
        symbol, day = wrong.select("symbol", "date").row(0)
        raise ValueError(
            f"{wrong.height} unusable bar(s), first: {symbol} {day}; features need finite prices above zero and a "
            "volume of at least zero: quarantine the row in market_data"
        )
    return in_order(known, ["symbol", _time_of(interval)])


def _time_of(interval: Interval) -> str:
    """Column that orders the bars of a name."""
    return "date" if interval == "daily" else "ts"
