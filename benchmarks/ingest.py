"""Real daily bars from files into the lake, by the runs that a desk makes: many names at once, then one new session.

The growth is the ratio of 7,072 names over two years (3.1 million rows) to half of them, each into a lake of its own.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl

from benchmarks.measure import Comparison, SkippedError, Timing, scratch_settings
from trading_assets import demo
from trading_assets.definitions import build_defs, desk_partitions
from trading_assets.market_data.contract import BARS_DAILY, SYMBOLS
from trading_assets.orchestration.clock import now
from trading_assets.orchestration.exchange import exchange_of
from trading_assets.orchestration.instance import open_instance
from trading_assets.orchestration.jobs import plan_stage
from trading_assets.orchestration.refresh import StageReport, run_job, work_seconds
from trading_assets.orchestration.resources import Desk
from trading_assets.orchestration.settings import Settings
from trading_assets.orchestration.universe import register_symbols, registered_symbols
from trading_assets.portfolio.books import load_books

_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
_MANY, _FEW = _DATA / "us_daily_2015_2017.parquet", _DATA / "us_daily_2013_2018.parquet"
_BARS = dg.AssetKey(BARS_DAILY.asset_key)


@dataclass
class _Ingest:
    """A desk that is fed from one file, and its runs."""

    settings: Settings
    instance: dg.DagsterInstance

    def symbols(self) -> StageReport:
        """Materialise the universe and give each name its partitions."""
        desk = Desk(self.settings)
        defs = build_defs(desk=desk)
        started = time.perf_counter()
        result = run_job(defs.resolve_job_def("refresh_symbols"), self.instance, {})
        register_symbols(self.instance, desk.lake.query(f"SELECT symbol FROM lake.{SYMBOLS.table}")["symbol"])
        return self._report(result, started)

    def bars(self, first: date, last: date) -> StageReport:
        """Materialise the daily bars of every name in the years of a span, with their checks."""
        defs = build_defs(desk=Desk(self.settings))
        exchange = exchange_of(self.settings, now().date())
        partitions = desk_partitions(self.settings, load_books(self.settings.books), exchange)
        started = time.perf_counter()
        planned = plan_stage("refresh_panel", partitions, registered_symbols(self.instance), first, last)
        assert planned is not None
        job = defs.resolve_job_def("refresh_panel").get_subset(
            asset_selection={_BARS}, asset_check_selection=_checks_of_bars(defs)
        )
        return self._report(run_job(job, self.instance, planned.tags), started)

    def _report(self, result: dg.ExecuteInProcessResult, started: float) -> StageReport:
        seconds = time.perf_counter() - started
        return StageReport(result.job_def.name, result.run_id, seconds, work_seconds(self.instance, result))


def _checks_of_bars(defs: dg.Definitions) -> set[dg.AssetCheckKey]:
    return {key for key in defs.resolve_asset_graph().asset_check_keys if key.asset_key == _BARS}


@contextmanager
def _opened(folder: Path, prices: Path) -> Iterator[_Ingest]:
    with scratch_settings(folder) as scratch:
        settings = demo.configure(scratch, {"kind": "files", "path": str(prices)})
        yield _Ingest(settings, open_instance(settings))


def _require(path: Path) -> Path:
    if not path.exists():
        msg = f"real market data is not there: {path}"
        raise SkippedError(msg)
    return path


def _ingested(folder: Path, prices: Path) -> Timing:
    """Seconds of the bars, with those of the universe and the share of orchestration as parts."""
    with _opened(folder, prices) as ingest:
        listed = ingest.symbols()
        before = time.process_time()
        bars = ingest.bars(ingest.settings.start, ingest.settings.last_day or now().date())
        processor = time.process_time() - before
        rows = Desk(ingest.settings).lake.query(f"SELECT count(*) AS n FROM lake.{BARS_DAILY.table}")["n"].item()
    parts = {"symbols": listed.seconds, "orchestration_share": bars.orchestration_seconds / bars.seconds}
    # Beside the seconds, because on a busy machine those of two sides cannot be compared.
    parts["processor_seconds"] = processor
    return Timing([bars.seconds], rows, parts)


def all_names(folder: Path) -> Timing:
    """7,072 names over two years."""
    return _ingested(folder, _require(_MANY))


def half_of_the_names(folder: Path) -> Timing:
    """Every second name of them."""
    rows = pl.scan_parquet(_require(_MANY))
    names = rows.select("symbol").unique().collect().to_series().sort().gather_every(2)
    prices = folder / "half.parquet"
    rows.filter(pl.col("symbol").is_in(names.implode())).sink_parquet(prices)
    return _ingested(folder, prices)


def one_new_day(folder: Path) -> Timing:
    """One session more of 505 names with five years of history: universe and bars."""
    rows = pl.read_parquet(_require(_FEW))
    prices = folder / "prices.parquet"
    last = rows["date"].max()
    assert isinstance(last, date)
    rows.filter(pl.col("date") < last).write_parquet(prices)
    with _opened(folder, prices) as opened:
        settings = opened.settings.with_values(end=last.replace(year=last.year + 1))
        ingest = _Ingest(settings, opened.instance)
        ingest.symbols()
        ingest.bars(settings.start, last)
        rows.write_parquet(prices)
        reports = [ingest.symbols(), ingest.bars(last, last)]
        added = Desk(settings).lake.query(f"SELECT count(*) AS n FROM lake.{BARS_DAILY.table} WHERE date = '{last}'")
    seconds, orchestration = (sum(getattr(r, name) for r in reports) for name in ("seconds", "orchestration_seconds"))
    parts = {"symbols": reports[0].seconds, "bars": reports[1].seconds, "orchestration_share": orchestration / seconds}
    return Timing([seconds], added["n"].item(), parts)


COMPARISONS = (
    Comparison("ingest.growth", all_names, "the same with every second name", half_of_the_names),
    Comparison("ingest.one_new_day", one_new_day),
)
