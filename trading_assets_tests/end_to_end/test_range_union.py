"""A range of partitions gives the same rows as its pieces, in whatever order and however often the pieces run."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import dagster as dg
import polars as pl
import pytest

from trading_assets.lake.errors import UpstreamNotReadyError
from trading_assets.lake.history import diff
from trading_assets.lake.postgres import PostgresUrl
from trading_assets.market_data.sources import Source, make_source
from trading_assets_tests.desks import Bench, metadata_of, multi_range, open_bench

START, END = date(2014, 1, 1), date(2017, 1, 1)
YEARS = ("2014", "2015", "2016")
# SIM0001 trades all the time and splits once; SIM0002 is listed in September 2014, splits, and ends in December 2015.
SOURCE = {
    "kind": "simulated",
    "seed": 94,
    "n_symbols": 2,
    "start": "2014-01-02",
    "end": "2016-12-30",
    "split_rate": 0.6,
    "dividend_rate": 1.0,
    "gap_rate": 0.01,
    "listing_rate": 0.9,
    "delisting_rate": 0.5,
}
SYMBOLS = ("SIM0001", "SIM0002")
PANEL = ("market_data.bars_daily", "market_data.corporate_actions", "features.technical", "labels.forward_return")
EVERYTHING = multi_range({"date": YEARS[0], "symbol": SYMBOLS[0]}, {"date": YEARS[-1], "symbol": SYMBOLS[-1]})


@pytest.fixture(scope="module")
def whole(postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The panel, made by one run over all its partitions."""
    with open_bench(postgres, tmp_path_factory.mktemp("whole"), SOURCE, START, END) as bench:
        bench.list_symbols()
        bench.run("refresh_panel", EVERYTHING)
        yield bench


@pytest.fixture
def empty(postgres: PostgresUrl, tmp_path: pytest.TempPathFactory) -> Iterator[Bench]:
    """A desk that knows the universe and nothing else."""
    with open_bench(postgres, tmp_path / "lake", SOURCE, START, END) as bench:
        bench.list_symbols()
        yield bench


def refused(bench: Bench, job: str, tags: dict[str, str], table: str) -> str:
    """Message of the guard that stops a run; makes sure that nothing was written and that it was tried again."""
    before = bench.desk.lake.current_snapshot()
    result = bench.run(job, tags, only=[table], raises=False)
    assert not result.success
    assert not result.get_asset_materialization_events()
    assert bench.desk.lake.current_snapshot() == before
    retries = [event for event in result.all_events if event.is_step_up_for_retry]
    failure = next(event.step_failure_data.error for event in result.all_events if event.is_step_failure)
    assert len(retries) == 3
    assert failure.cause.cls_name == UpstreamNotReadyError.__name__
    return failure.cause.message


# --- the panel: symbol x year ------------------------------------------------------------------------------------


def test_single_partitions_in_shuffled_order_equal_one_range(whole: Bench, empty: Bench) -> None:
    pieces = list(itertools.product(PANEL, YEARS, SYMBOLS))
    random.Random(2).shuffle(pieces)
    refusals = 0
    while pieces:
        waiting = []
        for table, year, symbol in pieces:
            before = empty.desk.lake.current_snapshot()
            result = empty.run("refresh_panel", multi_range({"date": year, "symbol": symbol}), only=[table], raises=False)
            if not result.success:
                assert empty.desk.lake.current_snapshot() == before
                waiting.append((table, year, symbol))
        assert len(waiting) < len(pieces), "no piece of a whole pass could run"
        refusals += len(waiting)
        pieces = waiting
    assert refusals > 0
    assert empty.hashes(*PANEL) == whole.hashes(*PANEL)


def test_no_value_of_the_panel_is_lost_at_a_year_boundary(whole: Bench) -> None:
    technical = whole.read("features.technical").filter(symbol="SIM0001")
    after_warm_up = technical.slice(253)
    assert after_warm_up.height > 450
    assert sum(after_warm_up.null_count().row(0)) == 0


