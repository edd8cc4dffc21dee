"""Alpaca as a source: what to ask for which symbols and window, and who could not be had."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any, Final

import polars as pl

from trading_assets.live.brokers.connection import DATA_URL, KEY_VARIABLES, URLS, Connection
from trading_assets.market_data import calendar
from trading_assets.market_data.sources.alpaca import _actions, _assets, _bars, _stories, _windows
from trading_assets.market_data.sources.alpaca._batches import ask_in_batches
from trading_assets.market_data.sources.alpaca._client import AlpacaClient
from trading_assets.market_data.sources.alpaca.parameters import AlpacaParameters
from trading_assets.market_data.sources.errors import (
    PartialAnswerError,
    SourceConfigError,
    SourceError,
    SourceFormatError,
)
from trading_assets.market_data.sources.protocol import (
    DAILY_BARS_SCHEMA,
    INTRADAY_BARS_SCHEMA,
    SYMBOLS_SCHEMA,
    Interval,
    bars_schema,
    check_interval,
    check_request,
)
from trading_assets.orchestration.clock import now as present

__all__ = ["AlpacaSource"]

_NAME: Final = "alpaca"
_TIMEFRAMES: Final = {"1d": "1Day", "1h": "30Min", "1m": "1Min"}
_READERS: Final = {"1d": _bars.daily_bars, "1h": _bars.hourly_bars, "1m": _bars.minute_bars}
_FIRST_DAY: Final = date(2016, 1, 1)  # Alpaca has no bars of earlier years
_SYMBOLS_A_CALL: Final = 100
_ROWS_A_PAGE, _ACTIONS_A_PAGE, _STORIES_A_PAGE = 10_000, 1_000, 50
_READ_SECONDS: Final = 30.0
# Alpaca selects corporate actions by the day it books them, which for a dividend is the payable date.
_BOOKED_BEFORE, _BOOKED_AFTER = timedelta(days=10), timedelta(days=120)
_A_DAY: Final = timedelta(days=1)
_STREAM_URL: Final = "wss://stream.data.alpaca.markets"
_ENDED: Final = datetime.max.replace(tzinfo=UTC)  # a bar of the stream has ended, whatever the clock here says


class AlpacaSource:
    """Alpaca's market data of US equities, raw, from one feed.

    The keys come from ALPACA_KEY_ID and ALPACA_SECRET_KEY when it is first asked. A ticker means the company that has
    it today: Alpaca counts the bars under that company's earlier tickers among its own.

    Parameters
    ----------
    parameters
        Its settings.
    environment
        Where the keys are.
    now
        The present: bars that end later are not there yet.
    """

    def __init__(
        self,
        parameters: AlpacaParameters,
        *,
        environment: Mapping[str, str] = os.environ,
        now: Callable[[], datetime] = present,
    ) -> None:
        self.parameters = parameters
        self._environment = environment
        self._now = now

    def __repr__(self) -> str:
        return f"AlpacaSource({self.parameters!r})"

    @property
    def name(self) -> str:
        """The value of the column `source` in every answer."""
        return _NAME

    @property
    def offers(self) -> frozenset[str]:
        """Bars of all intervals, corporate actions, listings, news and quotes."""
        return frozenset(
            {"bars_daily", "bars_hourly", "bars_minute", "corporate_actions", "listings", "news", "quotes"}
        )

    @property
    def is_remote(self) -> bool:
        """True: only what is not stored yet is asked for."""
        return True

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

    def symbols(self) -> pl.DataFrame:
        """Return one row per symbol with its span: sessions of its first and last bar at Alpaca, from 2016 on.

        Raises
        ------
        PartialAnswerError
            Alpaca does not know some of the symbols of the settings, or has no bars of them.
        """
        assets = _assets.read_assets(self._client)
        settings = self.parameters
        wanted = _assets.tradable(assets) if settings.symbols is None else list(dict.fromkeys(settings.symbols))
        known = [symbol for symbol in wanted if symbol in assets]
        today = _windows.local_date(self._exchange, self._now())
        ends, failures = self._spans(known, today)
        window = f"{_FIRST_DAY}..{today}"
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
                source=pl.lit(_NAME),
            )
            .select(*SYMBOLS_SCHEMA)
            .sort("symbol")
        )
        return _partial(rows, failures)

    def bars(self, symbols: Sequence[str], start: date, end: date, interval: Interval = "1d") -> pl.DataFrame:
        """Return raw bars of regular sessions that have ended.

        Hourly bars are counted from the open. Minute and hourly bars do not hold the closing auction, which Alpaca
        counts to the minute after the close; the daily bar does.

        Raises
        ------
        PartialAnswerError
            Some symbols are unknown, no longer trade, or have nothing though they should; or an outage began half-way.
        """
        check_interval(_NAME, interval, tuple(_TIMEFRAMES))
        wanted = check_request(_NAME, symbols, start, end, symbols)
        first, last = _windows.moments(self._exchange, start, end)
        rows, failures = self._bars(wanted, first, last, interval)
        absent = [symbol for symbol in wanted if symbol not in failures and symbol not in set(rows["symbol"])]
        if absent and _windows.has_ended_session(self._exchange, start, end, self._now()):
            failures |= self._absences(absent, start, end)
        return _partial(rows, failures)

    def minute_bars(self, symbols: Sequence[str], first: datetime, last: datetime) -> pl.DataFrame:
        """Return raw minute bars of regular sessions that start in a span and have ended.

        Raises
        ------
        PartialAnswerError
            Alpaca refuses some symbols, or an outage began half-way. A symbol without bars is no error here.
        """
        if not _windows.trades_between(self._exchange, first, last):
            return INTRADAY_BARS_SCHEMA.to_frame()
        return _partial(*self._bars(list(dict.fromkeys(symbols)), first, last, "1m"))

    def streamed_bars(self, bars: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
        """Return minute bars of regular sessions from messages of Alpaca's stream, in their order, as `bars` does."""
        read = _bars.read_rows({bar["S"]: [{**bar, "t": bar["t"].to_datetime().isoformat()}]} for bar in bars)
        return self._with_origin(_bars.minute_bars(read, self._exchange, _ENDED), "1m")

    def stream_url(self) -> str:
        """Where the stream of the feed is."""
        base = self.parameters.url.rstrip("/").replace("http", "ws", 1) if self.parameters.url else _STREAM_URL
        return f"{base}/v2/{self.parameters.feed}"

    def market_time(self) -> datetime:
        """What time it is for Alpaca."""
        answer = self._client.get("trading", "/clock", {})
        try:
            return datetime.fromisoformat(answer["timestamp"]).astimezone(UTC)
        except (KeyError, TypeError, ValueError):
            raise SourceFormatError("source 'alpaca', asked for clock: the answer has no time; try later.") from None

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Return splits, stock dividends as splits, and cash dividends.

        `known_at` is midnight UTC at the start of the ex-date: Alpaca does not say when an action was announced.
        """
        wanted, (pages, failures) = self._actions(symbols, start, end, _actions.ACTION_TYPES)
        return _partial(_actions.read_actions(pages, wanted, start, end, _NAME), failures)

    def listings(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Return renames, removals and mergers; when a name was first listed Alpaca does not say."""
        wanted, (pages, failures) = self._actions(symbols, start, end, _actions.LISTING_TYPES)
        return _partial(_actions.read_listings(pages, wanted, start, end, _NAME), failures)

    def news(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Return stories that name the symbols, in the wording that became known in the window (days in UTC)."""
        wanted = check_request(_NAME, symbols, start, end, symbols)
        fields = {
            "start": _text(datetime.combine(start, time(), UTC)),
            "end": _text(datetime.combine(end + _A_DAY, time(), UTC) - timedelta(microseconds=1)),
            "sort": "asc",
            "limit": _STORIES_A_PAGE,
            "include_content": "true",
        }
        pages, failures = self._ask("news", "/news", "news", wanted, fields)
        return _partial(_stories.read_news(pages, wanted, start, end, _NAME), failures)

    def quotes(self, symbols: Sequence[str]) -> pl.DataFrame:
        """Return the latest quote of each symbol; sizes are as the feed delivers them.

        Raises
        ------
        PartialAnswerError
            Some symbols have no quote.
        """
        wanted = list(dict.fromkeys(symbols))
        feed = self.parameters.feed
        pages, failures = self._ask("stocks", "/stocks/quotes/latest", "quotes", wanted, {"feed": feed})
        rows = _stories.read_quotes(pages, _NAME, feed)
        absent = [symbol for symbol in wanted if symbol not in failures and symbol not in set(rows["symbol"])]
        if absent:
            failures |= _assets.explain_absence(absent, _assets.read_assets(self._client), absent, "the latest quotes")
        return _partial(rows, failures)

    @cached_property
    def _client(self) -> AlpacaClient:
        return AlpacaClient(
            self.connection(),
            feed=self.parameters.feed,
            requests_per_minute=self.parameters.requests_per_minute,
            read_seconds=_READ_SECONDS,
            now=self._now,
        )

    @property
    def _exchange(self) -> str:
        return self.parameters.exchange

    def _bars(
        self, symbols: Sequence[str], first: datetime, last: datetime, interval: Interval
    ) -> tuple[pl.DataFrame, dict[str, SourceError]]:
        pages, failures = self._bar_pages(symbols, first, last, _TIMEFRAMES[interval])
        read = _READERS[interval](_bars.read_rows(pages), self._exchange, self._now())
        rows = self._with_origin(read, interval)
        return rows.sort("symbol", "date" if interval == "1d" else "ts", maintain_order=True), failures

    def _with_origin(self, read: pl.DataFrame, interval: Interval) -> pl.DataFrame:
        origin = {"source": pl.lit(_NAME), "feed": pl.lit(self.parameters.feed), "adjustment": pl.lit("none")}
        return _bars.whole_shares(read.with_columns(**origin)).select(*bars_schema(interval))

    def _bar_pages(
        self, symbols: Sequence[str], first: datetime, last: datetime, timeframe: str
    ) -> tuple[list[Any], dict[str, SourceError]]:
        last = min(last, self._now())
        if first > last:
            return [], {}
        fields = {
            "timeframe": timeframe,
            "start": _text(first),
            "end": _text(last),
            "limit": _ROWS_A_PAGE,
            "adjustment": "raw",
            "feed": self.parameters.feed,
        }
        return self._ask("stocks", "/stocks/bars", "bars", symbols, fields)

    def _actions(
        self, symbols: Sequence[str], start: date, end: date, types: Sequence[str]
    ) -> tuple[list[str], tuple[list[Any], dict[str, SourceError]]]:
        wanted = check_request(_NAME, symbols, start, end, symbols)
        fields = {
            "types": ",".join(types),
            "start": (start - _BOOKED_BEFORE).isoformat(),
            "end": (end + _BOOKED_AFTER).isoformat(),
            "limit": _ACTIONS_A_PAGE,
            "sort": "asc",
        }
        return wanted, self._ask("corporate_actions", "/corporate-actions", "corporate_actions", wanted, fields)

    def _ask(
        self, api: Any, path: str, name: str, symbols: Sequence[str], fields: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, SourceError]]:
        def ask(batch: Sequence[str]) -> Iterator[Any]:
            return self._client.pages(api, path, name, {**fields, "symbols": ",".join(batch)})

        return ask_in_batches(symbols, ask, _SYMBOLS_A_CALL)

    def _spans(self, symbols: Sequence[str], today: date) -> tuple[pl.DataFrame, dict[str, SourceError]]:
        """First and last session with a bar: Alpaca's monthly bars say the months, its daily ones the days."""
        first, last = _windows.moments(self._exchange, _FIRST_DAY, today)
        pages, failures = self._bar_pages(symbols, first, last, "1Month")
        months = _assets.months_with_bars(_bars.read_rows(pages), self._exchange)
        frames = []
        for month, names in _assets.symbols_by_month(months):
            bounds = _windows.moments(self._exchange, month, _windows.last_of_month(month))
            rows, failed = self._bars(names, *bounds, "1d")
            frames.append(rows.select("symbol", "date"))
            failures |= failed
        days = pl.concat(frames) if frames else DAILY_BARS_SCHEMA.to_frame().select("symbol", "date")
        ends = days.drop_nulls().group_by("symbol").agg(
            first_session=pl.col("date").min(), last_session=pl.col("date").max()
        )  # fmt: skip
        return ends.filter(~pl.col("symbol").is_in(list(failures))).sort("symbol"), failures

    def _absences(self, symbols: Sequence[str], start: date, end: date) -> dict[str, SourceError]:
        """Why symbols have nothing, with one call for what Alpaca knows and one for when they traded."""
        first, last = _windows.moments(self._exchange, _FIRST_DAY, end)
        assets = _assets.read_assets(self._client)
        listed = [symbol for symbol in symbols if symbol in assets and assets[symbol].is_active]
        pages, failures = self._bar_pages(listed, first, last, "1Month") if listed else ([], {})
        traded = {symbol for page in pages for symbol, rows in page.items() if rows}
        return _assets.explain_absence(symbols, assets, traded, f"{start}..{end}") | failures


def _partial(rows: pl.DataFrame, failures: Mapping[str, SourceError]) -> pl.DataFrame:
    if failures:
        raise PartialAnswerError(rows, failures)
    return rows


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
