"""The demo: a source's history through every stage, the same rows every time and in pieces, an honest summary."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg
import polars as pl
import pytest

from trading_assets.cli import full_run as demo
from trading_assets.definitions import build_defs
from trading_assets.desk.calendar import sessions
from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import INTRADAY_TABLES, Settings, SettingsError, load_settings
from trading_assets.features.sql import assets as sql_assets
from trading_assets.features.sql.assets import possible_sets
from trading_assets.features.sql.compiled import SqlModelError
from trading_assets.features.sql.sql_set import SqlSet
from trading_assets.lake import Lake, Scope, WriteResult
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.lake.store.history import rollback
from trading_assets.market_data.sources import make_source
from trading_assets.models.registry import find, load
from trading_assets.orchestration.replay import SessionReport
from trading_assets.point_in_time.lookahead import lookahead_violations, pick_cuts
from trading_assets.predictions import checks as prediction_checks
from trading_assets.signals import checks as signal_checks
from trading_assets.signals.strategies.moving_average_cross import moving_average_cross
from trading_assets_tests.desks import STAGE_JOBS, Bench, fresh_database, multi_range, own_environment
from trading_assets_tests.end_to_end._pieces import Piece, run_in_any_order
from trading_assets_tests.end_to_end.conftest import END, NOISE, SPAN, START
from trading_assets_tests.features.shipped import BY_SET, MATRIX, SQL_SETS

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Demo:
    """A demo that has run."""

    settings: Settings
    jobs: list[str]
    replayed: list[SessionReport]
    summary: demo.Summary


@pytest.fixture(scope="module")
def first(postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo on a clean folder and an empty database, as the command runs it."""
    with fresh_database(postgres) as url, own_environment():
        given = load_settings(tmp_path_factory.mktemp("demo") / "lake", {"DATABASE_URL": url})
        settings = demo.configure(given, NOISE)
        jobs = [report.job for report in demo.run(settings)]
        replayed = list(demo.replay_last(settings))
        yield Demo(settings, jobs, replayed, demo.summarise(settings))


def test_every_stage_runs_in_order(first: Demo) -> None:
    assert first.jobs == list(STAGE_JOBS)


def test_the_lake_spans_the_history_of_the_source(first: Demo) -> None:
    assert (first.settings.start, first.settings.end) == (START, END)
    assert load_settings(first.settings.home, {}).source == NOISE


def test_rows_of_every_stage_follow_from_the_source(first: Demo) -> None:
    source, rows = make_source(NOISE), first.summary.rows
    listed = source.symbols()
    names = listed["symbol"].to_list()
    bars = source.bars(names, *SPAN).height
    assert rows["market_data.symbols"] == listed.height
    assert rows["market_data.bars_daily"] == rows["features.technical"] == rows["features.cross_section"] == bars
    assert rows["market_data.corporate_actions"] == source.corporate_actions(names, *SPAN).height
    assert bars - 10 * len(names) < rows["labels.forward_return"] < bars - 5 * len(names)
    closes = source.bars(names, *SPAN).group_by("symbol").len()["len"].cast(pl.Int64)
    crossed = (closes - moving_average_cross.lookback).clip(lower_bound=0).sum()
    assert rows["signals.scores"] - crossed == rows["predictions.daily"] > 0
    assert crossed > 0
    assert rows["backtest.pnl"] > 80
    assert rows["reports.tear_sheet"] > 20
    assert expected_tables(first.settings) - set(rows) == {"catalog.maintenance"}
    assert first.summary.quarantined == 0


def test_no_asset_of_the_lineage_is_left_that_never_ran(first: Demo) -> None:
    graph = build_defs(first.settings).resolve_asset_graph()
    with dg.DagsterInstance.get() as instance:
        made = {key for key in graph.materializable_asset_keys if instance.get_latest_materialization_event(key)}
    assert {".".join(key.path) for key in made} == expected_tables(first.settings)