@pytest.mark.parametrize("tags", [EVERYTHING, multi_range({"date": "2015", "symbol": "SIM0002"})], ids=["all", "one"])
def test_running_partitions_again_changes_nothing(whole: Bench, tags: dict[str, str]) -> None:
    before, snapshot = whole.hashes(*PANEL), whole.desk.lake.current_snapshot()
    first, second = whole.run("refresh_panel", tags), whole.run("refresh_panel", tags)
    assert whole.hashes(*PANEL) == before
    assert whole.desk.lake.current_snapshot() == snapshot
    for table in PANEL:
        once, twice = metadata_of(first, table), metadata_of(second, table)
        assert once["content_hash"] == twice["content_hash"]
        assert twice["rows_added"] == twice["rows_changed"] == twice["rows_removed"] == 0


def test_features_refuse_to_run_without_their_look_back(empty: Bench) -> None:
    last_year = multi_range({"date": "2016", "symbol": "SIM0001"})
    empty.run("refresh_panel", last_year, only=PANEL[:2])
    message = refused(empty, "refresh_panel", last_year, "features.technical")
    assert "features.technical" in message
    assert "market_data.bars_daily" in message
    assert "2014|SIM0001, 2015|SIM0001" in message
    assert "Materialise them first" in message


def test_features_need_no_bars_from_before_the_first_partition(postgres: PostgresUrl, tmp_path) -> None:
    """The source knows 2014, the lake starts in 2015: what has no partition cannot be waited for."""
    with open_bench(postgres, tmp_path / "lake", SOURCE, date(2015, 1, 1), END) as bench:
        bench.list_symbols()
        years = {"date": "2015", "symbol": SYMBOLS[0]}, {"date": "2016", "symbol": SYMBOLS[-1]}
        bench.run("refresh_panel", multi_range(*years))
        assert bench.read("features.technical")["date"].min() == date(2015, 1, 2)


def test_labels_refuse_to_run_without_the_next_year(empty: Bench) -> None:
    year = multi_range({"date": "2015", "symbol": "SIM0001"})
    empty.run("refresh_panel", year, only=PANEL[:2])
    message = refused(empty, "refresh_panel", year, "labels.forward_return")
    assert "2016|SIM0001" in message


def test_labels_of_a_name_need_no_year_after_its_end(empty: Bench) -> None:
    year = multi_range({"date": "2015", "symbol": "SIM0002"})
    empty.run("refresh_panel", year, only=PANEL[:2])
    empty.run("refresh_panel", year, only=["labels.forward_return"])
    assert empty.read("labels.forward_return").height > 200


def test_the_last_try_raises_the_named_error(empty: Bench) -> None:
    with pytest.raises(UpstreamNotReadyError, match="market_data.bars_daily"):
        empty.run("refresh_panel", EVERYTHING, only=["features.technical"])


@pytest.mark.parametrize(
    ("job", "table", "corner", "missing"),
    [
        ("train_models", "models.trained", {"date": "2015-03", "model": "lgbm_daily"}, "2014|SIM0001"),
        ("predict", "predictions.daily", {"date": "2015-03-02", "model": "lgbm_daily"}, "2015|SIM0001"),
        ("signal", "signals.ml_alpha", {"date": "2015-03-02", "strategy": "ml_alpha"}, "2015-03-02|lgbm_daily"),
        # the weekly book decides on Friday; the weights of Tuesday 3 March are those of 27 February
        ("trade_books", "portfolio.target_weights", {"date": "2015-03-03", "book": "main"}, "2015-02-27|ml_alpha"),
        ("trade_books", "backtest.pnl", {"date": "2014-01-06", "book": "main"}, "main|2014-01-02"),
    ],
)
def test_later_stages_refuse_to_run_before_their_inputs(
    empty: Bench, job: str, table: str, corner: dict[str, str], missing: str
) -> None:
    selected = table if table in ("portfolio.target_weights",) else None
    before = empty.desk.lake.current_snapshot()
    only = [selected] if selected else [name for name in stage_tables(empty, job) if name.split(".")[0] == table.split(".")[0]]
    with pytest.raises(UpstreamNotReadyError) as caught:
        empty.run(job, multi_range(corner), only=only)
    assert missing in str(caught.value)
    assert empty.desk.lake.current_snapshot() == before


def stage_tables(bench: Bench, job: str) -> list[str]:
    """Tables that a job makes."""
    return [".".join(key.path) for key in bench.defs.resolve_job_def(job).asset_layer.executable_asset_keys]
