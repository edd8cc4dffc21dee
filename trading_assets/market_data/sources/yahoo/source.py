"""The source Yahoo Finance, free and without a key: its settings, and the requests that each table takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from trading_assets.desk import calendar
from trading_assets.market_data.sources._limiter import Timing, shared_limiter
from trading_assets.market_data.sources.errors import SourceConfigError, SourceError
from trading_assets.market_data.sources.protocol import (
    COMPANIES_SCHEMA,
    CORPORATE_ACTIONS_SCHEMA,
    FUNDAMENTALS_SCHEMA,
    QUOTES_SCHEMA,
    SYMBOLS_SCHEMA,
    Interval,
    bars_schema,
    check_interval,
    check_request,
)
from trading_assets.market_data.sources.yahoo import _companies, _prices
from trading_assets.market_data.sources.yahoo._batch import answer, fetch_each
from trading_assets.market_data.sources.yahoo._client import Client
from trading_assets.market_data.sources.yahoo._fundamentals import fundamentals
from trading_assets.market_data.sources.yahoo._windows import YahooMarket, check_reach

if TYPE_CHECKING:
    from trading_assets.market_data.sources.yahoo._session import RequestPolicy, YahooSession

__all__ = ["Transport", "YahooParameters", "YahooSource"]

_INTERVALS: tuple[Interval, ...] = ("1d", "1h", "1m")


@dataclass(frozen=True, kw_only=True)
class YahooParameters:
    """Settings of `YahooSource`: what to request from Yahoo, and at which rate.

    Parameters
    ----------
    symbols
        Tickers as finance.yahoo.com writes them: ``"BRK-B"``, ``"RELIANCE.NS"``, ``"^GSPC"``.
    screen
        A screen whose symbols of today are added: the name of one that Yahoo predefines, ``"day_gainers"``, or a query
        ``{"operator": "gt", "operands": ["intradaymarketcap", 2000000000]}``. Using a list of today for the past is
        hindsight.
    screen_size
        Most symbols taken from the screen, up to 250.
    exchange, currency
        Calendar code of the exchange and currency of the prices, the same for all symbols.
    requests_per_second, burst
        Rate limit of this process: requests per second over time, and at once.
    retries
        Further attempts after a failed one, with exponential backoff and jitter.
    timeout_seconds
        Of one request.
    threads
        Requests in flight at the same time.
    batch_size
        Symbols per request for quotes, the one table for which Yahoo takes several.
    cache_path
        Folder of yfinance's own caches (cookie, zones); default: one in the user's cache folder.
    proxy
        Address of a proxy; environment variables are ignored.
    """

    symbols: Sequence[str] = ()
    screen: str | Mapping[str, Any] | None = None
    screen_size: int = 100
    exchange: str = "XNYS"
    currency: str = "USD"
    requests_per_second: float = 2.0
    burst: int = 5
    retries: int = 4
    timeout_seconds: float = 20.0
    threads: int = 4
    batch_size: int = 50
    cache_path: str | Path | None = None
    proxy: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check the settings that need no network."""
        if not self.symbols and self.screen is None:
            raise SourceConfigError(
                "setting source.yahoo.symbols is empty; list tickers, for instance [AAPL, MSFT], or set a screen."
            )
        for name in ("requests_per_second", "burst", "timeout_seconds", "threads", "batch_size", "screen_size"):
            if getattr(self, name) <= 0:
                raise SourceConfigError(f"setting source.yahoo.{name} is {getattr(self, name)}; it must be above 0.")
        if self.retries < 0:
            raise SourceConfigError(f"setting source.yahoo.retries is {self.retries}; it must be 0 or more.")


@dataclass(frozen=True, kw_only=True)
class Transport:
    """How a `YahooSource` reaches the clock and the network.

    Attributes
    ----------
    now : callable
        Returns the present time, timezone-aware.
    timing : Timing or None
        Clock and sleep of the rate limit; None for the limit that the sources of this process share.
    session : callable or None
        From a policy to the session that sends the requests; None for the one that connects to Yahoo.
    """

    now: Callable[[], datetime]
    timing: Timing | None = None
    session: Callable[[RequestPolicy], YahooSession] | None = None


