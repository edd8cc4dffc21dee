"""Made-up bars of real sessions: long enough for every look-back, with splits and a pause in trading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl

from trading_assets.desk.calendar import session_open, sessions
from trading_assets.features.compute import compute
from trading_assets.features.feature_set import FeatureSet, Interval
from trading_assets.features.statistical.market import market_returns

EXCHANGE = "XNYS"
_ACTIONS = {"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64}
_STEPS = {"minute": timedelta(minutes=1), "hourly": timedelta(hours=1)}
_A_SESSION = {"minute": 60, "hourly": 7}


@dataclass(frozen=True)
class MadeBars:
    """Bars and corporate actions, and the sessions whose features are compared.

    Attributes
    ----------
    interval
        What a bar is.
    bars
        symbol, date, (ts,) open, high, low, close, volume.
    actions
        symbol, ex_date, kind, value.
    start, end
        First and last session whose features are compared.
    """

    interval: Interval
    bars: pl.DataFrame
    actions: pl.DataFrame
    start: date
    end: date

    @property
    def time(self) -> str:
        """Column that says when a bar is known."""
        return "date" if self.interval == "daily" else "ts"

    @property
    def inputs(self) -> dict[str, pl.DataFrame]:
        """Frames that features are computed from."""
        return {"bars": self.bars, "actions": self.actions}

    @property
    def known_on(self) -> dict[str, str]:
        """Column of each frame that says when a row became known."""
        return {"bars": self.time, "actions": "ex_date"}

    @property
    def key(self) -> list[str]:
        """Columns that identify a row."""
        return ["symbol", self.time]

    def features(
        self, sets: Sequence[FeatureSet], frames: Mapping[str, pl.DataFrame], history: int | None = None
    ) -> pl.DataFrame:
        """Features of sets side by side: as they are stored, or with a history of choice in double precision."""
        bars, actions = frames["bars"], frames["actions"]
        market = market_returns(bars, actions) if any(one.needs_market for one in sets) else None
        found = compute(
            sets,
            bars,
            actions,
            start=self.start,
            end=self.end,
            interval=self.interval,
            exchange=EXCHANGE,
            market=market,
            history=history,
            dtype=np.float32 if history is None else np.float64,
        )
        key = found[sets[0].name].select(self.key)
        values = (found[one.name].select(list(one.of(self.interval))) for one in sets)
        return pl.concat([key, *values], how="horizontal")


def corporate_actions(*rows: tuple[str, date, str, float]) -> pl.DataFrame:
    """Corporate actions: symbol, ex_date, kind ("split" or "dividend"), value."""
    return pl.DataFrame(list(rows), schema=_ACTIONS, orient="row")


@cache
def made_bars(interval: Interval) -> MadeBars:
    """Three names, one that splits and one that does not trade for a while, with 2,100 bars before the last.

    A year of daily bars that includes a change of year, and two months of shorter ones: an hour of minutes of each
    session.
    """
    if interval == "daily":
        first, start, end = date(2008, 1, 2), date(2015, 7, 1), date(2016, 6, 30)
        moments: list[tuple[date, object]] = [(day, day) for day in sessions(EXCHANGE, first, end)]
        actions = corporate_actions(("B", date(2015, 9, 8), "split", 2.0), ("B", date(2016, 4, 1), "split", 0.5))
    else:
        first = date(2015, 12, 1) if interval == "minute" else date(2014, 12, 1)
        start, end = date(2016, 1, 19), date(2016, 2, 16)
        opens = {day: session_open(EXCHANGE, day) for day in sessions(EXCHANGE, first, end)}
        steps = range(_A_SESSION[interval])
        moments = [(day, moment + number * _STEPS[interval]) for day, moment in opens.items() for number in steps]
        actions = corporate_actions(("B", date(2016, 2, 9), "split", 2.0))
    bars = pl.concat([_bars(symbol, moments, seed) for seed, symbol in enumerate("ABC")])
    return MadeBars(interval, bars if interval != "daily" else bars.drop("ts"), actions, start, end)


def _bars(symbol: str, moments: Sequence[tuple[date, object]], seed: int) -> pl.DataFrame:
    random, count = np.random.default_rng(seed), len(moments)
    still = (np.arange(count) % 700 > 600) & (symbol == "C")  # noqa: PLR2004 - 100 bars of 700
    close = 50.0 * np.exp(np.cumsum(np.where(still, 0.0, random.normal(0.0, 0.02, count))))
    opened = np.where(still, close, close * np.exp(random.normal(0.0, 0.01, count)))
    spread = np.where(still, 1.0, np.exp(np.abs(random.normal(0.0, 0.01, count))))
    return pl.DataFrame(
        {
            "symbol": symbol,
            "date": [day for day, _ in moments],
            "ts": [moment for _, moment in moments],
            "open": opened,
            "high": np.maximum(opened, close) * spread,
            "low": np.minimum(opened, close) / spread,
            "close": close,
            "volume": np.where(still, 0, random.integers(10_000, 1_000_000, count) * 2),
        }
    )
