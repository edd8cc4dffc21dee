"""Laws of features on made-up bars of real sessions: nothing ahead, nothing beyond the look-back, no scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl

from trading_assets.desk.calendar import session_open, sessions
from trading_assets.features.compute import compute
from trading_assets.features.feature_set import FeatureSet, Interval
from trading_assets.features.statistical.market import market_returns
from trading_assets.point_in_time.lookahead import lookahead_violations, pick_cuts
from trading_assets.point_in_time.warm_up import warmup_violations
from trading_assets_tests.point_in_time.sample import actions

CUTS = 20
LENGTHS = (199, 399, 499, 999, 1999)
_ALL = 5_000
EXCHANGE = "XNYS"
PRICES = ("open", "high", "low", "close")
_STEPS = {"minute": timedelta(minutes=1), "hourly": timedelta(hours=1)}


@dataclass(frozen=True)
class Panel:
    """Bars and corporate actions, and the sessions whose features are looked at."""

    interval: Interval
    bars: pl.DataFrame
    actions: pl.DataFrame
    start: date
    end: date

    @property
    def time(self) -> str:
        return "date" if self.interval == "daily" else "ts"

    @property
    def inputs(self) -> dict[str, pl.DataFrame]:
        return {"bars": self.bars, "actions": self.actions}

    @property
    def known_on(self) -> dict[str, str]:
        return {"bars": self.time, "actions": "ex_date"}

    @property
    def key(self) -> list[str]:
        return ["symbol", self.time]

    def features(
        self, sets: Sequence[FeatureSet], frames: Mapping[str, pl.DataFrame], history: int | None = None
    ) -> pl.DataFrame:
        """All features of sets side by side: as they are stored, or with a history of choice in full precision."""
        bars, known = frames["bars"], frames["actions"]
        options = {"start": self.start, "end": self.end, "interval": self.interval, "exchange": EXCHANGE}
        if any(one.needs_market for one in sets):
            options["market"] = market_returns(bars, known)
        if history is not None:
            options |= {"history": history, "dtype": np.float64}
        found = compute(sets, bars, known, **options)
        key = found[sets[0].name].select(self.key)
        return pl.concat(
            [key, *(found[one.name].select(list(one.of(self.interval))) for one in sets)], how="horizontal"
        )


def sets_of(sets: Mapping[str, FeatureSet], interval: Interval) -> list[FeatureSet]:
    return [one for one in sets.values() if interval in one.intervals]


@cache
def panel(interval: Interval) -> Panel:
    """Three names, one that splits and one that rests and does not trade for a while, with 2,100 bars before the last.

    A year of daily bars with a turn of the year in it, and two months of shorter ones: an hour of minutes of each
    session.
    """
    if interval == "daily":
        first, start, end = date(2008, 1, 2), date(2015, 7, 1), date(2016, 6, 30)
        moments = [(day, day) for day in sessions(EXCHANGE, first, end)]
        splits = [("B", date(2015, 9, 8), "split", 2.0), ("B", date(2016, 4, 1), "split", 0.5)]
    else:
        first = date(2015, 12, 1) if interval == "minute" else date(2014, 12, 1)
        start, end = date(2016, 1, 19), date(2016, 2, 16)
        a_session = range(60) if interval == "minute" else range(7)
        days = sessions(EXCHANGE, first, end)
        opens = {day: session_open(EXCHANGE, day) for day in days}
        moments = [(day, opens[day] + number * _STEPS[interval]) for day in days for number in a_session]
        splits = [("B", date(2016, 2, 9), "split", 2.0)]
    bars = pl.concat([_bars(symbol, moments, seed) for seed, symbol in enumerate("ABC")])
    return Panel(interval, bars if interval != "daily" else bars.drop("ts"), actions(*splits), start, end)


def _bars(symbol: str, moments: Sequence[tuple[date, object]], seed: int) -> pl.DataFrame:
    random, count = np.random.default_rng(seed), len(moments)
    still = (np.arange(count) % 700 > 600) & (symbol == "C")
    close = 50.0 * np.exp(np.cumsum(np.where(still, 0.0, random.normal(0.0, 0.02, count))))
    opened = np.where(still, close, close * np.exp(random.normal(0.0, 0.01, count)))
    spread = np.where(still, 1.0, np.exp(np.abs(random.normal(0.0, 0.01, count))))
    columns = {
        "symbol": symbol,
        "date": [day for day, _ in moments],
        "ts": [moment for _, moment in moments],
        "open": opened,
        "high": np.maximum(opened, close) * spread,
        "low": np.minimum(opened, close) / spread,
        "close": close,
        "volume": np.where(still, 0, random.integers(10_000, 1_000_000, count) * 2),
    }
    return pl.DataFrame(columns)


def look_ahead(sets: Sequence[FeatureSet], interval: Interval) -> pl.DataFrame:
    """Values that change when the future of one of the cuts is taken away or falsified."""
    made = panel(interval)
    moments = made.bars.filter(pl.col("date").is_between(made.start, made.end))[made.time]
    return lookahead_violations(
        lambda frames: made.features(sets, frames),
        made.inputs,
        known_on=made.known_on,
        key=made.key,
        date_column=made.time,
        cuts=pick_cuts(moments, CUTS),
        poison_seed=11,
    )


def warm_up(
    sets: Sequence[FeatureSet], interval: Interval, lookback: Mapping[str, int] | None = None, probes: int = 1
) -> pl.DataFrame:
    """Values that change with the history before what each feature declares, in full precision."""
    made = panel(interval)
    moments = made.bars.filter(pl.col("date").is_between(made.start, made.end))[made.time].unique().sort()
    return warmup_violations(
        lambda frames: made.features(sets, frames, history=_ALL),
        made.inputs,
        history={"bars": made.time},
        lookback=lookback or {name: one.lookback for each in sets for name, one in each.of(interval).items()},
        probes=pick_cuts(moments, probes),
        key=made.key,
        date_column=made.time,
    )


def short_histories(sets: Sequence[FeatureSet], interval: Interval) -> pl.DataFrame:
    """Last values that some lengths of history change, of the features whose look-back is not longer."""
    made, found = panel(interval), []
    last = made.bars[made.time].max()
    full = made.features(sets, made.inputs, history=_ALL)
    declared = {name: one.lookback for each in sets for name, one in each.of(interval).items()}
    for rows in LENGTHS:
        columns = [*made.key, *(name for name, lookback in declared.items() if lookback <= rows)]
        found.append(
            warmup_violations(
                lambda frames, columns=columns: made.features(sets, frames, history=_ALL).select(columns),
                made.inputs,
                history={"bars": made.time},
                lookback=rows,
                probes=[last],
                key=made.key,
                date_column=made.time,
                computed=full.select(columns),
            )
        )
    return pl.concat(found)


def scale(sets: Sequence[FeatureSet], interval: Interval) -> list[str]:
    """Features that change when prices are four times as high and volumes a fourth."""
    made = panel(interval)
    scaled = made.bars.with_columns(pl.col(PRICES) * 4.0, volume=pl.col("volume").cast(pl.Float64) / 4.0)
    before = made.features(sets, made.inputs, history=_ALL)
    after = made.features(sets, replace(made, bars=scaled).inputs, history=_ALL)
    tolerance = 1e-9
    names = [name for name in before.columns if name not in made.key]
    differs = [
        ((pl.col(name) - after[name]).abs() > tolerance * pl.max_horizontal(pl.col(name).abs(), 1.0)).any().alias(name)
        for name in names
    ]
    return [name for name, wrong in before.select(differs).row(0, named=True).items() if wrong]
