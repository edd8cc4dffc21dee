"""Reading Alpaca's bars: the rows as delivered, and from them daily, hourly and minute bars of regular sessions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

import polars as pl

from trading_assets.desk import calendar

_INSTANT: Final = pl.Datetime("us", "UTC")
_FIELDS: Final = {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}


def read_rows(pages: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Read the bars of pages `{symbol: [bar]}`: columns symbol, at, open, high, low, close, volume, raw.

    A cell that cannot be read is null, and `raw` then holds the bar as delivered.
    """
    named = [
        (symbol, row if isinstance(row, dict) else {})
        for page in pages
        for symbol, rows in page.items()
        for row in rows or ()
    ]
    cells = {name: [row.get(key) for _, row in named] for name, key in _FIELDS.items()}
    columns = [
        pl.Series("symbol", [symbol for symbol, _ in named], dtype=pl.String),
        read_moments("at", [row.get("t") for _, row in named]),
        *(pl.Series(name, values, dtype=pl.Float64, strict=False) for name, values in cells.items()),
    ]
    frame = pl.DataFrame(columns)
    is_unreadable = frame.select(pl.any_horizontal(pl.all().is_null())).to_series()
    raw = [json.dumps(row) if bad else None for (_, row), bad in zip(named, is_unreadable, strict=True)]
    return frame.with_columns(raw=pl.Series(raw, dtype=pl.String))


def read_moments(name: str, texts: Iterable[Any]) -> pl.Series:
    """Parse RFC 3339 timestamps as UTC; null where a text is not one."""
    given = pl.Series(name, [text if isinstance(text, str) else None for text in texts], dtype=pl.String)
    return given.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)


def daily_bars(rows: pl.DataFrame, exchange: str, now: datetime) -> pl.DataFrame:
    """Date daily bars, which Alpaca stamps with midnight at the exchange, and drop the session still in progress."""
    zone = calendar.exchange_timezone(exchange)
    dated = rows.with_columns(date=pl.col("at").dt.convert_time_zone(zone).dt.date())
    closes = _spans(dated, exchange).select("date", "close_at")
    has_ended = pl.col("close_at").is_null() | (pl.col("close_at") <= now)
    return dated.join(closes, on="date", how="left").filter(has_ended).drop("at", "close_at")


def minute_bars(rows: pl.DataFrame, exchange: str, now: datetime) -> pl.DataFrame:
    """Select the minute bars of regular sessions that have ended; `ts` is the start."""
    inside = _in_session(rows, exchange)
    has_ended = pl.col("at").is_null() | (pl.col("at") + timedelta(minutes=1) <= now)
    return inside.filter(has_ended).rename({"at": "ts"}).drop("open_at", "close_at")


def hourly_bars(half_hours: pl.DataFrame, exchange: str, now: datetime) -> pl.DataFrame:
    """Build hourly bars, counted from the open, from half-hours; the last one of a session may be shorter.

    Alpaca's own hourly bars begin on the hour: that of 09:00 mixes half an hour before the open with half an hour
    after it.
    """
    inside = _in_session(half_hours, exchange)
    start = pl.col("open_at") + pl.duration(hours=(pl.col("at") - pl.col("open_at")).dt.total_hours())
    has_ended = pl.min_horizontal(pl.col("ts") + timedelta(hours=1), "close_at") <= now
    return (
        inside.with_columns(ts=start)
        .filter(has_ended | pl.col("ts").is_null())
        .sort("symbol", "at")
        .group_by("symbol", "date", "ts", maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
            pl.col("raw").drop_nulls().first(),
        )
    )


def _in_session(rows: pl.DataFrame, exchange: str) -> pl.DataFrame:
    """Rows that start within a regular session, with its date, open and close, and rows without a readable time."""
    zone = calendar.exchange_timezone(exchange)
    dated = rows.with_columns(date=pl.col("at").dt.convert_time_zone(zone).dt.date())
    within = (pl.col("at") >= pl.col("open_at")) & (pl.col("at") < pl.col("close_at"))
    return dated.join(_spans(dated, exchange), on="date", how="left").filter(pl.col("at").is_null() | within)


def _spans(dated: pl.DataFrame, exchange: str) -> pl.DataFrame:
    """Open and close of the sessions that rows can belong to: columns date, open_at, close_at."""
    first, last = dated["date"].min(), dated["date"].max()
    if not (isinstance(first, date) and isinstance(last, date)):
        return pl.DataFrame(schema={"date": pl.Date, "open_at": _INSTANT, "close_at": _INSTANT})
    first = max(first, calendar.first_session(exchange))
    last = min(last, calendar.last_session(exchange))
    days = calendar.sessions(exchange, first, last) if first <= last else []
    return pl.DataFrame(
        {
            "date": days,
            "open_at": [calendar.session_open(exchange, day) for day in days],
            "close_at": [calendar.session_close(exchange, day) for day in days],
        },
        schema={"date": pl.Date, "open_at": _INSTANT, "close_at": _INSTANT},
    )


def whole_shares(frame: pl.DataFrame) -> pl.DataFrame:
    """Round volumes to whole shares: Alpaca counts fractional ones too."""
    volume = pl.col("volume").round().cast(pl.Int64, strict=False)
    return frame.with_columns(volume=volume)
