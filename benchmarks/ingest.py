"""Real daily bars from files into the lake, by the runs that a desk makes: many names at once, then one new session.

The growth is the ratio of 7,072 names over two years (3.1 million rows) to half of them, each into a lake of its own.
"""

import time
from datetime import date
from pathlib import Path

import polars as pl

from benchmarks.desk import DATA, BenchDesk, opened, require
from benchmarks.measure import Comparison, Timing
from trading_assets.desk.clock import now
from trading_assets.desk.desk import Desk
from trading_assets.market_data.contract import BARS_DAILY
from trading_assets.orchestration.refresh import StageReport

_MANY, _FEW = DATA / "us_daily_2015_2017.parquet", DATA / "us_daily_2013_2018.parquet"


def _bars(desk: BenchDesk, first: date, last: date) -> StageReport:
    return desk.run("refresh_panel", first, last, [BARS_DAILY.table])


def _ingested(folder: Path, prices: Path) -> Timing:
    """Seconds of the bars, with those of the universe and the share of orchestration as parts."""
    with opened(folder, prices) as desk:
        listed = desk.symbols()
        before = time.process_time()
        bars = _bars(desk, desk.settings.start, desk.settings.last_day or now().date())
        processor = time.process_time() - before
        rows = Desk(desk.settings).lake.query(f"SELECT count(*) AS n FROM lake.{BARS_DAILY.table}")["n"].item()
    parts = {"symbols": listed.seconds, "orchestration_share": bars.orchestration_seconds / bars.seconds}
    # Beside the seconds, because on a busy machine those of two sides cannot be compared.
    parts["processor_seconds"] = processor
    return Timing([bars.seconds], rows, parts)


def all_names(folder: Path) -> Timing:
    """7,072 names over two years."""
    return _ingested(folder, require(_MANY))


def half_of_the_names(folder: Path) -> Timing:
    """Every second name of them."""
    rows = pl.scan_parquet(require(_MANY))
    names = rows.select("symbol").unique().collect().to_series().sort().gather_every(2)
    prices = folder / "half.parquet"
    rows.filter(pl.col("symbol").is_in(names.implode())).sink_parquet(prices)
    return _ingested(folder, prices)


def one_new_day(folder: Path) -> Timing:
    """One session more of 505 names with five years of history: universe and bars."""
    rows = pl.read_parquet(require(_FEW))
    prices = folder / "prices.parquet"
    last = rows["date"].max()
    assert isinstance(last, date)
    rows.filter(pl.col("date") < last).write_parquet(prices)
    with opened(folder, prices) as first:
        settings = first.settings.with_values(end=last.replace(year=last.year + 1))
        desk = BenchDesk(settings, first.instance)
        desk.symbols()
        _bars(desk, settings.start, last)
        rows.write_parquet(prices)
        reports = [desk.symbols(), _bars(desk, last, last)]
        added = Desk(settings).lake.query(f"SELECT count(*) AS n FROM lake.{BARS_DAILY.table} WHERE date = '{last}'")
    seconds, orchestration = (sum(getattr(r, name) for r in reports) for name in ("seconds", "orchestration_seconds"))
    parts = {"symbols": reports[0].seconds, "bars": reports[1].seconds, "orchestration_share": orchestration / seconds}
    return Timing([seconds], added["n"].item(), parts)


COMPARISONS = (
    Comparison("ingest.growth", all_names, "the same with every second name", half_of_the_names),
    Comparison("ingest.one_new_day", one_new_day),
)
