"""A small lake with everything in it, and the web UI and the daemon on it.

The fixtures are of a module: a daemon that ran on would take time from every test that comes after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from trading_assets.definitions import build_defs
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.market_data.sources import SimulatedSource, SimulationParameters
from trading_assets.orchestration.maintenance import MAINTENANCE_JOB
from trading_assets.orchestration.replay import replay
from trading_assets.orchestration.schedules import REFRESH_TAG
from trading_assets_tests.desks import STAGE_JOBS, Bench, open_bench
from trading_assets_tests.end_to_end._processes import WebUi, web_ui

FIRST, LAST = date(2015, 1, 2), date(2016, 9, 30)
_UNTIL, _END = date(2016, 9, 29), date(2016, 10, 1)
_REPLAYED_FROM = date(2016, 9, 28)


@dataclass(frozen=True)
class DemoUi:
    """A lake with all sessions but the last one in it, with the web UI and the daemon on it.

    Attributes
    ----------
    last : date
        The session that only the panel knows yet.
    bad_bars : int
        Bars of the source with a high below the low.
    pnl : polars.DataFrame
        P&L of the sessions before the last one.
    """

    bench: Bench
    ui: WebUi
    last: date
    bad_bars: int
    pnl: pl.DataFrame

    def refresh_runs(self) -> list[dict[str, Any]]:
        """Runs of the refresh of the last session, newest first."""
        return self.ui.runs({REFRESH_TAG: str(self.last)})


@pytest.fixture(scope="module")
def demo_ui(postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoUi]:
    folder = tmp_path_factory.mktemp("demo")
    bad_bars = _write_bars(folder / "bars.parquet")
    source = {"kind": "files", "path": str(folder / "bars.parquet")}
    with open_bench(postgres, folder / "lake", source, FIRST.replace(day=1), LAST) as until_yesterday:
        until_yesterday.run_all(FIRST, _UNTIL)
        bench = until_yesterday.with_settings(end=_END)
        with bench.active():
            assert len(list(replay(bench.settings, ["main"], _REPLAYED_FROM, _UNTIL, build_defs))) > 1
        with web_ui(bench.settings, folder / "ui.log") as ui:
            yield DemoUi(bench, ui, LAST, bad_bars, bench.read("backtest.pnl"))


@pytest.fixture(scope="module")
def refreshed_ui(demo_ui: DemoUi) -> DemoUi:
    """The same, after the daemon has brought the last session through every stage."""
    demo_ui.ui.launch_job(MAINTENANCE_JOB, {})
    demo_ui.ui.launch_job(STAGE_JOBS[0], {REFRESH_TAG: str(demo_ui.last)})

    def ended() -> bool | None:
        states = {run["jobName"]: run["status"] for run in demo_ui.refresh_runs()}
        failed = [job for job, state in states.items() if state in ("FAILURE", "CANCELED")]
        assert not failed, f"{failed} failed\n{demo_ui.ui.tail(200)}"
        return states.get(STAGE_JOBS[-1]) == "SUCCESS" or None

    demo_ui.ui.wait_for(f"end of the refresh of {demo_ui.last}", ended, timeout=600)
    return demo_ui


def _write_bars(path: Path) -> int:
    rates = {"listing_rate": 0.0, "delisting_rate": 0.0}
    simulated = SimulatedSource(SimulationParameters(seed=5, n_symbols=4, start=FIRST, end=LAST, **rates))
    bars = simulated.bars(simulated.symbols()["symbol"].to_list(), FIRST, LAST)
    is_bad = (pl.col("symbol") == "SIM0002") & pl.col("date").is_in([date(2016, 3, 1), date(2016, 6, 1)])
    bars = bars.with_columns(high=pl.when(is_bad).then(pl.col("low") * 0.9).otherwise("high"))
    bars.select("symbol", "date", "open", "high", "low", "close", "volume").write_parquet(path)
    return bars.filter(is_bad).height
