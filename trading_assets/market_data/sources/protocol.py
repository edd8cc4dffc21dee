"""What every source of market data can be asked, and the frames it answers with.

A source reads; it neither cleans nor stores. A row that is bad but readable (NaN, negative price, high below low,
duplicate, future date, closed exchange) is passed on as it is. A cell that cannot be read as its column's type becomes
null, and `raw` then carries the row as the source had it, as JSON, so that nothing is lost.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Final, Literal, Protocol, get_args, runtime_checkable

import polars as pl

from trading_assets.market_data.sources.errors import (
    SourceConfigError,
    UnknownSymbolError,
    UnsupportedIntervalError,
)

__all__ = [
    "COMPANIES_SCHEMA",
    "CORPORATE_ACTIONS_SCHEMA",
    "DAILY_BARS_SCHEMA",
    "FUNDAMENTALS_SCHEMA",
    "INTRADAY_BARS_SCHEMA",
    "LISTINGS_SCHEMA",
    "NEWS_SCHEMA",
    "QUOTES_SCHEMA",
    "SYMBOLS_SCHEMA",
    "CompaniesSource",
    "FundamentalsSource",
    "Interval",
    "ListingsSource",
    "NewsSource",
    "QuotesSource",
    "Source",
    "bars_schema",
    "check_interval",
    "check_request",
    "interval_table",
]

Interval = Literal["1d", "1h", "1m"]

_Types = dict[str, pl.DataType | type[pl.DataType]]

_INSTANT: Final = pl.Datetime("us", "UTC")
_PRICES: Final[_Types] = {
    "open": pl.Float64,
    "high": pl.Float64,
    "low": pl.Float64,
    "close": pl.Float64,
    "volume": pl.Int64,
}
_ORIGIN: Final[_Types] = {"source": pl.String, "raw": pl.String}
_FEED: Final[_Types] = {"feed": pl.String, "adjustment": pl.String}

SYMBOLS_SCHEMA: Final = pl.Schema(
    {
        "symbol": pl.String,
        "name": pl.String,
        "exchange": pl.String,
        "currency": pl.String,
        "first_session": pl.Date,
        "last_session": pl.Date,
        "delisted_on": pl.Date,
        "source": pl.String,
    }
)
DAILY_BARS_SCHEMA: Final = pl.Schema({"symbol": pl.String, "date": pl.Date, **_PRICES, **_FEED, **_ORIGIN})
INTRADAY_BARS_SCHEMA: Final = pl.Schema(
    {"symbol": pl.String, "date": pl.Date, "ts": _INSTANT, **_PRICES, **_FEED, **_ORIGIN}
)
CORPORATE_ACTIONS_SCHEMA: Final = pl.Schema(
    {"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64, "known_at": _INSTANT, **_ORIGIN}
)
LISTINGS_SCHEMA: Final = pl.Schema(
    {
        "symbol": pl.String,
        "date": pl.Date,
        "kind": pl.String,
        "value": pl.Float64,
        "other_symbol": pl.String,
        "known_at": _INSTANT,
        **_ORIGIN,
    }
)
COMPANIES_SCHEMA: Final = pl.Schema(
    {
        "symbol": pl.String,
        "known_on": pl.Date,
        "name": pl.String,
        "sector": pl.String,
        "industry": pl.String,
        "country": pl.String,
        "market_cap": pl.Float64,
        "shares_outstanding": pl.Float64,
        "officers": pl.String,
        **_ORIGIN,
    }
)
FUNDAMENTALS_SCHEMA: Final = pl.Schema(
    {
        "symbol": pl.String,
        "period_end": pl.Date,
        "period": pl.String,
        "item": pl.String,
        "value": pl.Float64,
        "currency": pl.String,
        "known_on": pl.Date,
        "known_at": _INSTANT,
        "basis": pl.String,
        **_ORIGIN,
    }
)
NEWS_SCHEMA: Final = pl.Schema(
    {
        "symbol": pl.String,
        "date": pl.Date,
        "id": pl.String,
        "published_at": _INSTANT,
        "known_at": _INSTANT,
        "headline": pl.String,
        "summary": pl.String,
        "text": pl.String,
        "author": pl.String,
        "url": pl.String,
        "publisher": pl.String,
        **_ORIGIN,
    }
)
QUOTES_SCHEMA: Final = pl.Schema(
    {
        "symbol": pl.String,
        "ts": _INSTANT,
        **dict.fromkeys(("bid", "bid_size", "ask", "ask_size"), pl.Float64),
        "feed": pl.String,
        **_ORIGIN,
    }
)


@runtime_checkable
class Source(Protocol):
    """Where market data come from.

    `start` and `end` are session dates, both included. Answers are sorted by symbol and time. A symbol that the source
    knows but that has nothing in the window has no rows; a symbol it never had is an `UnknownSymbolError`. Where some
    symbols of a request cannot be had, the answer for the others is in a `PartialAnswerError`.

    A source may offer further tables: it then has the method of `ListingsSource`, `CompaniesSource`,
    `FundamentalsSource`, `NewsSource` or `QuotesSource` and names the table in `offers`.
    """

    @property
    def name(self) -> str:
        """The value of the column `source` in every answer."""
        ...

    @property
    def offers(self) -> frozenset[str]:
        """Names of the tables of market_data that it can fill, for instance ``bars_daily``; known without any I/O."""
        ...

    @property
    def is_remote(self) -> bool:
        """Whether it is asked over a network: then only what is not stored yet is asked for."""
        ...

    def symbols(self) -> pl.DataFrame:
        """Return one row per symbol that the source has, in `SYMBOLS_SCHEMA`."""
        ...

    def bars(self, symbols: Sequence[str], start: date, end: date, interval: Interval = "1d") -> pl.DataFrame:
        """Return raw bars, in `DAILY_BARS_SCHEMA` or, below a day, `INTRADAY_BARS_SCHEMA`.

        `ts` is the start of the bar, so the bar is known one interval later. Prices are in the symbol's currency per
        share of that day, volumes in shares of that day: neither is adjusted for splits or dividends.
        """
        ...

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Return splits and cash dividends with an ex-date in the window, in `CORPORATE_ACTIONS_SCHEMA`.

        `value` is new shares per old share for a split, cash per share in the symbol's currency for a dividend;
        `known_at` is the moment from which a decision may use it.
        """
        ...


