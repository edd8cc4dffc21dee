"""Simulated names with known properties: any number of them, daily or by the minute, with all events of real data.

Splits, dividends, gaps, late listings and delistings occur at given rates, and `signal_strength` plants a predictable
effect, so that a model with predictive power can be distinguished from one without.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from trading_assets.desk import calendar
from trading_assets.market_data.sources._simulated_daily import DailyPath, simulate_daily
from trading_assets.market_data.sources._simulated_minutes import MinuteBars, simulate_minutes
from trading_assets.market_data.sources._simulation import SimulatedMarket, SimulationParameters, market, stream
from trading_assets.market_data.sources.protocol import (
    CORPORATE_ACTIONS_SCHEMA,
    DAILY_BARS_SCHEMA,
    INTRADAY_BARS_SCHEMA,
    SYMBOLS_SCHEMA,
    Interval,
    bars_schema,
    check_interval,
    check_request,
)

__all__ = ["SimulatedSource", "SimulationParameters"]

_NAME = "simulated"
_MINUTES_STREAM = 5
_FIELDS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class SimulatedSource:
    """Deterministic raw bars and corporate actions; see `SimulationParameters` for what they depend on.

    Minute bars cover every minute of the session and add up to the daily bar exactly. An action is known from the close
    of the session before its ex-date, when its amount is fixed.
    """

    parameters: SimulationParameters = field(default_factory=SimulationParameters)

    @property
    def name(self) -> str:
        """The value of the column `source` in every answer."""
        return _NAME

    @property
    def offers(self) -> frozenset[str]:
        """Daily bars, minute bars and corporate actions."""
        return frozenset({"bars_daily", "bars_minute", "corporate_actions"})

    @property
    def is_remote(self) -> bool:
        """False: the bars are computed here."""
        return False

    def symbols(self) -> pl.DataFrame:
        """Return the names listed by the end; `delisted_on` is the first session without the name."""
        days = self._market.sessions
        rows = []
        for number in range(1, self.parameters.n_symbols + 1):
            path = self._path(number)
            traded = np.flatnonzero(path.has_bar)
            if len(traded):
                delisted_on = days[path.delisted].item() if path.delisted < len(days) else None
                rows.append((_symbol(number), days[traded[0]].item(), days[traded[-1]].item(), delisted_on))
        spans = pl.DataFrame(
            rows,
            schema=["symbol", "first_session", "last_session", "delisted_on"],
            orient="row",
            infer_schema_length=None,
        )
        return spans.select(
            "symbol",
            name=pl.format("Simulated {}", pl.col("symbol")),
            exchange=pl.lit(self.parameters.exchange),
            currency=pl.lit(self.parameters.currency),
            first_session="first_session",
            last_session="last_session",
            delisted_on=pl.col("delisted_on").cast(pl.Date),
            source=pl.lit(_NAME),
        ).match_to_schema(SYMBOLS_SCHEMA)

    def bars(self, symbols: Sequence[str], start: date, end: date, interval: Interval = "1d") -> pl.DataFrame:
        """Return raw bars of a day or a minute."""
        check_interval(_NAME, interval, ("1d", "1m"))
        wanted = self._wanted(symbols, start, end)
        make = self._daily if interval == "1d" else self._minutes
        frames = [make(symbol, path, start, end) for symbol, path in wanted]
        return pl.concat([bars_schema(interval).to_frame(), *frames])

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Return splits and cash dividends with an ex-date in the window."""
        frames = [self._actions(symbol, path, start, end) for symbol, path in self._wanted(symbols, start, end)]
        return pl.concat([CORPORATE_ACTIONS_SCHEMA.to_frame(), *frames])

    @property
    def _market(self) -> SimulatedMarket:
        p = self.parameters
        return market(p.seed, p.exchange, p.start, p.end)

    def _path(self, number: int) -> DailyPath:
        return simulate_daily(self.parameters, self._market, number)

    def _wanted(self, symbols: Sequence[str], start: date, end: date) -> Iterable[tuple[str, DailyPath]]:
        numbers = {_symbol(number): number for number in range(1, self.parameters.n_symbols + 1)}
        requested = check_request(_NAME, symbols, start, end, numbers)
        paths = {symbol: self._path(numbers[symbol]) for symbol in sorted(requested)}
        unlisted = {symbol for symbol, path in paths.items() if not path.has_bar.any()}
        check_request(_NAME, requested, start, end, numbers.keys() - unlisted)
        return paths.items()

    def _daily(self, symbol: str, path: DailyPath, start: date, end: date) -> pl.DataFrame:
        at = self._positions(path.has_bar, start, end)
        values = {name: getattr(path, name)[at] for name in _FIELDS}
        frame = pl.DataFrame({"date": self._market.sessions[at], **values})
        return _labelled(frame, symbol, DAILY_BARS_SCHEMA)

    def _minutes(self, symbol: str, path: DailyPath, start: date, end: date) -> pl.DataFrame:
        at = self._positions(path.has_bar, start, end)
        if not len(at):
            return INTRADAY_BARS_SCHEMA.to_frame()
        days = self._market.sessions[at]
        clock = calendar.session_minutes(self.parameters.exchange, days[0].item(), days[-1].item())
        clock = clock.filter(pl.col("date").is_in(days.tolist()))
        counts = clock.group_by("date", maintain_order=True).len()["len"].to_list()
        bars = [
            self._session_minutes(symbol, path, position, count) for position, count in zip(at, counts, strict=True)
        ]
        values = {name: np.concatenate([getattr(bar, name) for bar in bars]) for name in _FIELDS}
        return _labelled(
            clock.with_columns(pl.Series(name, value) for name, value in values.items()), symbol, INTRADAY_BARS_SCHEMA
        )

    def _session_minutes(self, symbol: str, path: DailyPath, position: int, minutes: int) -> MinuteBars:
        day: date = self._market.sessions[position].item()
        return simulate_minutes(
            stream(self.parameters.seed, _number(symbol), _MINUTES_STREAM, day.toordinal()),
            minutes,
            open_=float(path.open[position]),
            high=float(path.high[position]),
            low=float(path.low[position]),
            close=float(path.close[position]),
            volume=int(path.volume[position]),
        )

    def _actions(self, symbol: str, path: DailyPath, start: date, end: date) -> pl.DataFrame:
        frames = []
        for kind, value, happens in (
            ("split", path.ratio, path.ratio != 1.0),
            ("dividend", path.dividend, path.dividend > 0.0),
        ):
            at = self._positions(happens, start, end)
            frame = pl.DataFrame(
                {"ex_date": self._market.sessions[at], "value": value[at], "known_at": self._market.closes[at - 1]}
            )
            instant = pl.col("known_at").dt.replace_time_zone("UTC")
            frames.append(_labelled(frame.with_columns(instant, kind=pl.lit(kind)), symbol, CORPORATE_ACTIONS_SCHEMA))
        return pl.concat(frames).sort("ex_date", "kind")

    def _positions(self, mask: npt.NDArray[np.bool_], start: date, end: date) -> npt.NDArray[np.int64]:
        days = self._market.sessions
        first = int(np.searchsorted(days, np.datetime64(start), side="left"))
        last = int(np.searchsorted(days, np.datetime64(end), side="right"))
        return (first + np.flatnonzero(mask[first:last])).astype(np.int64)


def _labelled(frame: pl.DataFrame, symbol: str, schema: pl.Schema) -> pl.DataFrame:
    nothing = pl.lit(None, dtype=pl.String)
    origin = {"symbol": pl.lit(symbol), "source": pl.lit(_NAME), "raw": nothing}
    origin |= {"feed": nothing, "adjustment": pl.lit("none")}
    return frame.with_columns(**origin).select(*schema)


def _symbol(number: int) -> str:
    return f"SIM{number:04d}"


def _number(symbol: str) -> int:
    return int(symbol.removeprefix("SIM"))
