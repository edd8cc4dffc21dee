"""Requests about symbols: their addresses and parameters, and the bars in their answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, Final

import polars as pl

from trading_assets.brokers.alpaca.connection import DATA_URL, KEY_VARIABLES, URLS, Connection
from trading_assets.market_data.sources._limiter import Timing
from trading_assets.market_data.sources.alpaca import _bars
from trading_assets.market_data.sources.alpaca._batches import request_in_batches
from trading_assets.market_data.sources.alpaca._client import AlpacaClient
from trading_assets.market_data.sources.alpaca.parameters import AlpacaParameters
from trading_assets.market_data.sources.errors import SourceConfigError, SourceError
from trading_assets.market_data.sources.protocol import Interval, bars_schema, check_request

NAME: Final = "alpaca"
TIMEFRAMES: Final = {"1d": "1Day", "1h": "30Min", "1m": "1Min"}
_READERS: Final = {"1d": _bars.daily_bars, "1h": _bars.hourly_bars, "1m": _bars.minute_bars}
_SYMBOLS_PER_REQUEST: int = 100
_ROWS_PER_PAGE: int = 10_000
_ACTIONS_PER_PAGE: int = 1_000
_READ_SECONDS: Final = 30.0
# Alpaca selects corporate actions by the day on which it books them, for a dividend the payable date.
_BOOKED_BEFORE, _BOOKED_AFTER = timedelta(days=10), timedelta(days=120)


class AlpacaRequests:
    """The requests that a source sends to Alpaca.

    Parameters
    ----------
    parameters
        The settings of the source.
    environment
        Environment variables that hold the keys.
    now
        Returns the present time.
    timing
        How to wait for the rate limit and between attempts.
    """

    def __init__(
        self,
        parameters: AlpacaParameters,
        environment: Mapping[str, str],
        now: Callable[[], datetime],
        timing: Timing,
    ) -> None:
        self.parameters = parameters
        self.now = now
        self._environment = environment
        self._timing = timing

    def connection(self) -> Connection:
        """Addresses of Alpaca, and the keys.

        Raises
        ------
        SourceConfigError
            There are no keys.
        """
        key_id, secret = (self._environment.get(name, "") for name in KEY_VARIABLES)
        if not (key_id and secret):
            raise SourceConfigError(
                f"source 'alpaca' needs keys: set {' and '.join(KEY_VARIABLES)} (free at alpaca.markets), or use the "
                "source 'yahoo' or 'sample', which need none."
            )
        settings = self.parameters
        url = (settings.url or URLS[settings.account]).rstrip("/")
        return Connection(settings.account, url, (settings.url or DATA_URL).rstrip("/"), key_id, secret)

    @cached_property
    def client(self) -> AlpacaClient:
        """The client, created on first use: only then must the keys be set."""
        return AlpacaClient(
            self.connection(),
            feed=self.parameters.feed,
            requests_per_minute=self.parameters.requests_per_minute,
            read_seconds=_READ_SECONDS,
            now=self.now,
            timing=self._timing,
        )

    @property
    def exchange(self) -> str:
        """Calendar code of the exchange."""
        return self.parameters.exchange

    def bars(
        self, symbols: Sequence[str], first: datetime, last: datetime, interval: Interval
    ) -> tuple[pl.DataFrame, dict[str, SourceError]]:
        """Fetch the bars that start in a span and have ended, and the error of each symbol that failed."""
        pages, failures = self.bar_pages(symbols, first, last, TIMEFRAMES[interval])
        read = _READERS[interval](_bars.read_rows(pages), self.exchange, self.now())
        rows = self.with_origin(read, interval)
        return rows.sort("symbol", "date" if interval == "1d" else "ts", maintain_order=True), failures

    def with_origin(self, read: pl.DataFrame, interval: Interval) -> pl.DataFrame:
        """Bars in the schema of sources, with source, feed and adjustment."""
        origin = {"source": pl.lit(NAME), "feed": pl.lit(self.parameters.feed), "adjustment": pl.lit("none")}
        return _bars.whole_shares(read.with_columns(**origin)).select(*bars_schema(interval))

    def bar_pages(
        self, symbols: Sequence[str], first: datetime, last: datetime, timeframe: str
    ) -> tuple[list[Any], dict[str, SourceError]]:
        """Fetch the pages of bars as delivered, and the error of each symbol that failed."""
        last = min(last, self.now())
        if first > last:
            return [], {}
        fields = {
            "timeframe": timeframe,
            "start": text_of(first),
            "end": text_of(last),
            "limit": _ROWS_PER_PAGE,
            "adjustment": "raw",
            "feed": self.parameters.feed,
        }
        return self.fetch("stocks", "/stocks/bars", "bars", symbols, fields)

    def actions(
        self, symbols: Sequence[str], start: date, end: date, types: Sequence[str]
    ) -> tuple[list[str], tuple[list[Any], dict[str, SourceError]]]:
        """Return each symbol once, and fetch the corporate actions that may have an ex-date in a window."""
        wanted = check_request(NAME, symbols, start, end, symbols)
        fields = {
            "types": ",".join(types),
            "start": (start - _BOOKED_BEFORE).isoformat(),
            "end": (end + _BOOKED_AFTER).isoformat(),
            "limit": _ACTIONS_PER_PAGE,
            "sort": "asc",
        }
        return wanted, self.fetch("corporate_actions", "/corporate-actions", "corporate_actions", wanted, fields)

    def fetch(
        self, api: Any, path: str, name: str, symbols: Sequence[str], fields: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, SourceError]]:
        """Fetch the pages of an answer about symbols, and the error of each symbol that failed."""

        def request(batch: Sequence[str]) -> Iterator[Any]:
            return self.client.pages(api, path, name, {**fields, "symbols": ",".join(batch)})

        return request_in_batches(symbols, request, _SYMBOLS_PER_REQUEST)


def text_of(moment: datetime) -> str:
    """Format a moment as RFC 3339, in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
