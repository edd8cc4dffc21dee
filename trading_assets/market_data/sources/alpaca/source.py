"""The source Alpaca: which requests a table takes, and which symbols failed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import polars as pl

from trading_assets.brokers.alpaca.connection import Connection
from trading_assets.desk import calendar
from trading_assets.desk.clock import now as present
from trading_assets.market_data.sources._limiter import Timing
from trading_assets.market_data.sources.alpaca import _actions, _assets, _bars, _spans, _stories, _windows
from trading_assets.market_data.sources.alpaca._requests import NAME, TIMEFRAMES, AlpacaRequests, text_of
from trading_assets.market_data.sources.alpaca.parameters import AlpacaParameters
from trading_assets.market_data.sources.errors import (
    PartialAnswerError,
    SourceError,
    SourceFormatError,
)
from trading_assets.market_data.sources.protocol import (
    INTRADAY_BARS_SCHEMA,
    SYMBOLS_SCHEMA,
    Interval,
    check_interval,
    check_request,
)

__all__ = ["AlpacaSource"]

_STORIES_PER_PAGE: Final = 50
_A_DAY: Final = timedelta(days=1)
_STREAM_URL: Final = "wss://stream.data.alpaca.markets"
_ENDED: Final = datetime.max.replace(tzinfo=UTC)  # a bar of the stream has ended, whatever the local clock says


class AlpacaSource:
    """Alpaca's market data of US equities, raw, from one feed.

    The keys are read from ALPACA_KEY_ID and ALPACA_SECRET_KEY at the first request. A ticker means the company that
    has it today: Alpaca counts the bars under that company's earlier tickers as its own.

    Parameters
    ----------
    parameters
        Its settings.
    environment
        Environment variables that hold the keys.
    now
        Returns the present time: bars that end later do not exist yet.
    timing
        How to wait for the rate limit and between attempts.
    """

    def __init__(
        self,
        parameters: AlpacaParameters,
        *,
        environment: Mapping[str, str] = os.environ,
        now: Callable[[], datetime] = present,
        timing: Timing | None = None,
    ) -> None:
        self.parameters = parameters
        self._requests = AlpacaRequests(parameters, environment, now, timing or Timing())
        self._now = now

    def __repr__(self) -> str:
        return f"AlpacaSource({self.parameters!r})"

    @property
    def name(self) -> str:
        """The value of the column `source` in every answer."""
        return NAME

    @property
    def offers(self) -> frozenset[str]:
        """Bars of all intervals, corporate actions, listings, news and quotes."""
        return frozenset(
            {"bars_daily", "bars_hourly", "bars_minute", "corporate_actions", "listings", "news", "quotes"}
        )

    @property
    def is_remote(self) -> bool:
        """True: only what is not stored yet is requested."""
        return True

    def connection(self) -> Connection:
        """Addresses of Alpaca, and the keys; raises `SourceConfigError` if there are none."""
        return self._requests.connection()

    def symbols(self) -> pl.DataFrame:
        """Return one row per symbol with its span: sessions of its first and last bar at Alpaca, from 2016 on.

        Raises
        ------
        PartialAnswerError
            Alpaca does not know some of the symbols of the settings, or has no bars for them.
        """
        assets = _assets.read_assets(self._requests.client)
        settings = self.parameters
        wanted = list(dict.fromkeys(settings.symbols or _assets.tradable(assets)))
        known = [symbol for symbol in wanted if symbol in assets]
        today = _windows.local_date(self.parameters.exchange, self._now())
        ends, failures = _spans.spans(self._requests, known, today)
        window = f"{_spans.FIRST_DAY}..{today}"
        absent = [symbol for symbol in wanted if symbol not in set(ends["symbol"])]
        failures = _assets.explain_absence(absent, assets, known, window) | failures
        rows = (
            ends.with_columns(
                name=pl.col("symbol").replace_strict(
                    {symbol: assets[symbol].name for symbol in known}, return_dtype=pl.String
                ),
                exchange=pl.lit(settings.exchange),
                currency=pl.lit(settings.currency),
                delisted_on=pl.Series(
                    [
                        None if assets[symbol].is_active else calendar.next_session(settings.exchange, last)
                        for symbol, last in ends.select("symbol", "last_session").rows()
                    ],
                    dtype=pl.Date,
                ),
                source=pl.lit(NAME),
            )
            .select(*SYMBOLS_SCHEMA)
            .sort("symbol")
        )
        return _partial(rows, failures)

    def bars(self, symbols: Sequence[str], start: date, end: date, interval: Interval = "1d") -> pl.DataFrame:
        """Return raw bars of regular sessions that have ended.

        Hourly bars are counted from the open. Minute and hourly bars do not contain the closing auction, which Alpaca
        assigns to the minute after the close; the daily bar does.

        Raises
        ------
        PartialAnswerError
            Some symbols are unknown, no longer trade, or have no bars though they should; or an outage began half-way.
        """
        check_interval(NAME, interval, tuple(TIMEFRAMES))
        wanted = check_request(NAME, symbols, start, end, symbols)
        first, last = _windows.moments(self.parameters.exchange, start, end)
        rows, failures = self._requests.bars(wanted, first, last, interval)
        absent = [symbol for symbol in wanted if symbol not in failures and symbol not in set(rows["symbol"])]
        if absent and _windows.has_ended_session(self.parameters.exchange, start, end, self._now()):
            failures |= _spans.absences(self._requests, absent, start, end)
        return _partial(rows, failures)

    def minute_bars(self, symbols: Sequence[str], first: datetime, last: datetime) -> pl.DataFrame:
        """Return raw minute bars of regular sessions that start in a span and have ended.

        Raises
        ------
        PartialAnswerError
            Alpaca rejects some symbols, or an outage began half-way. A symbol without bars is no error here.
        """
        if not _windows.trades_between(self.parameters.exchange, first, last):
            return INTRADAY_BARS_SCHEMA.to_frame()
        return _partial(*self._requests.bars(list(dict.fromkeys(symbols)), first, last, "1m"))

    def streamed_bars(self, bars: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
        """Return minute bars of regular sessions from messages of Alpaca's stream, in their order, as `bars` does."""
        read = _bars.read_rows({bar["S"]: [{**bar, "t": bar["t"].to_datetime().isoformat()}]} for bar in bars)
        return self._requests.with_origin(_bars.minute_bars(read, self.parameters.exchange, _ENDED), "1m")

    def stream_url(self) -> str:
        """Address of the stream of the feed."""
        base = self.parameters.url.rstrip("/").replace("http", "ws", 1) if self.parameters.url else _STREAM_URL
        return f"{base}/v2/{self.parameters.feed}"

    def market_time(self) -> datetime:
        """Return the present time by Alpaca's clock."""
        answer = self._requests.client.get("trading", "/clock", {})
        try:
            return datetime.fromisoformat(answer["timestamp"]).astimezone(UTC)
        except (KeyError, TypeError, ValueError):
            raise SourceFormatError("source 'alpaca', request for clock: the answer has no time; try later.") from None

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Return splits, stock dividends as splits, and cash dividends.

        `known_at` is midnight UTC at the start of the ex-date: Alpaca does not report when an action was announced.
        """
        wanted, (pages, failures) = self._requests.actions(symbols, start, end, _actions.ACTION_TYPES)
        return _partial(_actions.read_actions(pages, wanted, start, end, NAME), failures)

    def listings(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Return renames, removals and mergers; Alpaca does not report first listings."""
        wanted, (pages, failures) = self._requests.actions(symbols, start, end, _actions.LISTING_TYPES)
        return _partial(_actions.read_listings(pages, wanted, start, end, NAME), failures)

    def news(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Return stories that mention the symbols, in the wording that became known in the window (days in UTC)."""
        wanted = check_request(NAME, symbols, start, end, symbols)
        fields = {
            "start": text_of(datetime.combine(start, time(), UTC)),
            "end": text_of(datetime.combine(end + _A_DAY, time(), UTC) - timedelta(microseconds=1)),
            "sort": "asc",
            "limit": _STORIES_PER_PAGE,
            "include_content": "true",
        }
        pages, failures = self._requests.fetch("news", "/news", "news", wanted, fields)
        return _partial(_stories.read_news(pages, wanted, start, end, NAME), failures)

    def quotes(self, symbols: Sequence[str]) -> pl.DataFrame:
        """Return the latest quote of each symbol, with sizes as the feed delivers them.

        Raises
        ------
        PartialAnswerError
            Some symbols have no quote.
        """
        wanted = list(dict.fromkeys(symbols))
        feed = self.parameters.feed
        pages, failures = self._requests.fetch("stocks", "/stocks/quotes/latest", "quotes", wanted, {"feed": feed})
        rows = _stories.read_quotes(pages, NAME, feed)
        absent = [symbol for symbol in wanted if symbol not in failures and symbol not in set(rows["symbol"])]
        if absent:
            failures |= _assets.explain_absence(
                absent, _assets.read_assets(self._requests.client), absent, "the latest quotes"
            )
        return _partial(rows, failures)


def _partial(rows: pl.DataFrame, failures: Mapping[str, SourceError]) -> pl.DataFrame:
    if failures:
        raise PartialAnswerError(rows, failures)
    return rows
