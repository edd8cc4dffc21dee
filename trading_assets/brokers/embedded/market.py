"""Prices of the broker: what the lake's daily bars, corporate actions and listings are at a moment.

Within a session the price follows a path that the daily bar fixes: it starts at the open, is at the low after a third
and at the high after two thirds of the session if the close is not below the open, first at the high and then at the
low otherwise, and ends at the close; it is linear in between. Any moment has one price, and the moment at which the
path crosses a limit is exact. A session whose bars the lake does not have has no prices, and nothing trades in it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import polars as pl

from trading_assets.brokers.embedded.sessions import TradingCalendar, TradingSession, segment, third_points
from trading_assets.lake import Lake
from trading_assets.lake.store.frames import LakeFrame
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS, LISTINGS, SYMBOLS

_AHEAD = timedelta(days=100)
_BEHIND = timedelta(days=12)
_NEVER = TradingSession(date.min, datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))
_COLUMNS = ("symbol", "date", "open", "high", "low", "close", "volume")


class Bar(NamedTuple):
    """A raw daily bar; prices in currency per share, volume in shares."""

    open: float
    high: float
    low: float
    close: float
    volume: float

    def path(self) -> tuple[float, float, float, float]:
        """Prices at the open, after each third of the session, and at the close."""
        turns = (self.low, self.high) if self.close >= self.open else (self.high, self.low)
        return (self.open, *turns, self.close)


class Listing(NamedTuple):
    """A row of `market_data.symbols`, and what holders received at its delisting, as a return from its last close."""

    name: str | None
    exchange: str
    first_session: date
    delisted_on: date | None
    delisting_return: float = 0.0

    def is_known(self, day: date) -> bool:
        """Whether the symbol has been listed by a day."""
        return self.first_session <= day

    def is_active(self, day: date) -> bool:
        """Whether the symbol is listed on a day."""
        return self.is_known(day) and (self.delisted_on is None or day < self.delisted_on)


class Actions(NamedTuple):
    """Corporate actions that take effect at an open: split ratio and dividend per new share, by symbol."""

    split: dict[str, float]
    dividend: dict[str, float]


def path_price(bar: Bar, session: TradingSession, moment: datetime) -> float:
    """Price of a bar's path at a moment of its session, in currency per share."""
    index, part = segment(session, moment)
    prices = bar.path()
    if part in {0.0, 1.0}:
        return prices[index + int(part)]
    return prices[index] + (prices[index + 1] - prices[index]) * part


def crossing(bar: Bar, session: TradingSession, after: datetime, level: float, *, falls: bool) -> datetime | None:
    """First moment from `after` on at which the path is at `level` or beyond it.

    Parameters
    ----------
    bar, session
        The bar and its session.
    after : datetime.datetime
        Moment within the session.
    level : float
        Price in currency per share.
    falls : bool
        Whether the path has to be at or below the level; at or above it otherwise.

    Returns
    -------
    datetime.datetime or None
        None where the path does not get there before the close.
    """
    points, prices = third_points(session), bar.path()
    sign = 1.0 if falls else -1.0
    if sign * (path_price(bar, session, after) - level) <= 0:
        return after
    for index in range(3):
        end, last = points[index + 1], prices[index + 1]
        if end <= after or sign * (last - level) > 0:
            continue
        first = prices[index]
        part = (level - first) / (last - first) if last != first else 0.0
        moment = points[index] + (end - points[index]) * min(max(part, 0.0), 1.0)
        return max(moment, after)
    return None


