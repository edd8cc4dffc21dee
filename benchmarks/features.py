"""Feature sets at work: a panel of daily bars, minute bars into the lake, and one new session through every set."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import panels
from benchmarks.desk import DATA, BenchDesk, opened, require
from benchmarks.measure import Comparison, Timing, repeat, scratch_lake

_REAL = DATA / "us_daily_2013_2018.parquet"
_FILINGS = DATA / "us_fundamentals_2015_2017.parquet"
_MEMBERS = DATA / "sp500_constituents"
_INPUTS = [f"market_data.{name}" for name in ("bars_daily", "corporate_actions", "companies", "fundamentals")]
# The end of a year: the partition that a new session belongs to is at its longest.
_YEAR, _NEW_DAYS = 2017, 5
_MINUTES, _OPEN, _N_NAMES, _N_SESSIONS = 390, 14 * 60 + 30, 46, 185
_MINUTE_SETS = ("technical", "price_action", "volatility", "calendar", "microstructure")
_MICROSECONDS_PER_MINUTE = 60_000_000


def daily(folder: Path) -> Timing:
    """All sets of daily bars for 505 names over five years, in memory."""
    del folder
    from trading_assets.features.catalogue import SHIPPED
    from trading_assets.features.compute import compute
    from trading_assets.features.statistical.market import market_returns

    bars, actions = panels.bars(), panels.no_actions()
    first, last = bars["date"][0], bars["date"][-1]
    sets = [one for one in SHIPPED if "daily" in one.intervals]

    def work() -> None:
        compute(sets, bars, actions, start=first, end=last, market=market_returns(bars, actions))

    return repeat(work, 3, rows=bars.height, warm=True)


def minute(folder: Path) -> Timing:
    """167+ features of 46 names x 72,000 minutes, from bars in the lake to features in the lake."""
    from trading_assets.features.build import Build
    from trading_assets.features.catalogue import SHIPPED
    from trading_assets.lake import LakeFrame, Scope
    from trading_assets.lake.store.writes import replace
    from trading_assets.market_data.contract import BARS_MINUTE, CORPORATE_ACTIONS

    sets = [one for one in SHIPPED if one.name in _MINUTE_SETS]
    bars = minute_bars()
    names = bars["symbol"].unique().sort().to_list()
    first, last = bars["date"][0], bars["date"][-1]
    scope = Scope({"symbol": tuple(names)}, "date", first, last.replace(month=last.month + 1, day=1))
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
    """One session more of 505 real names through every set, in Python and in SQL, with checks; bars not counted.

    The median of the last sessions of a year, one after the other; the parts are those of the median.
    """
    from trading_assets.features.catalogue import SHIPPED

    rows = pl.read_parquet(require(_REAL))
    days = rows.filter(pl.col("date").dt.year() == _YEAR)["date"].unique().sort().to_list()[-_NEW_DAYS - 1 :]
    prices, features = folder / "prices.parquet", [one.table() for one in SHIPPED if "daily" in one.intervals]
    rows.filter(pl.col("date") <= days[0]).write_parquet(prices)
    further = {"companies_path": _sectors(folder / "companies.parquet"), "fundamentals_path": require(_FILINGS)}
    with opened(folder, prices, further) as first:
        settings = first.settings.with_values(end=date(_YEAR + 1, 1, 1))
        desk = BenchDesk(settings, first.instance)
        desk.symbols()
        desk.run("refresh_panel", settings.start, days[0], _INPUTS)
        desk.run("refresh_panel", date(_YEAR - 1, 1, 1), days[0], features)
        desk.run("refresh_cross_section", days[0], days[0])
        reports = []
        for day in days[1:]:
            rows.filter(pl.col("date") <= day).write_parquet(prices)
            desk.symbols()
            desk.run("refresh_panel", day, day, _INPUTS)
            reports.append((desk.run("refresh_panel", day, day, features), desk.run("refresh_cross_section", day, day)))
    reports.sort(key=lambda pair: sum(report.seconds for report in pair))
    seconds = [sum(report.seconds for report in pair) for pair in reports]
    middle = reports[len(reports) // 2]
    orchestration = sum(report.orchestration_seconds for report in middle)
    parts = {"python": middle[0].seconds, "sql": middle[1].seconds}
    parts |= {"fastest": seconds[0], "slowest": seconds[-1]}
    parts["orchestration_share"] = orchestration / seconds[len(reports) // 2]
    return Timing(seconds, rows.filter(pl.col("date") == days[-1]).height, parts)


def _sectors(path: Path) -> Path:
    """Write the members of the S&P 500 with their sectors, each list known from its day on."""
    lists = sorted(require(_MEMBERS).glob("constituents_asof_*.csv"))
    days = [date.fromisoformat(file.stem.rpartition("_")[2]) for file in lists]
    found = [
        pl.read_csv(file, truncate_ragged_lines=True).select("Symbol", "Name", "Sector", known_on=pl.lit(day))
        for file, day in zip(lists, days, strict=True)
        if day.year <= _YEAR
    ]
    pl.concat(found).write_parquet(path)
    return path


COMPARISONS = (
    Comparison("features.daily", daily),
    Comparison("features.minute", minute),
    Comparison("features.one_new_day", one_new_day),
)
