"""The methods of every source of market data, and the columns of its answers.

The columns of an answer are those of the contract of its table, and `raw`. A source reads; it neither cleans nor
stores. A row that is bad but readable (NaN, negative price, high below low, duplicate, future date, closed exchange) is
passed on as it is. A cell that cannot be read as its column's type becomes null, and `raw` then holds the row as the
source had it, as JSON, so that nothing is lost. A row that cannot be stored whatever its cells say, for instance one of
a symbol that the source has no bars of, has the rule that it breaks in a further column, `REJECTED` of the contracts,
which an answer has only then.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Final, Protocol, get_args, runtime_checkable

import polars as pl

from trading_assets.lake.contracts import Contract
from trading_assets.market_data.contract import (
    BARS,
    BARS_DAILY,
    BARS_MINUTE,
    COMPANIES,
    CORPORATE_ACTIONS,
    FUNDAMENTALS,
    LISTINGS,
    NEWS,
    QUOTES,
    SYMBOLS,
    Interval,
)
from trading_assets.market_data.sources.errors import (
    SourceConfigError,
    UnknownSymbolError,
    UnsupportedIntervalError,
)
from trading_assets.suggest import did_you_mean

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

_FIRST: Final = ("symbol", "date", "ts")
_LAST: Final = "source"


def _answer_schema(contract: Contract, *, has_raw: bool = True) -> pl.Schema:
    """Columns of a table's contract in the order of answers: what a row is about first, where it comes from last."""
    first = [name for name in _FIRST if name in contract.schema]
    others = [name for name in contract.schema if name not in (*first, _LAST)]
    columns = {name: contract.schema[name] for name in (*first, *others, _LAST)}
    return pl.Schema(columns | {"raw": pl.String()} if has_raw else columns)


SYMBOLS_SCHEMA: Final = _answer_schema(SYMBOLS, has_raw=False)
DAILY_BARS_SCHEMA: Final = _answer_schema(BARS_DAILY)
INTRADAY_BARS_SCHEMA: Final = _answer_schema(BARS_MINUTE)
CORPORATE_ACTIONS_SCHEMA: Final = _answer_schema(CORPORATE_ACTIONS)
LISTINGS_SCHEMA: Final = _answer_schema(LISTINGS)
COMPANIES_SCHEMA: Final = _answer_schema(COMPANIES)
FUNDAMENTALS_SCHEMA: Final = _answer_schema(FUNDAMENTALS)
NEWS_SCHEMA: Final = _answer_schema(NEWS)
QUOTES_SCHEMA: Final = _answer_schema(QUOTES)


@runtime_checkable
class Source(Protocol):
    """A source of market data.

    `start` and `end` are session dates, both included. Answers are sorted by symbol and time. A symbol that the source
    knows but that has no data in the window has no rows; a symbol it never had raises `UnknownSymbolError`. If some
    symbols of a request fail, a `PartialAnswerError` holds the answer for the others.

    A source may offer further tables: it then has the method of `ListingsSource`, `CompaniesSource`,
    `FundamentalsSource`, `NewsSource` or `QuotesSource`, and lists the table in `offers`.
    """

    @property
    def name(self) -> str:
        """The value of the column `source` in every answer."""
        ...

    @property
    def offers(self) -> frozenset[str]:
        """Names of the tables of market_data that it can fill, such as ``bars_daily``; known without I/O."""
        ...

    @property
    def is_remote(self) -> bool:
        """Whether requests go over a network: then only what is not stored yet is requested."""
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

        `value` is new shares per old share for a split, and cash per share in the symbol's currency for a dividend;
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
    """A source of the present profiles of companies."""

    def companies(self, symbols: Sequence[str], now: datetime) -> pl.DataFrame:
        """Return one row per symbol as known at `now`, in `COMPANIES_SCHEMA`."""
        ...


@runtime_checkable
class FundamentalsSource(Protocol):
    """A source of the figures in filings."""

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
    return BARS[interval].asset_key[-1]


def check_interval(source: str, interval: str, supported: Collection[str]) -> None:
    """Raise `UnsupportedIntervalError` unless the source has bars of `interval`."""
    if interval not in supported:
        raise UnsupportedIntervalError(
            f"source {source!r} has no bars of interval {interval!r}; request one of {', '.join(supported)} "
            f"(all intervals: {', '.join(get_args(Interval))})."
        )


def check_request(source: str, symbols: Sequence[str], start: date, end: date, known: Collection[str]) -> list[str]:
    """Return the requested symbols, each once and in order.

    Raises
    ------
    SourceConfigError
        `symbols` is a single string, or the window ends before it starts.
    UnknownSymbolError
        One of them is not in `known`; the message lists close matches.
    """
    if isinstance(symbols, str):
        raise SourceConfigError(
            f"source {source!r}: symbols is the single string {symbols!r}; pass a list: [{symbols!r}]."
        )
    if start > end:
        raise SourceConfigError(f"source {source!r}: the window {start}..{end} ends before it starts; swap the dates.")
    wanted = list(dict.fromkeys(symbols))
    missing = [symbol for symbol in wanted if symbol not in known]
    if missing:
        raise UnknownSymbolError(_unknown_symbols(source, missing, known), missing)
    return wanted


def _unknown_symbols(source: str, missing: list[str], known: Collection[str], limit: int = 5) -> str:
    hints = [f"{symbol!r}{did_you_mean(symbol, known, limit=3)}" for symbol in missing[:limit]]
    more = f" and {len(missing) - limit} more" if len(missing) > limit else ""
    return (
        f"source {source!r} does not have {', '.join(hints)}{more}; it has {len(known)} symbols. "
        "Correct the spelling or remove the symbol from the universe; Source.symbols() lists those that it has."
    )
