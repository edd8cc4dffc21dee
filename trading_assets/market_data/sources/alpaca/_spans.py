"""The span in which a symbol has bars, and why it has none in a window."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from trading_assets.market_data.sources.alpaca import _assets, _bars, _windows
from trading_assets.market_data.sources.alpaca._requests import AlpacaRequests
from trading_assets.market_data.sources.errors import SourceError, SourceFormatError, SourceUnavailableError
from trading_assets.market_data.sources.protocol import DAILY_BARS_SCHEMA

FIRST_DAY: Final = date(2016, 1, 1)  # Alpaca has no bars of earlier years


def spans(requests: AlpacaRequests, symbols: Sequence[str], today: date) -> tuple[pl.DataFrame, dict[str, SourceError]]:
    """Find the first and last session with a bar: monthly bars give the months, daily ones of those the days."""
    first, last = _windows.moments(requests.exchange, FIRST_DAY, today)
    pages, failures = requests.bar_pages(symbols, first, last, "1Month")
    months = _assets.months_with_bars(_bars.read_rows(pages), requests.exchange)
    frames = []
    for month, names in _assets.symbols_by_month(months):
        bounds = _windows.moments(requests.exchange, month, _windows.last_of_month(month))
        rows, failed = requests.bars(names, *bounds, "1d")
        frames.append(rows.select("symbol", "date"))
        failures |= failed
    days = pl.concat(frames) if frames else DAILY_BARS_SCHEMA.to_frame().select("symbol", "date")
    ends = days.drop_nulls().group_by("symbol").agg(
        first_session=pl.col("date").min(), last_session=pl.col("date").max()
    )  # fmt: skip
    return ends.filter(~pl.col("symbol").is_in(list(failures))).sort("symbol"), failures


def absences(requests: AlpacaRequests, symbols: Sequence[str], start: date, end: date) -> dict[str, SourceError]:
    """Explain why symbols have no bars, with one request for what Alpaca knows and one for when they traded."""
    first, last = _windows.moments(requests.exchange, FIRST_DAY, end)
    try:
        assets = _assets.read_assets(requests.client)
        listed = [symbol for symbol in symbols if symbol in assets and assets[symbol].is_active]
        pages, failures = requests.bar_pages(listed, first, last, "1Month") if listed else ([], {})
    except (SourceUnavailableError, SourceFormatError) as error:
        return dict.fromkeys(symbols, error)
    traded = {symbol for page in pages for symbol, rows in page.items() if rows}
    return _assets.explain_absence(symbols, assets, traded, f"{start}..{end}") | failures
