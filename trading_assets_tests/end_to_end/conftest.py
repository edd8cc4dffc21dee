"""A small lake with everything in it, and the web UI and the daemon on it; made once for all tests that look at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from trading_assets.lake.postgres import PostgresUrl
from trading_assets.market_data.sources import SimulatedSource, SimulationParameters
from trading_assets_tests.desks import Bench, open_bench
from trading_assets_tests.end_to_end._processes import WebUi, web_ui

FIRST, LAST = date(2015, 1, 2), date(2017, 3, 31)


@dataclass(frozen=True)
class DemoUi:
    """A demo lake with all sessions but the last one, with the web UI and the daemon on it.

    Attributes
    ----------
    last : date
        The session that only the panel knows yet.
    bad_bars : int
        Bars of the source with a high below the low.
    """

    bench: Bench
    ui: WebUi
    last: date
    bad_bars: int


@pytest.fixture(scope="session")
def demo_ui(postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoUi]:
    folder = tmp_path_factory.mktemp("demo")
    bad_bars = _write_bars(folder / "bars.parquet")
    source = {"kind": "files", "path": str(folder / "bars.parquet")}
    with open_bench(postgres, folder / "lake", source, date(2015, 1, 1), date(2017, 4, 1)) as bench:
        bench.run_all(FIRST, date(2017, 3, 30))
        with web_ui(bench.settings, folder / "ui.log") as ui:
            yield DemoUi(bench, ui, LAST, bad_bars)


def _write_bars(path: Path) -> int:
    rates = {"listing_rate": 0.0, "delisting_rate": 0.0}
    simulated = SimulatedSource(SimulationParameters(seed=5, n_symbols=4, start=FIRST, end=LAST, **rates))
    bars = simulated.bars(simulated.symbols()["symbol"].to_list(), FIRST, LAST)
    is_bad = (pl.col("symbol") == "SIM0002") & pl.col("date").is_in([date(2015, 6, 1), date(2016, 6, 1)])
    bars = bars.with_columns(high=pl.when(is_bad).then(pl.col("low") * 0.9).otherwise("high"))
    bars.select("symbol", "date", "open", "high", "low", "close", "volume").write_parquet(path)
    return bars.filter(is_bad).height
