"""Backfills as the web UI requests them and as a running daemon splits, orders and executes them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg
import polars as pl
import pytest

from trading_assets.lake.errors import LakeError
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.lake.store.hashing import content_hash
from trading_assets.market_data.source_policy import primary_source
from trading_assets_tests.desks import CONTRACTS, Bench, multi_range, open_bench
from trading_assets_tests.end_to_end._processes import WebUi, web_ui

pytestmark = pytest.mark.slow

START, END = date(2014, 1, 1), date(2017, 1, 1)
YEARS = range(START.year, END.year)
# More names than years: Dagster then splits a rectangle into one run per year, and look-backs cross the runs.
NAMES = [f"SIM{number:04d}" for number in range(1, 5)]
WITHOUT_BARS, NOT_LISTED_YET = "SIM0005", "SIM0006"
PANEL = ("market_data.bars_daily", "market_data.corporate_actions", "features.technical", "labels.forward_return")


def simulated(n_symbols: int) -> dict[str, Any]:
    rates = {"listing_rate": 0.0, "delisting_rate": 0.0, "split_rate": 0.3}
    return {"kind": "simulated", "n_symbols": n_symbols, "seed": 3, "start": START, "end": END, **rates}


@dataclass(frozen=True)
class Running:
    """A lake whose names are registered but for the last one, with the web UI and the daemon on it.

    Attributes
    ----------
    whole : str
        Backfill of everything for the names that have bars.
    lonely : str
        Backfill of the features of a name without bars.
    """

    bench: Bench
    ui: WebUi
    whole: str
    lonely: str

    def panel(self, table: str, names: list[str]) -> pl.DataFrame:
        return self.bench.read(table).filter(pl.col("symbol").is_in(names))


@pytest.fixture(scope="module")
def running(postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("backfill")
    with open_bench(postgres, folder / "lake", simulated(len(NAMES) + 1), START, END) as bench:
        bench.list_symbols()
        grown = bench.settings.with_values(source=simulated(len(NAMES) + 2))
        keys = [f"{year}|{name}" for year in YEARS for name in NAMES]
        random.Random(1).shuffle(keys)
        with web_ui(grown, folder / "ui.log") as ui:
            whole = ui.launch_backfill([table.replace(".", "/") for table in PANEL], keys)
            lonely = ui.launch_backfill(["features/technical"], [f"{YEARS[-1]}|{WITHOUT_BARS}"])
            yield Running(bench, ui, whole, lonely)


@pytest.fixture(scope="module")
def one_run(postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The same rectangle, made by one run in this process."""
    folder = tmp_path_factory.mktemp("one_run")
    with open_bench(postgres, folder / "lake", simulated(len(NAMES)), START, END) as bench:
        bench.list_symbols()
        first, last = {"date": str(YEARS[0]), "symbol": NAMES[0]}, {"date": str(YEARS[-1]), "symbol": NAMES[-1]}
        bench.run("refresh_panel", multi_range(first, last), only=PANEL)
        yield bench


def test_a_backfill_that_the_daemon_splits_by_year_equals_one_run(running: Running, one_run: Bench) -> None:
    ended = running.ui.end_of_backfill(running.whole, timeout=900)

    assert ended["status"] == "COMPLETED_SUCCESS", f"{ended}\n{running.ui.tail()}"
    assert {run["status"] for run in ended["runs"]} == {"SUCCESS"}, ended["runs"]
    assert len(ended["runs"]) >= len(YEARS), "the backfill was not split, so this test shows nothing"
    for table in PANEL:
        contract = CONTRACTS[table]
        found, expected = running.panel(table, NAMES), one_run.read(table)
        assert found.null_count().row(0, named=True) == expected.null_count().row(0, named=True), table
        hashes = [content_hash(frame, key=contract.key, exclude=contract.provenance) for frame in (found, expected)]
        assert hashes[0] == hashes[1], table


def test_features_without_the_bars_of_their_look_back_fail_by_name_and_write_nothing(running: Running) -> None:
    ended = running.ui.end_of_backfill(running.lonely, timeout=600)

    assert ended["status"] == "COMPLETED_FAILED", ended
    [run] = ended["runs"]
    error = _error_of(running.bench.instance, run["runId"])
    assert error.startswith("UpstreamNotReadyError"), error
    assert f"{YEARS[-1]}|{WITHOUT_BARS}" in error
    assert "Materialise them first" in error
    if running.bench.desk.lake.has_table("features.technical"):
        assert running.panel("features.technical", [WITHOUT_BARS]).is_empty()


def test_a_newly_listed_symbol_gets_its_partitions_and_its_history(running: Running) -> None:
    # the market is the mean of all names, so those of the lake must have their bars before the new one's statistics
    running.ui.end_of_backfill(running.whole, timeout=900)
    running.ui.end_of_backfill(running.lonely, timeout=600)
    ends = ({"date": str(year), "symbol": WITHOUT_BARS} for year in (YEARS[0], YEARS[-1]))
    running.bench.run(
        "refresh_panel", multi_range(*ends), only=["market_data.bars_daily", "market_data.corporate_actions"]
    )
    running.ui.launch_job("refresh_symbols", {})

    def ended_run() -> dict[str, Any] | None:
        started = running.ui.runs({"dagster/asset_partition_range_start": f"{YEARS[0]}|{NOT_LISTED_YET}"})
        return started[0] if started and started[0]["status"] in ("SUCCESS", "FAILURE") else None

    run = running.ui.wait_for(f"history of {NOT_LISTED_YET}", ended_run, timeout=600)

    assert run["status"] == "SUCCESS", running.ui.tail()
    assert NOT_LISTED_YET in running.bench.instance.get_dynamic_partitions("symbol")
    grown = running.bench.with_source(simulated(len(NAMES) + 2))
    expected = grown.desk.part(primary_source).bars([NOT_LISTED_YET], START, END)
    for table in ("market_data.bars_daily", "features.technical"):
        found = running.panel(table, [NOT_LISTED_YET])
        assert found["date"].to_list() == expected["date"].to_list(), table


def test_a_backfill_of_a_job_says_that_dagster_would_do_only_its_first_partition(one_run: Bench) -> None:
    first, last = {"date": "2014", "symbol": NAMES[0]}, {"date": "2014", "symbol": NAMES[-1]}
    tags = multi_range(first, last) | {f"dagster/partition/{name}": value for name, value in first.items()}

    with pytest.raises(LakeError, match=r"only 2014\|SIM0001; backfill the assets"):
        one_run.run("refresh_panel", tags)


def _error_of(instance: dg.DagsterInstance, run_id: str) -> str:
    """Name and message of the first cause of a run's failure."""
    [entry] = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    assert entry.dagster_event is not None
    error = entry.dagster_event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    assert error is not None
    return f"{error.cls_name}: {error.message}"
