"""A desk that is fed from one file of prices, and the runs a user would make of it."""

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg

from benchmarks.measure import SkippedError, scratch_settings
from trading_assets.cli import full_run as demo
from trading_assets.definitions import build_defs
from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import Settings
from trading_assets.desk.symbols import register_symbols, registered_symbols
from trading_assets.market_data.contract import SYMBOLS
from trading_assets.orchestration.instance import open_instance
from trading_assets.orchestration.jobs import plan_stage
from trading_assets.orchestration.refresh import StageReport, few_collections, run_job, work_seconds

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass
class BenchDesk:
    """A desk, and its runs; each is timed with the planning of its partitions."""

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

    def run(self, job: str, first: date, last: date, tables: Collection[str] = ()) -> StageReport:
        """Materialise tables of a job, all by default, for a span of sessions and every name, with their checks."""
        desk = Desk(self.settings)
        defs = build_defs(desk=desk)
        started = time.perf_counter()
        planned = plan_stage(job, desk, registered_symbols(self.instance), first, last)
        assert planned is not None
        with few_collections():
            definition = defs.resolve_job_def(job)
            if tables:
                assets = {dg.AssetKey(table.split(".")) for table in tables}
                checks = {key for key in defs.resolve_asset_graph().asset_check_keys if key.asset_key in assets}
                definition = definition.get_subset(asset_selection=assets, asset_check_selection=checks)
            return self._report(run_job(definition, self.instance, planned.tags), started)

    def _report(self, result: dg.ExecuteInProcessResult, started: float) -> StageReport:
        seconds = time.perf_counter() - started
        return StageReport(result.job_def.name, result.run_id, seconds, work_seconds(self.instance, result))


@contextmanager
def opened(folder: Path, prices: Path, further: Mapping[str, Path] | None = None) -> Iterator[BenchDesk]:
    """Open a desk on a new lake, fed from a file of prices and from further ones by option of the source."""
    with scratch_settings(folder) as scratch:
        paths = {"path": prices, **(further or {})}
        settings = demo.configure(scratch, {"kind": "files"} | {option: str(path) for option, path in paths.items()})
        yield BenchDesk(settings, open_instance(settings))


def require(path: Path) -> Path:
    """A file of real market data.

    Raises
    ------
    SkippedError
        It is not there.
    """
    if not path.exists():
        msg = f"real market data is not there: {path}"
        raise SkippedError(msg)
    return path
