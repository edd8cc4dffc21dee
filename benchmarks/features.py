"""Feature sets at work: a panel of daily bars, minute bars into the lake, and one new session through every set."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import panels
from benchmarks.desk import DATA, BenchDesk, opened, require
from benchmarks.measure import Comparison, Timing, repeat, scratch_lake

_REAL = DATA / "us_daily_2013_2018.parquet"
# A year all but over: its partition, which a new session makes anew, is as long as it gets.
_NEW_DAY = date(2017, 12, 28)
_MINUTES, _OPEN, _N_NAMES, _N_SESSIONS = 390, 14 * 60 + 30, 46, 185
_MINUTE_SETS = ("technical", "price_action", "volatility", "calendar", "microstructure")
_MICROSECONDS_PER_MINUTE = 60_000_000


def daily(folder: Path) -> Timing:
    """All sets of daily bars for 505 names over five years, in memory."""
    del folder
    from trading_assets.features.compute import compute
    from trading_assets.features.sets import SETS
    from trading_assets.features.statistical.market import market_returns

    bars, actions = panels.bars(), panels.no_actions()
    first, last = bars["date"][0], bars["date"][-1]
    sets = [one for one in SETS.values() if "daily" in one.intervals]

    def work() -> None:
        compute(sets, bars, actions, start=first, end=last, market=market_returns(bars, actions))

    return repeat(work, 3, rows=bars.height, warm=True)


def minute(folder: Path) -> Timing:
    """167+ features of 46 names x 72,000 minutes, from bars in the lake to features in the lake."""
    from trading_assets.features.build import Build
    from trading_assets.features.sets import SETS
    from trading_assets.lake import LakeFrame, Scope
    from trading_assets.lake.writes import replace
    from trading_assets.market_data.contract import BARS_MINUTE, CORPORATE_ACTIONS

    sets = [SETS[name] for name in _MINUTE_SETS]
    bars = minute_bars()
    names = bars["symbol"].unique().sort().to_list()
    first, last = bars["date"][0], bars["date"][-1]
    scope = Scope({"symbol": tuple(names)}, "date", first, last.replace(year=last.year + 1))
    with scratch_lake(folder) as lake:
        replace(lake, BARS_MINUTE, bars, scope)
        rows = bars.height
        del bars
        build = Build(sets, "minute", LakeFrame(lake, BARS_MINUTE), LakeFrame(lake, CORPORATE_ACTIONS), first, "XNYS")
        found = repeat(lambda: build.write(lake, scope, author="benchmark"), 1, rows=rows)
    columns = sum(len(one.of("minute")) for one in sets)
    return Timing(found.seconds, rows, {"columns": columns})


def minute_bars() -> pl.DataFrame:
    """Minutes whose closes are random walks."""
    shape = (_N_NAMES, _N_SESSIONS * _MINUTES)
    random = np.random.default_rng(7)
    close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.0005, shape), axis=1)).ravel()
    opened_at = close * np.exp(random.normal(0.0, 0.0002, close.size))
    days = pl.Series("date", panels.sessions(_N_SESSIONS))
    starts = days.cast(pl.Datetime("us", "UTC")).to_physical().to_numpy()
    times = (starts[:, None] + (_OPEN + np.arange(_MINUTES)) * _MICROSECONDS_PER_MINUTE).ravel()
    return pl.DataFrame(
        {
            "symbol": np.repeat([f"S{number:04d}" for number in range(_N_NAMES)], shape[1]),
            "date": np.tile(np.repeat(days.to_numpy(), _MINUTES), _N_NAMES),
            "ts": np.tile(times, _N_NAMES),
            "open": opened_at,
            "high": np.maximum(opened_at, close) * np.exp(np.abs(random.normal(0.0, 0.0002, close.size))),
            "low": np.minimum(opened_at, close) * np.exp(-np.abs(random.normal(0.0, 0.0002, close.size))),
            "close": close,
            "volume": random.integers(100, 90_000, close.size),
        }
    ).with_columns(
        pl.col("date").cast(pl.Date),
        pl.col("ts").cast(pl.Datetime("us", "UTC")),
        source=pl.lit("made up"),
        feed=pl.lit(None, dtype=pl.String),
        adjustment=pl.lit("none"),
    )


def one_new_day(folder: Path) -> Timing:
    """One session more of 505 real names through every set, in Python and in SQL, with checks; bars not counted."""
    from trading_assets.features.contract import DAILY

    rows = pl.read_parquet(require(_REAL)).filter(pl.col("date") <= _NEW_DAY)
    prices = folder / "prices.parquet"
    rows.filter(pl.col("date") < _NEW_DAY).write_parquet(prices)
    with opened(folder, prices) as first:
        settings = first.settings.with_values(end=date(_NEW_DAY.year + 1, 1, 1))
        desk = BenchDesk(settings, first.instance)
        desk.symbols()
        desk.run("refresh_panel", settings.start, _NEW_DAY, ["market_data.bars_daily", "market_data.corporate_actions"])
        features = [contract.table for contract in DAILY.values()]
        desk.run("refresh_panel", _NEW_DAY.replace(year=_NEW_DAY.year - 1), _NEW_DAY, features)
        desk.run("refresh_cross_section", _NEW_DAY, _NEW_DAY)
        rows.write_parquet(prices)
        desk.symbols()
        desk.run("refresh_panel", _NEW_DAY, _NEW_DAY, ["market_data.bars_daily", "market_data.corporate_actions"])
        reports = [
            desk.run("refresh_panel", _NEW_DAY, _NEW_DAY, features),
            desk.run("refresh_cross_section", _NEW_DAY, _NEW_DAY),
        ]
    seconds = sum(report.seconds for report in reports)
    orchestration = sum(report.orchestration_seconds for report in reports)
    parts = {"python": reports[0].seconds, "sql": reports[1].seconds, "orchestration_share": orchestration / seconds}
    return Timing([seconds], rows.filter(pl.col("date") == _NEW_DAY).height, parts)


COMPARISONS = (
    Comparison("features.daily", daily),
    Comparison("features.minute", minute),
    Comparison("features.one_new_day", one_new_day),
)
