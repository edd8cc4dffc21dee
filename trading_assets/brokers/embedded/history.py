"""Market data of the past: bars, quotes and trades as they were known at a moment.

A daily bar is there once its session has closed. Within sessions, bars of minutes and hours, quotes and trades follow
the price path of `market`: one quote and one trade a minute, the session's volume spread evenly over it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from trading_assets.brokers.embedded.market import Bar, LakeMarket, path_price
from trading_assets.brokers.embedded.payloads import moment
from trading_assets.brokers.embedded.refusals import ApiError
from trading_assets.brokers.embedded.sessions import TradingSession, third_points

_CHUNK = 50  # symbols read at once
_MINUTE = timedelta(minutes=1)
_UNITS = {"Min": _MINUTE, "T": _MINUTE, "Hour": timedelta(hours=1), "H": timedelta(hours=1)}
_SHARES_PER_TRADE = 100

Row = tuple[str, datetime, dict[str, Any]]


class Timeframe(NamedTuple):
    """Length of a bar: a number of days, weeks or months, or a span of time within a session."""

    number: int
    unit: str

    @property
    def span(self) -> timedelta | None:
        """Length within a session, None for days and longer."""
        step = _UNITS.get(self.unit)
        return None if step is None else step * self.number


def timeframe_of(text: str | None) -> Timeframe:
    """Read a timeframe such as 5Min, 1Hour, 1Day, 1Week or 1Month.

    Raises
    ------
    ApiError
        400: something else.
    """
    match = re.fullmatch(r"(\d+)(Min|T|Hour|H|Day|D|Week|W|Month|M)", text or "")
    if match is None or int(match[1]) < 1:
        raise ApiError(400, None, f"invalid timeframe {text!r}: use for instance 5Min, 1Hour, 1Day, 1Week or 1Month")
    found = Timeframe(int(match[1]), match[2])
    if found.span is None and found.number != 1:
        raise ApiError(400, None, f"invalid timeframe {text!r}: days, weeks and months come one at a time")
    return found


@dataclass(frozen=True)
class History:
    """What can be seen of a market at a moment.

    Attributes
    ----------
    market : LakeMarket
        Prices.
    now : datetime.datetime
        Nothing later is visible.
    half_spread : callable
        Half of the bid-ask spread of quotes at a price, in currency per share.
    """

    market: LakeMarket
    now: datetime
    half_spread: Callable[[float], float]

    def bars(
        self, symbols: list[str], timeframe: Timeframe, start: datetime, end: datetime, *, is_adjusted: bool
    ) -> Iterator[Row]:
        """Bars by symbol and time; split-adjusted ones are in the shares of now."""
        for first in range(0, len(symbols), _CHUNK):
            chunk = symbols[first : first + _CHUNK]
            frame = self.market.daily(chunk, start.date() - timedelta(days=32), end.date())
            daily: dict[str, list[tuple[date, Bar]]] = {symbol: [] for symbol in chunk}
            for symbol, day, *values in frame.rows():
                daily[symbol].append((day, Bar(*map(float, values))))
            for symbol in chunk:
                known = [(self.market.sessions.on(day), bar) for day, bar in daily[symbol]]
                splits = self._splits(symbol) if is_adjusted else []
                for at, bar in self._bars(timeframe, [(s, b) for s, b in known if s is not None]):
                    if start <= at <= end:
                        yield symbol, at, bar_payload(at, _adjusted(bar, at, splits))

    def quotes(self, symbols: list[str], start: datetime, end: datetime) -> Iterator[Row]:
        """One quote a minute, by symbol and time."""
        for symbol, at, price, _ in self._minutes(symbols, start, end):
            yield symbol, at, quote_payload(at, price, self.half_spread(price))

    def trades(self, symbols: list[str], start: datetime, end: datetime) -> Iterator[Row]:
        """One trade a minute, by symbol and time."""
        for symbol, at, price, shares in self._minutes(symbols, start, end):
            yield symbol, at, trade_payload(at, price, shares)

    def last_price(self, symbol: str) -> tuple[datetime, float] | None:
        """Last price and its time, None for a symbol that is not known by now."""
        listing = self.market.listings().get(symbol)
        price = self.market.price(symbol, self.now)
        if listing is None or price is None:
            return None
        session = self.market.sessions.at(self.now)
        if session is not None and self.market.bar(symbol, session.date) is not None:
            return self.now, price
        found = self.market.last_close(symbol, self.market.sessions.last_closed(self.now).date)
        last = self.market.sessions.on(found[0]) if found else None
        return (last.close if last else self.now), price

    def minute_bar(self, symbol: str) -> dict[str, Any] | None:
        """The last complete bar of a minute."""
        session = self.market.sessions.at(self.now) or self.market.sessions.last_closed(self.now)
        bar = self.market.bar(symbol, session.date)
        complete = min(self.now, session.close) - session.open
        if bar is None or complete < _MINUTE:
            return None
        start = session.open + (complete // _MINUTE - 1) * _MINUTE
        return bar_payload(start, part_of_bar(bar, session, start, start + _MINUTE))

    def days(self, symbol: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """Bar of the session so far, or of the last one while the market is closed, and of the one before."""
        sessions = self.market.sessions
        session = sessions.at(self.now)
        current = session or sessions.last_closed(self.now)
        bars = []
        for item in (current, sessions.before(current)):
            bar = self.market.bar(symbol, item.date)
            if bar is not None and item is session:
                bar = part_of_bar(bar, item, item.open, self.now)
            bars.append(None if bar is None else bar_payload(self._midnight(item.date), bar))
        return bars[0], bars[1]

    def _bars(self, timeframe: Timeframe, daily: list[tuple[TradingSession, Bar]]) -> Iterator[tuple[datetime, Bar]]:
        span = timeframe.span
        if span is not None:
            for session, bar in daily:
                yield from self._within(session, bar, span)
            return
        merged: dict[date, Bar] = {}
        for session, bar in daily:
            if session.close <= self.now:
                day = _first_day(session.date, timeframe.unit)
                merged[day] = _merged(merged[day], bar) if day in merged else bar
        for day, bar in merged.items():
            yield self._midnight(day), bar

    def _within(self, session: TradingSession, bar: Bar, span: timedelta) -> Iterator[tuple[datetime, Bar]]:
        start = session.open
        while start < session.close:
            end = min(start + span, session.close)
            if end > self.now:
                return
            yield start, part_of_bar(bar, session, start, end)
            start = end

    def _minutes(
        self, symbols: list[str], start: datetime, end: datetime
    ) -> Iterator[tuple[str, datetime, float, float]]:
        last = min(end, self.now)
        sessions = self.market.sessions.between(self.market.sessions.day(start), self.market.sessions.day(last))
        for symbol in symbols:
            for session in sessions:
                bar = self.market.bar(symbol, session.date)
                minutes = (session.close - session.open) // _MINUTE
                for minute in range(minutes if bar is not None else 0):
                    at = session.open + minute * _MINUTE
                    if bar is not None and start <= at <= last:
                        yield symbol, at, path_price(bar, session, at), bar.volume / minutes

    def _splits(self, symbol: str) -> list[tuple[datetime, float]]:
        return [(opened, ratio) for opened, ratio in self.market.splits(symbol) if opened <= self.now]

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.market.sessions.zone).astimezone(UTC)


def part_of_bar(bar: Bar, session: TradingSession, start: datetime, end: datetime) -> Bar:
    """The part of a daily bar between two moments of its session."""
    turns = [point for point in third_points(session) if start < point < end]
    prices = [path_price(bar, session, at) for at in (start, *turns, end)]
    part = (end - start) / (session.close - session.open)
    return Bar(prices[0], max(prices), min(prices), prices[-1], bar.volume * part)


def bar_payload(at: datetime, bar: Bar) -> dict[str, Any]:
    """A bar; `vw` is the mean of its four prices."""
    return {
        "t": moment(at), "o": bar.open, "h": bar.high, "l": bar.low, "c": bar.close, "v": bar.volume,
        "n": max(int(bar.volume // _SHARES_PER_TRADE), 1), "vw": (bar.open + bar.high + bar.low + bar.close) / 4,
    }  # fmt: skip


def quote_payload(at: datetime, price: float, half_spread: float) -> dict[str, Any]:
    """A quote: the price less and plus half of the spread, in currency per share."""
    return {"t": moment(at), "ax": "V", "ap": price + half_spread, "as": 1, "bx": "V", "bp": price - half_spread,
            "bs": 1,
            "c": ["R"], "z": "C"}  # fmt: skip


def trade_payload(at: datetime, price: float, shares: float) -> dict[str, Any]:
    """A trade."""
    return {"t": moment(at), "x": "V", "p": price, "s": shares, "c": ["@"], "i": int(at.timestamp()), "z": "C"}


def _adjusted(bar: Bar, at: datetime, splits: list[tuple[datetime, float]]) -> Bar:
    ratio = 1.0
    for opened, value in splits:
        if at.date() < opened.date():
            ratio *= value
    return Bar(bar.open / ratio, bar.high / ratio, bar.low / ratio, bar.close / ratio, bar.volume * ratio)


def _merged(first: Bar, then: Bar) -> Bar:
    high, low = max(first.high, then.high), min(first.low, then.low)
    return Bar(first.open, high, low, then.close, first.volume + then.volume)


def _first_day(day: date, unit: str) -> date:
    if unit in {"Week", "W"}:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit in {"Month", "M"} else day