class LakeMarket:
    """Prices, volumes and corporate actions of the lake, read in spans of sessions.

    Parameters
    ----------
    lake : Lake
        Where the bars are.
    sessions : TradingCalendar
        The exchange's calendar.
    """

    def __init__(self, lake: Lake, sessions: TradingCalendar) -> None:
        self.lake = lake
        self.sessions = sessions
        self._version = -1
        self._moment: tuple[datetime | None, tuple[TradingSession | None, TradingSession]]
        self.forget()

    def forget(self) -> None:
        """Discard all cached data; it is read again when needed."""
        self._moment = (None, (None, _NEVER))
        self._bars: dict[date, dict[str, Bar]] = {}
        self._span: tuple[date, date] | None = None
        self._rests: dict[tuple[str, date], float | None] = {}
        self._closes: dict[tuple[str, date], tuple[date, float] | None] = {}
        self._listings: dict[str, Listing] | None = None
        self._actions: dict[date, list[tuple[str, str, float]]] | None = None

    def refresh(self) -> None:
        """Notice what has been written to the lake since."""
        version = self.lake.table_snapshot(BARS_DAILY.table, CORPORATE_ACTIONS.table, LISTINGS.table, SYMBOLS.table)
        if version != self._version:
            self.forget()
            self._version = version

    def listings(self) -> dict[str, Listing]:
        """All symbols of the lake, those of the future included."""
        if self._listings is None:
            rows = LakeFrame(self.lake, SYMBOLS).read(["symbol", "name", "exchange", "first_session", "delisted_on"])
            ended = LakeFrame(self.lake, LISTINGS).read(["symbol", "date", "value"], kind="delisting").sort("date")
            returns = {symbol: value or 0.0 for symbol, _, value in ended.iter_rows()}
            rows = rows.with_columns(
                earned=pl.col("symbol").replace_strict(returns, default=0.0, return_dtype=pl.Float64)
            )
            self._listings = {symbol: Listing(*row) for symbol, *row in rows.rows()}
        return self._listings

    def bars(self, day: date) -> dict[str, Bar]:
        """Bars of one session by symbol."""
        if self._span is None or not self._span[0] <= day <= self._span[1]:
            self._load(day - _BEHIND, day + _AHEAD)
        return self._bars.get(day, {})

    def bar(self, symbol: str, day: date) -> Bar | None:
        """Bar of a symbol, None if it did not trade."""
        return self.bars(day).get(symbol)

    def price(self, symbol: str, moment: datetime) -> float | None:
        """Price at a moment: on the path while the symbol trades, otherwise the last close in shares of the moment.

        Returns
        -------
        float or None
            Currency per share; None before the symbol's first bar.
        """
        session, closed = self._phase(moment)
        if session is not None:
            bar = self.bar(symbol, session.date)
            if bar is not None:
                return path_price(bar, session, moment)
        return self._price_at_rest(symbol, closed, session or closed)

    def _phase(self, moment: datetime) -> tuple[TradingSession | None, TradingSession]:
        """The session that trades at a moment, and the last one that is over; cached for the prices of one moment."""
        if self._moment[0] != moment:
            self._moment = (moment, (self.sessions.at(moment), self.sessions.last_closed(moment)))
        return self._moment[1]

    def _price_at_rest(self, symbol: str, closed: TradingSession, begun: TradingSession) -> float | None:
        """Last close in the shares of the last session that has begun."""
        key = (symbol, begun.date)
        if key not in self._rests:
            found = self.last_close(symbol, closed.date)
            price = None
            if found is not None:
                day, price = found
                for later in self.sessions.between(day + timedelta(days=1), begun.date):
                    price /= self.actions(later).split.get(symbol, 1.0)
            self._rests[key] = price
        return self._rests[key]

    def last_close(self, symbol: str, day: date) -> tuple[date, float] | None:
        """Last close up to the end of a day, with its session; raw, in the shares of that session."""
        bar = self.bar(symbol, day)
        if bar is not None:
            return day, bar.close
        key = (symbol, day)
        if key not in self._closes:
            self._closes[key] = self._earlier_close(symbol, day)
        return self._closes[key]

    def actions(self, session: TradingSession) -> Actions:
        """Corporate actions that take effect at a session's open.

        An ex-date between sessions takes effect at the next one; splits of one session multiply, dividends add up.
        """
        known, found = self._known_actions(), Actions({}, {})
        day = self.sessions.before(session).date
        while day < session.date:
            day += timedelta(days=1)
            for symbol, kind, value in known.get(day, ()):
                if kind == "split":
                    found.split[symbol] = found.split.get(symbol, 1.0) * value
                else:
                    found.dividend[symbol] = found.dividend.get(symbol, 0.0) + value
        return found

    def splits(self, symbol: str) -> list[tuple[datetime, float]]:
        """Splits of a symbol: the open at which each takes effect, and its ratio; those of the future included."""
        return [
            (self._effective(day).open, value)
            for day, actions in self._known_actions().items()
            for name, kind, value in actions
            if name == symbol and kind == "split"
        ]

    def daily(self, symbols: list[str], start: date, end: date) -> pl.DataFrame:
        """Raw bars of symbols from `start` to `end`, both included, sorted by symbol and date."""
        return LakeFrame(self.lake, BARS_DAILY).read(_COLUMNS, start=start, end=end, symbol=symbols)

    def _known_actions(self) -> dict[date, list[tuple[str, str, float]]]:
        if self._actions is None:
            rows = LakeFrame(self.lake, CORPORATE_ACTIONS).read(["ex_date", "symbol", "kind", "value"])
            self._actions = {}
            for day, symbol, kind, value in rows.sort("ex_date", "symbol", "kind", "value").rows():
                self._actions.setdefault(day, []).append((symbol, kind, value))
        return self._actions

    def _effective(self, day: date) -> TradingSession:
        """The session at whose open an action of an ex-date takes effect."""
        return self.sessions.on(day) or self.sessions.next(datetime.combine(day, time(12), self.sessions.zone))

    def _load(self, start: date, end: date) -> None:
        rows = LakeFrame(self.lake, BARS_DAILY).read(_COLUMNS, start=start, end=end)
        self._span, self._bars = (start, end), {}
        for symbol, day, *values in rows.rows():
            self._bars.setdefault(day, {})[symbol] = Bar(*map(float, values))

    def _earlier_close(self, symbol: str, day: date) -> tuple[date, float] | None:
        held = [known for known, bars in self._bars.items() if known <= day and symbol in bars]
        if held:
            return max(held), self._bars[max(held)][symbol].close
        rows = LakeFrame(self.lake, BARS_DAILY).read(["date", "close"], end=day, symbol=symbol).tail(1).rows()
        return (rows[0][0], float(rows[0][1])) if rows else None