def test_the_command_shows_progress_and_figures_and_keeps_the_summary(tmp_path: Path) -> None:
    bars, home = tmp_path / "bars.parquet", tmp_path / "lake"
    source = make_source(NOISE)
    source.bars(source.symbols()["symbol"].to_list(), *SPAN).select(
        "symbol", "date", "open", "high", "low", "close", "volume"
    ).write_parquet(bars)
    command = [
        str(Path(sys.executable).with_name("trading-assets")), "demo", "--source", "files",
        "--path", str(bars), "--home", str(home),
    ]  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | {"COLUMNS": "200"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [job for job in STAGE_JOBS if job not in done.stdout] == []
    shown = ("market_data.bars_daily", "mean rank IC", "Sharpe ratio after costs", "maximum drawdown", "turnover",
             "tear_sheet.html", "Web UI")  # fmt: skip
    assert [text for text in shown if text not in done.stdout] == []
    kept = json.loads((home / "reports" / "summary.json").read_text())
    assert kept["rows"]["backtest.pnl"] > 80
    assert set(kept["content_hashes"]) == set(kept["rows"])


def test_two_clean_lakes_hold_the_same_content(first: Demo, finished: Bench) -> None:
    refreshed = {table: value for table, value in first.summary.hashes.items() if not is_live(table)}
    upkeep = {"market_data.restatements", "market_data.symbol_maintenance"}
    assert {table: value for table, value in refreshed.items() if table not in upkeep} == finished.hashes()


def test_the_demo_ends_with_a_week_at_the_embedded_broker_as_the_backtest_would_have_traded(first: Demo) -> None:
    assert [report.session for report in first.replayed] == sessions("XNYS", *SPAN)[-demo.REPLAYED_SESSIONS :]
    assert sum(report.orders for report in first.replayed) > 0
    assert sum(report.fills for report in first.replayed) > 0
    assert first.replayed[0].difference is None
    assert all(abs(report.difference) * report.equity < 0.01 for report in first.replayed[1:])
    assert first.summary.rows["live.pnl"] == demo.REPLAYED_SESSIONS


def expected_tables(settings: Settings) -> set[str]:
    """Tables of the desk's assets; those of intraday bars are for who asks for them."""
    graph = build_defs(settings).resolve_asset_graph()
    found = {".".join(key.path) for key in graph.materializable_asset_keys}
    intraday = {contract.table for (_, interval), contract in BY_SET.items() if interval != "daily"}
    return found - intraday - {f"market_data.{name}" for name in INTRADAY_TABLES}


def is_live(table: str) -> bool:
    return table.startswith("live.")


def test_running_again_changes_nothing(first: Demo) -> None:
    """Not the stages, not the sessions at the broker, and not a byte of the summary."""
    stored = load_settings(first.settings.home, {"DATABASE_URL": first.settings.database_url or ""})
    settings, lake = demo.configure(stored, NOISE), Desk(first.settings).lake
    snapshot, kept = lake.current_snapshot(), demo.save_summary(first.settings, first.summary).read_bytes()
    with own_environment():
        assert [report.job for report in demo.run(settings)] == first.jobs
        assert [report.fills for report in demo.replay_last(settings)] == [report.fills for report in first.replayed]
        assert demo.save_summary(settings, demo.summarise(settings)).read_bytes() == kept
    assert lake.current_snapshot() == snapshot


def test_noise_is_reported_as_no_evidence_of_an_edge(first: Demo) -> None:
    assert first.summary.verdicts["main"].startswith("No evidence of edge")
    assert abs(first.summary.books["main"]["rank_ic_t_statistic"]) < 3
    sheet = json.loads((first.settings.home / "reports" / "main" / "tear_sheet.json").read_text())
    assert sheet["verdict"]["is_convincing"] is False
    page = first.summary.reports["main"].read_text()
    assert "No evidence of edge" in page
    assert "data:image/png;base64," in page or "<svg" in page


def test_summary_is_kept_for_the_comparison_of_two_runs(first: Demo) -> None:
    path = demo.save_summary(first.settings, first.summary)
    assert json.loads(path.read_text())["content_hashes"] == first.summary.hashes


def test_another_source_is_refused_for_the_same_lake(first: Demo) -> None:
    stored = load_settings(first.settings.home, {})
    assert demo.configure(stored, NOISE) == stored
    with pytest.raises(SettingsError, match=r"holds the source .*use another folder \(--home DIR\)"):
        demo.configure(stored, NOISE | {"seed": 6})


# --- models and data, linked both ways ----------------------------------------------------------------------------


def test_every_trained_row_names_its_version_and_the_version_names_its_snapshot(finished: Bench) -> None:
    uri = finished.desk.mlflow_uri
    trained = finished.read("models.trained")
    assert trained.height > 0
    for row in trained.iter_rows(named=True):
        version = find(row["model"], row["date"], tracking_uri=uri)
        assert version is not None
        assert (version.version, version.run_id) == (row["registry_version"], row["run_id"])
        assert version.tags["lake_snapshot"] == str(row["data_snapshot"])
        assert version.tags["model_hash"] == row["model_hash"]


def test_the_snapshot_of_a_model_holds_the_data_it_was_trained_on(finished: Bench) -> None:
    lake, snapshot = finished.desk.lake, finished.read("models.trained")["data_snapshot"][0]
    tables = ("features.technical", "features.cross_section", "labels.forward_return")
    assert snapshot <= lake.current_snapshot()
    for table in tables:
        then = lake.query(f"FROM lake.{table} AT (VERSION => {snapshot}) ORDER BY ALL")
        assert then.equals(lake.query(f"FROM lake.{table} ORDER BY ALL"))


def test_a_registered_model_predicts_what_is_stored(finished: Bench) -> None:
    predictions = finished.read("predictions.daily")
    last = predictions.filter(pl.col("date") == predictions["date"].max())
    row = finished.read("models.trained").filter(date=last["trained_through"][0]).row(0, named=True)
    model = load(row["model"], row["registry_version"], tracking_uri=finished.desk.mlflow_uri)
    keys = ["symbol", "date"]
    panel = MATRIX.read(finished.desk.lake, model.features, *SPAN)
    features = last.select(keys).join(panel, on=keys, maintain_order="left")
    again = model.predict(features)
    assert last["prediction"].to_list() == list(again)


def test_each_session_is_scored_by_the_model_of_the_month_before(finished: Bench) -> None:
    used = finished.read("predictions.daily").select("date", "trained_through").unique().sort("date")
    month = pl.col("date").dt.month_start()
    assert used.filter(pl.col("trained_through").dt.month_start() != month.dt.offset_by("-1mo")).is_empty()
    first_model = finished.read("models.trained")["date"].min()
    assert used["date"].to_list() == [day for day in sessions("XNYS", *SPAN) if day > first_model]


# --- knowledge ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("checks", [prediction_checks, signal_checks], ids=["predictions", "signals"])
def test_no_stored_score_changes_at_twenty_cuts_of_history(finished: Bench, checks: ModuleType) -> None:
    everything = Scope(time="date", start=START, end=END)
    with finished.active():
        again = list(checks.recompute(finished.desk, everything, ""))
        assert again
        for one in again:
            cuts = pick_cuts(one.stored[one.time], 20)
            assert len(cuts) == 20
            assert one.look_ahead(everything).rows() == []
            options = {"known_on": one.known_on, "key": one.key, "date_column": one.time, "computed": one.computed}
            violations = lookahead_violations(one.compute, one.inputs, cuts=cuts, poison_seed=3, **options)
            assert violations.rows() == []


# --- the SQL features ---------------------------------------------------------------------------------------------


def test_ranks_of_the_sql_features_are_those_of_the_technical_ones(finished: Bench) -> None:
    rank = (pl.col("rsi_14").rank("min").over("date") - 1) / (pl.col("rsi_14").count().over("date") - 1)
    expected = finished.read("features.technical").select("symbol", "date", expected=rank.cast(pl.Float32))
    both = finished.read("features.cross_section").join(expected, on=["symbol", "date"])
    assert both.height == expected.height
    assert both.filter(pl.col("rsi_14_rank").is_not_null())["rsi_14_rank"].len() > 1000
    assert both.filter((pl.col("rsi_14_rank") - pl.col("expected")).abs() > 1e-6).is_empty()


# --- the stages whose partitions are months ------------------------------------------------------------------------

# A run of two strategies writes the one that can be scored, so each has pieces of its own: refused, they write nothing.
BY_MONTH = [
    ("predictions.daily", "predict", "model", "lgbm_daily"),
    ("signals.scores", "signal", "strategy", "ml_alpha"),
    ("signals.scores", "signal", "strategy", "moving_average_cross"),
    ("portfolio.target_weights", "trade_books", "book", "main"),
    ("backtest.pnl", "trade_books", "book", "main"),
]
DECIDED = (*{table for table, *_ in BY_MONTH}, "backtest.orders", "backtest.fills", "backtest.positions")


def month_pieces(first: str, last: str, cuts: Sequence[str]) -> list[Piece]:
    """Every stage's months in pieces that begin at the cuts; two neighbouring cuts are a single partition."""
    months = pl.date_range(date.fromisoformat(f"{first}-01"), date.fromisoformat(f"{last}-01"), "1mo", eager=True)
    keys = months.dt.strftime("%Y-%m").to_list()
    bounds = [0, *map(keys.index, cuts), len(keys)]
    return [
        (job, table, multi_range({"date": keys[begin], name: one}, {"date": keys[end - 1], name: one}))
        for table, job, name, one in BY_MONTH
        for begin, end in itertools.pairwise(bounds)
    ]


def test_months_in_pieces_and_shuffled_order_equal_one_range(finished: Bench) -> None:
    wanted, lake = finished.hashes(*DECIDED), finished.desk.lake
    before, whole = lake.current_snapshot(), finished.hashes()
    rollback(lake, lake.table_snapshot("models.trained", "models.feature_importance"))
    assert all(finished.read(table).is_empty() for table in DECIDED)
    pieces = month_pieces(f"{SPAN[0]:%Y-%m}", f"{SPAN[1]:%Y-%m}", ["2016-02", "2016-03", "2016-05"])
    refused = run_in_any_order(finished, pieces, seed=3)
    assert refused > 0
    assert finished.hashes(*DECIDED) == wanted
    rollback(lake, before)  # the reports too, which were made from them
    assert finished.hashes() == whole


def test_single_months_equal_the_range_of_months(finished: Bench) -> None:
    tables = ("models.trained", "models.feature_importance")
    rows, snapshot = finished.read("models.trained"), finished.desk.lake.current_snapshot()
    assert rows.height == 6  # January is the first month whose model has the 252 sessions it needs
    for month in ("2016-06", "2016-03", "2015-05"):
        finished.run("train_models", multi_range({"date": month, "model": "lgbm_daily"}))
    assert finished.read("models.trained").equals(rows)
    assert finished.desk.lake.current_snapshot() == snapshot
    assert set(finished.hashes(*tables)) == set(tables)


def test_single_years_of_the_sql_features_equal_the_range_of_years(finished: Bench) -> None:
    wanted, lake = finished.hashes("features.cross_section"), finished.desk.lake
    snapshot = lake.current_snapshot()
    for year in ("2016", "2015"):
        finished.run("refresh_cross_section", {"dagster/partition": year})
    assert finished.hashes("features.cross_section") == wanted
    assert lake.current_snapshot() == snapshot


def test_a_model_that_fails_fails_the_run_and_leaves_the_others_made(
    finished: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = sql_assets.write

    def write(lake: Lake, one: SqlSet, *args: Any, **options: Any) -> WriteResult:
        if one.name == "cross_section":
            raise SqlModelError("the model of features.cross_section does not run")
        return written(lake, one, *args, **options)

    monkeypatch.setattr(sql_assets, "write", write)
    result = finished.run("refresh_cross_section", {"dagster/partition": "2016"}, raises=False)
    made = {event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key}
    failure = result.filter_events(lambda event: event.is_step_failure)[0].step_failure_data
    assert made == {one.name for one in possible_sets(finished.desk.lake.tables(), SQL_SETS.values())} - {
        "cross_section"
    }
    assert failure.error is not None
    assert "features.cross_section does not run" in failure.error.to_string()
