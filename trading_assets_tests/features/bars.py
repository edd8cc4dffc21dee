"""Bars given by their prices alone, and the features of a set over them in full precision."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from trading_assets.desk.calendar import session_open, sessions
from trading_assets.features.bar_rows import BarRows
from trading_assets.features.compute import compute
from trading_assets_tests.point_in_time.sample import actions

ALL = 100_000
"""A history longer than any test's."""
_FIRST, _LAST = date(1992, 1, 2), date(2020, 12, 31)
_STEPS = {"minute": timedelta(minutes=1), "hourly": timedelta(hours=1)}


def moments(count, interval="daily", per_session=60):
    """Dates, or dates and starts of bars, of successive sessions of New York."""
    days = sessions("XNYS", _FIRST, _LAST)
    if interval == "daily":
        return pl.DataFrame({"date": days[:count]})
    opens = [(day, session_open("XNYS", day)) for day in days[: -(-count // per_session)]]
    bars = [(day, start + number * _STEPS[interval]) for day, start in opens for number in range(per_session)]
    schema = {"date": pl.Date, "ts": pl.Datetime("us", "UTC")}
    return pl.DataFrame(bars[:count], schema=schema, orient="row")


def bars_of(prices, volume=None, *, symbol="A", interval="daily", per_session=60):
    """Bars of rows of open, high, low and close, or of closes alone."""
    prices = np.asarray(prices, dtype=float)
    four = prices if prices.ndim == 2 else np.repeat(prices[:, None], 4, axis=1)
    columns = dict(zip(("open", "high", "low", "close"), four.T, strict=True))
    volume = np.full(len(four), 1000) if volume is None else np.asarray(volume)
    named = pl.DataFrame({**columns, "volume": volume}).with_columns(symbol=pl.lit(symbol))
    return pl.concat([named, moments(len(four), interval, per_session)], how="horizontal")


def as_intraday(bars, interval="minute", per_session=60):
    """The same bars in the same order, as bars within sessions."""
    names = bars.sort("symbol", "date").drop("date").partition_by("symbol", maintain_order=True)
    frames = [pl.concat([one, moments(one.height, interval, per_session)], how="horizontal") for one in names]
    return pl.concat(frames)


def rows_of(bars, interval="daily", market=None):
    """All bars as one span of rows per name."""
    last = bars["date"].max()
    return BarRows.of(bars, actions(), history=ALL, start=last, end=last, interval=interval, market=market)


def features_of(one, bars, interval="daily", market=None):
    """Features of every bar: symbol, time and one column each."""
    start, end = bars["date"].min(), bars["date"].max()
    options = {"interval": interval, "market": market, "history": ALL, "dtype": np.float64}
    return compute([one], bars, actions(), start=start, end=end, **options)[one.name]


def last_of(one, bars, interval="daily", market=None):
    """Features of the last bar, by name."""
    return features_of(one, bars, interval, market).row(-1, named=True)


def wrong_nulls(found, features, rows_named="symbol"):
    """Features that are not null exactly in the first rows of a name, as many as their look-back."""
    row = pl.int_range(pl.len()).over(rows_named)
    names = list(features)
    wrong = found.select(
        (pl.col(name).is_null() != (row < one.lookback)).any().alias(name) for name, one in features.items()
    )
    return [name for name, is_wrong in zip(names, wrong.row(0), strict=True) if is_wrong]


def not_finite(found, names):
    """Features with a NaN or an infinity."""
    return [name for name in names if not found[name].drop_nulls().is_finite().all()]
