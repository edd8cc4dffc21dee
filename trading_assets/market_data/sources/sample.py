"""The offline sample: five US names, daily, 2000-03-01 to 2013-03-01, from the package ``bokeh_sampledata``.

Prices and volumes are raw. Splits and dividends are not part of the data but are derived from its column of adjusted
closes, see `derive_corporate_actions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import polars as pl

from trading_assets.market_data.sources.protocol import (
    CORPORATE_ACTIONS_SCHEMA,
    DAILY_BARS_SCHEMA,
    SYMBOLS_SCHEMA,
    Interval,
    check_interval,
    check_request,
)

__all__ = ["SampleSource", "derive_corporate_actions"]

_NAME = "sample"
_COMPANIES = {
    "AAPL": "Apple Inc.",
    "FB": "Facebook, Inc.",
    "GOOG": "Google Inc.",
    "IBM": "International Business Machines Corporation",
    "MSFT": "Microsoft Corporation",
}
# The smallest US split in use is 5-for-4; the sample's largest dividend step is 1.112 (Microsoft, 2004-11-15).
_SMALLEST_SPLIT = 1.2
_RATIO_DENOMINATORS = range(1, 11)
_RATIO_TOLERANCE = 1e-6


@dataclass(frozen=True)
class SampleSource:
    """Raw daily bars of AAPL, FB, GOOG, IBM and MSFT, 12,154 rows, with splits and dividends; needs no network.

    `exchange` is ``"XNYS"`` for all five: the Nasdaq names trade the same sessions.
    """

    @property
    def name(self) -> str:
        """The value of the column `source` in every answer."""
        return _NAME

    @property
    def offers(self) -> frozenset[str]:
        """Daily bars and corporate actions."""
        return frozenset({"bars_daily", "corporate_actions"})

    @property
    def is_remote(self) -> bool:
        """False: the sample is part of a package."""
        return False

    def symbols(self) -> pl.DataFrame:
        """Return the five symbols; none was delisted in the span."""
        spans = _table().group_by("symbol").agg(first_session=pl.col("date").min(), last_session=pl.col("date").max())
        return (
            spans.with_columns(
                name=pl.col("symbol").replace_strict(_COMPANIES, return_dtype=pl.String),
                exchange=pl.lit("XNYS"),
                currency=pl.lit("USD"),
                delisted_on=pl.lit(None, dtype=pl.Date),
                source=pl.lit(_NAME),
            )
            .select(*SYMBOLS_SCHEMA)
            .sort("symbol")
        )

    def bars(self, symbols: Sequence[str], start: date, end: date, interval: Interval = "1d") -> pl.DataFrame:
        """Return raw daily bars; other intervals raise `UnsupportedIntervalError`."""
        check_interval(_NAME, interval, ("1d",))
        wanted = check_request(_NAME, symbols, start, end, _COMPANIES)
        rows = _table().filter(pl.col("symbol").is_in(wanted), pl.col("date").is_between(start, end))
        nothing = pl.lit(None, dtype=pl.String)
        origin = {"source": pl.lit(_NAME), "feed": nothing, "adjustment": pl.lit("none"), "raw": nothing}
        return rows.with_columns(**origin).select(*DAILY_BARS_SCHEMA)

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Return the splits and dividends that the adjusted closes imply.

        `known_at` is midnight UTC at the start of the ex-date: the data have no announcement dates, and this is the
        latest moment at which the action can have become known, between the close of the previous session and the open
        of the ex-date.
        """
        wanted = check_request(_NAME, symbols, start, end, _COMPANIES)
        return _actions().filter(pl.col("symbol").is_in(wanted), pl.col("ex_date").is_between(start, end))


def derive_corporate_actions(prices: pl.DataFrame) -> pl.DataFrame:
    """Return the splits and cash dividends implied by raw and adjusted closes.

    The adjustment factor f = close / adj_close changes only on ex-dates. With s = f[t-1] / f[t],

    - split: s is the ratio itself, rounded to a fraction with a denominator up to 10, and the raw close fell by about
      that ratio (a crash moves close and adj_close alike, so s stays 1);
    - dividend: s = 1 + dividend / close[t] (the multiplier of the Quandl WIKI prices, which divides by the close *of*
      the ex-date), so dividend = close[t] * (s - 1), rounded to the cent. On the sample the rounding changes the
      value by less than 1e-8.

    Parameters
    ----------
    prices
        Columns `symbol`, `date`, `close`, `adj_close`, sorted by symbol and date.

    Returns
    -------
    polars.DataFrame
        Columns `symbol`, `ex_date`, `kind` (``"split"`` or ``"dividend"``), `value`.
    """
    factor = pl.col("close") / pl.col("adj_close")
    step = factor.shift(1).over("symbol") / factor
    fall = pl.col("close").shift(1).over("symbol") / pl.col("close")
    snapped = pl.coalesce(_snap(pl.col("step"), denominator) for denominator in _RATIO_DENOMINATORS)
    fell_by_ratio = (pl.col("fall").log() - pl.col("step").log()).abs() < pl.col("fall").log().abs()
    is_split = (
        (pl.max_horizontal("step", 1 / pl.col("step")) >= _SMALLEST_SPLIT) & fell_by_ratio & snapped.is_not_null()
    )
    cash = (pl.col("close") * (pl.col("step") - 1)).round(2)
    return (
        prices.with_columns(step=step, fall=fall)
        .with_columns(kind=pl.when(is_split).then(pl.lit("split")).otherwise(pl.lit("dividend")))
        .with_columns(value=pl.when(is_split).then(snapped).otherwise(cash))
        .filter(pl.col("step").is_not_null(), pl.col("value") > 0)
        .select("symbol", pl.col("date").alias("ex_date"), "kind", "value")
    )


def _snap(step: pl.Expr, denominator: int) -> pl.Expr:
    ratio = (step * denominator).round() / denominator
    return pl.when((ratio - step).abs() < _RATIO_TOLERANCE).then(ratio)


@lru_cache(maxsize=1)
def _table() -> pl.DataFrame:
    # Importing the package decompresses and parses its CSV, so it waits until rows are requested.
    from bokeh_sampledata import stocks

    frames = [pl.DataFrame(getattr(stocks, symbol)).with_columns(symbol=pl.lit(symbol)) for symbol in _COMPANIES]
    return pl.concat(frames).with_columns(pl.col("date").str.to_date("%Y-%m-%d")).sort("symbol", "date")


@lru_cache(maxsize=1)
def _actions() -> pl.DataFrame:
    known_at = pl.col("ex_date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    origin = {"source": pl.lit(_NAME), "raw": pl.lit(None, dtype=pl.String)}
    return (
        derive_corporate_actions(_table()).with_columns(known_at=known_at, **origin).select(*CORPORATE_ACTIONS_SCHEMA)
    )
