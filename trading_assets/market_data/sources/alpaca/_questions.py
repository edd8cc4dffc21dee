"""Questions about symbols: which calls they take, in which fields, and the bars in the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, Final

import polars as pl

from trading_assets.brokers.alpaca.connection import DATA_URL, KEY_VARIABLES, URLS, Connection
from trading_assets.market_data.sources.alpaca import _bars
from trading_assets.market_data.sources.alpaca._batches import ask_in_batches
from trading_assets.market_data.sources.alpaca._client import AlpacaClient
from trading_assets.market_data.sources.alpaca.parameters import AlpacaParameters
from trading_assets.market_data.sources.errors import SourceConfigError, SourceError
from trading_assets.market_data.sources.protocol import Interval, bars_schema, check_request

NAME: Final = "alpaca"
TIMEFRAMES: Final = {"1d": "1Day", "1h": "30Min", "1m": "1Min"}
_READERS: Final = {"1d": _bars.daily_bars, "1h": _bars.hourly_bars, "1m": _bars.minute_bars}
_SYMBOLS_A_CALL: int = 100
_ROWS_A_PAGE: int = 10_000
_ACTIONS_A_PAGE: int = 1_000
_READ_SECONDS: Final = 30.0
# Alpaca selects corporate actions by the day it books them, which for a dividend is the payable date.
_BOOKED_BEFORE, _BOOKED_AFTER = timedelta(days=10), timedelta(days=120)


class Questions:
    """What can be asked of Alpaca with some settings.

    Parameters
    ----------
    parameters
        The settings.
    environment
        Where the keys are.
    now
        The present.
    """

    def __init__(
        self, parameters: AlpacaParameters, environment: Mapping[str, str], now: Callable[[], datetime]
    ) -> None:
        self.parameters = parameters
        self.now = now
        self._environment = environment

    def connection(self) -> Connection:
        """Where Alpaca is, and the keys.

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
        """The client, made when it is first needed: only then must there be keys."""
        return AlpacaClient(
            self.connection(),
            feed=self.parameters.feed,
            requests_per_minute=self.parameters.requests_per_minute,
            read_seconds=_READ_SECONDS,
            now=self.now,
        )

    @property
    def exchange(self) -> str:
        """Calendar code of the exchange."""
        return self.parameters.exchange

    def bars(
        self, symbols: Sequence[str], first: datetime, last: datetime, interval: Interval
    ) -> tuple[pl.DataFrame, dict[str, SourceError]]:
        """Bars that start in a span and have ended, and the error of each symbol that could not be asked for."""
        pages, failures = self.bar_pages(symbols, first, last, TIMEFRAMES[interval])
        read = _READERS[interval](_bars.read_rows(pages), self.exchange, self.now())
        rows = self.with_origin(read, interval)
        return rows.sort("symbol", "date" if interval == "1d" else "ts", maintain_order=True), failures

    def with_origin(self, read: pl.DataFrame, interval: Interval) -> pl.DataFrame:
        """Bars in the schema of sources, with the feed that they are of."""
        origin = {"source": pl.lit(NAME), "feed": pl.lit(self.parameters.feed), "adjustment": pl.lit("none")}
        return _bars.whole_shares(read.with_columns(**origin)).select(*bars_schema(interval))

    def bar_pages(
        self, symbols: Sequence[str], first: datetime, last: datetime, timeframe: str
    ) -> tuple[list[Any], dict[str, SourceError]]:
        """Pages of bars as delivered."""
        last = min(last, self.now())
        if first > last:
            return [], {}
        fields = {
            "timeframe": timeframe,
            "start": text_of(first),
            "end": text_of(last),
            "limit": _ROWS_A_PAGE,
            "adjustment": "raw",
            "feed": self.parameters.feed,
        }
        return self.ask("stocks", "/stocks/bars", "bars", symbols, fields)

    def actions(
        self, symbols: Sequence[str], start: date, end: date, types: Sequence[str]
    ) -> tuple[list[str], tuple[list[Any], dict[str, SourceError]]]:
        """Symbols once each, and pages of corporate actions that may have an ex-date in a window."""
        wanted = check_request(NAME, symbols, start, end, symbols)
        fields = {
            "types": ",".join(types),
            "start": (start - _BOOKED_BEFORE).isoformat(),
            "end": (end + _BOOKED_AFTER).isoformat(),
            "limit": _ACTIONS_A_PAGE,
            "sort": "asc",
        }
        return wanted, self.ask("corporate_actions", "/corporate-actions", "corporate_actions", wanted, fields)

    def ask(
        self, api: Any, path: str, name: str, symbols: Sequence[str], fields: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, SourceError]]:
        """Pages of an answer about symbols, and the error of each that could not be asked for."""

        def ask(batch: Sequence[str]) -> Iterator[Any]:
            return self.client.pages(api, path, name, {**fields, "symbols": ",".join(batch)})

        return ask_in_batches(symbols, ask, _SYMBOLS_A_CALL)


def text_of(moment: datetime) -> str:
    """A moment in RFC 3339."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