@dataclass(frozen=True)
class YahooSource:
    """Raw bars, corporate actions, companies, fundamentals and quotes of Yahoo Finance, through yfinance.

    Yahoo's prices are adjusted for splits; they are returned as they were traded. Hourly bars reach back 730 days and
    minute bars 30 days; an earlier window is an error. An empty answer is never data: it means an unknown symbol, a
    delisted one, a rate limit, an outage, or a symbol without a price, and one such symbol does not fail the others.
    """

    settings: YahooParameters
    transport: Transport = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """The value of the column `source` in every answer."""
        return _prices.NAME

    @property
    def offers(self) -> frozenset[str]:
        """Bars of all intervals, corporate actions, companies, fundamentals and quotes."""
        bars = {"bars_daily", "bars_hourly", "bars_minute"}
        return frozenset(bars | {"corporate_actions", "companies", "fundamentals", "quotes"})

    @property
    def is_remote(self) -> bool:
        """True: only what is not stored yet is requested."""
        return True

    def symbols(self) -> pl.DataFrame:
        """Return the symbols of the settings and of the screen, with the span in which Yahoo has them.

        `delisted_on` stays null: Yahoo does not report it.
        """
        market, client = self._market(), self._client
        wanted = list(dict.fromkeys(self.settings.symbols))
        if self.settings.screen is not None:
            found = client.screen(self.settings.screen, self.settings.screen_size)
            wanted = list(dict.fromkeys([*wanted, *found]))
        quotes, _ = _companies.quotes_by_symbol(client, wanted, self.settings.batch_size)

        def one(symbol: str) -> pl.DataFrame:
            quote = quotes.get(symbol)
            listing = None if quote is None else _companies.listing_of_quote(symbol, quote, market)
            return _companies.listing(client, symbol, market) if listing is None else listing

        return fetch_each(wanted, one, SYMBOLS_SCHEMA, self.settings.threads)

    def bars(self, symbols: Sequence[str], start: date, end: date, interval: Interval = "1d") -> pl.DataFrame:
        """Return raw bars that have ended; `adjustment` is what Yahoo had adjusted them for.

        Raises
        ------
        SourceConfigError
            The window begins before Yahoo's bars of the interval.
        PartialAnswerError
            Some symbols failed.
        """
        check_interval(self.name, interval, _INTERVALS)
        wanted = check_request(self.name, symbols, start, end, symbols)
        market = self._market()
        days = market.begun(start, end)
        check_reach(wanted, interval, days, market)

        def one(symbol: str) -> pl.DataFrame:
            if interval == "1d":
                return _prices.daily_bars(self._client, symbol, days, market)
            return _prices.intraday_bars(self._client, symbol, days, interval, market)

        return fetch_each(wanted, one, bars_schema(interval), self.settings.threads)

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Return splits and dividends, dividends in the shares of their ex-date."""
        wanted = check_request(self.name, symbols, start, end, symbols)
        market = self._market()
        days = market.begun(start, end)

        def one(symbol: str) -> pl.DataFrame:
            return _prices.corporate_actions(self._client, symbol, days, market)

        return fetch_each(wanted, one, CORPORATE_ACTIONS_SCHEMA, self.settings.threads)

    def companies(self, symbols: Sequence[str], now: datetime) -> pl.DataFrame:
        """Return sector, industry, country, size and officers as Yahoo reports them now."""

        def one(symbol: str) -> pl.DataFrame:
            return _companies.company(self._client, symbol, now)

        return fetch_each(list(dict.fromkeys(symbols)), one, COMPANIES_SCHEMA, self.settings.threads)

    def fundamentals(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Return figures of quarters and years that became known in the window."""
        wanted = check_request(self.name, symbols, start, end, symbols)

        def one(symbol: str) -> pl.DataFrame:
            return fundamentals(self._client, symbol, start, end, self.transport.now())

        return fetch_each(wanted, one, FUNDAMENTALS_SCHEMA, self.settings.threads)

    def quotes(self, symbols: Sequence[str]) -> pl.DataFrame:
        """Return the best bid and ask of each symbol."""
        wanted, market = sorted(set(symbols)), self._market()
        quotes, failures = _companies.quotes_by_symbol(self._client, wanted, self.settings.batch_size)
        frames = [QUOTES_SCHEMA.to_frame()]
        for symbol, quote in quotes.items():
            try:
                frames.append(_companies.quote_row(symbol, quote, market))
            except SourceError as error:
                failures[symbol] = error
        return answer(pl.concat(frames), failures, len(wanted))

    @cached_property
    def _client(self) -> Client:
        # yfinance takes over a second to import, so it waits until the first request.
        from trading_assets.market_data.sources.yahoo._session import RequestPolicy, YahooSession

        settings = self.settings
        limiter, timing = shared_limiter(settings.requests_per_second, settings.burst, self.transport.timing)
        policy = RequestPolicy(limiter, timing, settings.retries + 1, settings.timeout_seconds, settings.proxy)
        session = (self.transport.session or YahooSession)(policy)
        cache = None if settings.cache_path is None else Path(settings.cache_path)
        return Client(session, cache, calendar.exchange_timezone(settings.exchange), settings.timeout_seconds)

    def _market(self) -> YahooMarket:
        return YahooMarket(self.settings.exchange, self.settings.currency, self.transport.now())