@runtime_checkable
class ListingsSource(Protocol):
    """A source of listings, delistings and renames."""

    def listings(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Return listing events dated in the window, in `LISTINGS_SCHEMA`."""
        ...


@runtime_checkable
class CompaniesSource(Protocol):
    """A source of what companies are today."""

    def companies(self, symbols: Sequence[str], now: datetime) -> pl.DataFrame:
        """Return one row per symbol as known at `now`, in `COMPANIES_SCHEMA`."""
        ...


@runtime_checkable
class FundamentalsSource(Protocol):
    """A source of figures of filings."""

    def fundamentals(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Return figures that became known in the window, in `FUNDAMENTALS_SCHEMA`."""
        ...


@runtime_checkable
class NewsSource(Protocol):
    """A source of news."""

    def news(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Return stories that became known in the window (days in UTC), in `NEWS_SCHEMA`, one row per symbol."""
        ...


@runtime_checkable
class QuotesSource(Protocol):
    """A source of quotes."""

    def quotes(self, symbols: Sequence[str]) -> pl.DataFrame:
        """Return the latest quote of each symbol, in `QUOTES_SCHEMA`."""
        ...


def bars_schema(interval: Interval) -> pl.Schema:
    """Return the schema of bars of `interval`."""
    return DAILY_BARS_SCHEMA if interval == "1d" else INTRADAY_BARS_SCHEMA


def interval_table(interval: Interval) -> str:
    """Return the name of the table of market_data that holds bars of `interval`."""
    return {"1d": "bars_daily", "1h": "bars_hourly", "1m": "bars_minute"}[interval]


def check_interval(source: str, interval: str, supported: Collection[str]) -> None:
    """Raise `UnsupportedIntervalError` unless the source has bars of `interval`."""
    if interval not in supported:
        raise UnsupportedIntervalError(
            f"source {source!r} has no bars of interval {interval!r}; ask for one of {', '.join(supported)} "
            f"(intervals in general: {', '.join(get_args(Interval))})."
        )


def check_request(source: str, symbols: Sequence[str], start: date, end: date, known: Collection[str]) -> list[str]:
    """Return the symbols asked for, each once and in order.

    Raises
    ------
    SourceConfigError
        If `symbols` is a single string or the window ends before it starts.
    UnknownSymbolError
        If one of them is not in `known`; the message lists close matches.
    """
    if isinstance(symbols, str):
        raise SourceConfigError(
            f"source {source!r}: symbols is the single text {symbols!r}; pass a list: [{symbols!r}]."
        )
    if start > end:
        raise SourceConfigError(f"source {source!r}: the window {start}..{end} ends before it starts; swap the dates.")
    wanted = list(dict.fromkeys(symbols))
    missing = [symbol for symbol in wanted if symbol not in known]
    if missing:
        raise UnknownSymbolError(_unknown_symbols(source, missing, known), missing)
    return wanted


def _unknown_symbols(source: str, missing: list[str], known: Collection[str], limit: int = 5) -> str:
    by_case = {symbol.upper(): symbol for symbol in known}
    hints = []
    for symbol in missing[:limit]:
        near = [by_case[match] for match in difflib.get_close_matches(symbol.upper(), by_case, n=3, cutoff=0.5)]
        hints.append(f"{symbol!r} (close: {', '.join(near)})" if near else f"{symbol!r}")
    more = f" and {len(missing) - limit} more" if len(missing) > limit else ""
    return (
        f"source {source!r} does not have {', '.join(hints)}{more}; it has {len(known)} symbols. "
        "Correct the spelling or take the symbol out of the universe; Source.symbols() lists what there is."
    )
