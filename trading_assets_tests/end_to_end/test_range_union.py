"""A range of partitions gives the same rows as its pieces, in whatever order and however often the pieces run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from trading_assets.desk.calendar import sessions
from trading_assets.lake.errors import UpstreamNotReadyError
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.lake.store.history import diff
from trading_assets.market_data.sources import Source, make_source
from trading_assets_tests.desks import CONTRACTS, Bench, metadata_of, multi_range, open_bench
from trading_assets_tests.end_to_end._pieces import Piece, run_in_any_order, siblings
from trading_assets_tests.features.shipped import DAILY

pytestmark = pytest.mark.slow

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
RAW = ("market_data.bars_daily", "market_data.corporate_actions")
QUALITY = ("market_data.listings", "market_data.coverage", "market_data.anomalies")
FEATURES = tuple(contract.table for contract in DAILY.values())
PANEL = (*RAW, "features.technical", "labels.forward_return", *QUALITY)
EVERYTHING = multi_range({"date": YEARS[0], "symbol": SYMBOLS[0]}, {"date": YEARS[-1], "symbol": SYMBOLS[-1]})


def panel_piece(table: str, year: str, symbol: str) -> Piece:
    return "refresh_panel", table, multi_range({"date": year, "symbol": symbol})


@pytest.fixture(scope="module")
def whole(postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The panel, made by one run over all its partitions."""
    with open_bench(postgres, tmp_path_factory.mktemp("whole"), SOURCE, START, END) as bench:
        bench.list_symbols()
        bench.run("refresh_panel", EVERYTHING)
        yield bench


@pytest.fixture(scope="module")
def partial(postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Bars and corporate actions of 2015, nothing else."""
    with open_bench(postgres, tmp_path_factory.mktemp("partial"), SOURCE, START, END) as bench:
        bench.list_symbols()
        bench.run("refresh_panel", year_of_all("2015"), only=RAW)
        yield bench


def year_of_all(year: str) -> dict[str, str]:
    return multi_range({"date": year, "symbol": SYMBOLS[0]}, {"date": year, "symbol": SYMBOLS[-1]})


# --- the panel: symbol x year ------------------------------------------------------------------------------------


def test_single_partitions_in_shuffled_order_equal_one_range(
    whole: Bench, postgres: PostgresUrl, tmp_path: Path
) -> None:
    with open_bench(postgres, tmp_path / "lake", SOURCE, START, END) as pieced:
        pieced.list_symbols()
        pieces = [("refresh_panel", table, year_of_all(year)) for table in RAW for year in YEARS]
        pieces += [panel_piece(*place) for place in itertools.product(PANEL[2:], YEARS, SYMBOLS)]
        refused = run_in_any_order(pieced, pieces, seed=2)
        assert refused > 0
        assert pieced.hashes(*PANEL) == whole.hashes(*PANEL)


def test_no_value_is_lost_at_the_boundary_of_two_partitions(whole: Bench) -> None:
    technical = whole.read("features.technical").filter(symbol="SIM0001")
    after_warm_up = technical.slice(253)
    assert after_warm_up.height > 450
    assert sum(after_warm_up.null_count().row(0)) == 0
    labels = whole.read("labels.forward_return").filter(symbol="SIM0001")
    assert date(2014, 12, 31) in labels["date"].to_list()


@pytest.mark.parametrize("tags", [EVERYTHING, multi_range({"date": "2015", "symbol": "SIM0002"})], ids=["all", "one"])
def test_running_partitions_again_changes_nothing(whole: Bench, tags: dict[str, str]) -> None:
    before, snapshot = whole.hashes(*PANEL), whole.desk.lake.current_snapshot()
    result = whole.run("refresh_panel", tags)
    assert whole.hashes(*PANEL) == before
    assert whole.desk.lake.current_snapshot() == snapshot
    for table in PANEL:
        found = metadata_of(result, table)
        assert found["rows_added"] == found["rows_changed"] == found["rows_removed"] == 0
        assert found["dagster/row_count"] == rows_of(whole, table, tags)
        if tags is EVERYTHING and not table.startswith("features."):  # which are not read where nothing is behind
            assert found["content_hash"] == before[table]


def rows_of(bench: Bench, table: str, tags: dict[str, str]) -> int:
    """Rows of a table in the partitions that tags name."""
    if tags is EVERYTHING:
        return bench.read(table).height
    return bench.read(table).filter(pl.col("symbol") == "SIM0002", time_of(table).dt.year() == 2015).height


def time_of(table: str) -> pl.Expr:
    return pl.col(CONTRACTS[table].time or "date")


# --- a year that grows, a vendor that restates -------------------------------------------------------------------

RUNNING = {"kind": "simulated", "seed": 4, "n_symbols": 3, "start": "2015-01-02", "gap_rate": 0.0, "listing_rate": 0.0}
RUNNING_YEAR = multi_range({"date": "2015", "symbol": "SIM0001"}, {"date": "2015", "symbol": "SIM0003"})
THIS_YEAR = {"dagster/partition": "2015"}
IN_SQL = ("features.cross_section", "features.standardised", "features.market_breadth")
YESTERDAY, TODAY = date(2015, 10, 15), date(2015, 10, 16)


@pytest.fixture
def running(postgres: PostgresUrl, tmp_path: Path) -> Iterator[Bench]:
    """The panel of a year that is not over, up to yesterday."""
    source = RUNNING | {"end": str(YESTERDAY)}
    with open_bench(postgres, tmp_path / "lake", source, date(2015, 1, 1), date(2016, 1, 1)) as bench:
        bench.list_symbols()
        bench.run("refresh_panel", RUNNING_YEAR)
        yield bench


def test_refreshing_the_running_year_appends_only_the_new_session(running: Bench) -> None:
    before = running.desk.lake.current_snapshot()
    today = running.with_source(RUNNING | {"end": str(TODAY)})
    today.list_symbols()
    result = today.run("refresh_panel", RUNNING_YEAR)
    for table in ("market_data.bars_daily", *FEATURES):
        found = metadata_of(result, table)
        assert (found["rows_added"], found["rows_changed"], found["rows_removed"]) == (3, 0, 0)
        assert today.read(table).filter(pl.col("date") == TODAY).height == 3
    changed = diff(today.desk.lake, before, today.desk.lake.current_snapshot()).rows_by_key("table", named=True)
    panel = {table: rows[0] for table, rows in changed.items() if table != "market_data.symbols"}
    month = panel.pop("market_data.coverage")
    assert (month["added"], month["removed"]) == (3, 3), "the running month of each name has one more session"
    missing = panel.pop("market_data.anomalies")
    assert missing["added"] == missing["removed"], "the gap up to the end of the lake begins a session later"
    assert set(panel) == {"market_data.bars_daily", "labels.forward_return", *FEATURES}
    assert {table: (rows["added"], rows["removed"]) for table, rows in panel.items()} == dict.fromkeys(panel, (3, 0))
    # The label that ends today was decided seven sessions ago.
    decided = sessions("XNYS", date(2015, 10, 1), TODAY)[-7]
    assert today.read("labels.forward_return")["date"].max() == decided


@pytest.mark.parametrize("is_corrected", [False, True], ids=["new session", "corrected past"])
def test_a_refresh_leaves_the_features_that_all_sessions_give_at_once(
    running: Bench, postgres: PostgresUrl, tmp_path: Path, *, is_corrected: bool
) -> None:
    running.run("refresh_cross_section", THIS_YEAR)
    source: Source = make_source(RUNNING | {"end": str(TODAY)})
    if is_corrected:
        source = Corrected(Restated(source, "SIM0002", date(2015, 6, 3)))
    today = running.with_source(source)
    today.list_symbols()
    today.run("refresh_panel", RUNNING_YEAR)
    today.run("refresh_cross_section", THIS_YEAR)
    if not is_corrected:
        assert {last_scope(today, table) for table in FEATURES} == {f"3 symbols, {TODAY} to before 2016-01-01"}
        assert {last_scope(today, table) for table in IN_SQL} == {f"{TODAY} to before 2016-01-01"}
    with open_bench(postgres, tmp_path / "whole", source, date(2015, 1, 1), date(2016, 1, 1)) as whole:
        whole.list_symbols()
        whole.run("refresh_panel", RUNNING_YEAR)
        whole.run("refresh_cross_section", THIS_YEAR)
        for table in (*FEATURES, *IN_SQL):
            assert today.read(table).equals(whole.read(table)), table


def last_scope(bench: Bench, table: str) -> str:
    """Rows that the last write of a table computed."""
    return str(next(bench.desk.lake.ducklake.commits(table)).info["scope"])


@dataclass(frozen=True)
class Restated:
    """A source whose vendor has corrected the open of one bar."""

    inner: Source
    symbol: str
    day: date

    name = "restated"
    is_remote = False

    @property
    def offers(self) -> frozenset[str]:
        return self.inner.offers

    def symbols(self) -> pl.DataFrame:
        return self.inner.symbols()

    def bars(self, symbols: Sequence[str], start: date, end: date, interval: str = "1d") -> pl.DataFrame:
        bars = self.inner.bars(symbols, start, end, interval)
        corrected = (pl.col("symbol") == self.symbol) & (pl.col("date") == self.day)
        middle = (pl.col("high") + pl.col("low")) / 2
        return bars.with_columns(open=pl.when(corrected).then(middle).otherwise("open"))

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        return self.inner.corporate_actions(symbols, start, end)


@dataclass(frozen=True)
class Corrected(Restated):
    """A source whose vendor has found, beside that, a split of SIM0001 in April, and taken back a bar of SIM0003."""

    inner: Source
    symbol: str = ""
    day: date = date.max

    def bars(self, symbols: Sequence[str], start: date, end: date, interval: str = "1d") -> pl.DataFrame:
        bars = self.inner.bars(symbols, start, end, interval)
        return bars.filter(~((pl.col("symbol") == "SIM0003") & (pl.col("date") == date(2015, 7, 7))))

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        known = self.inner.corporate_actions(symbols, start, end)
        if "SIM0001" not in symbols:
            return known
        row = ("SIM0001", date(2015, 4, 10), "split", 3.0, datetime(2015, 4, 10, tzinfo=UTC))
        split = pl.DataFrame([row], schema=["symbol", "ex_date", "kind", "value", "known_at"], orient="row")
        return pl.concat([known, split.with_columns(source=pl.lit("vendor"))], how="diagonal_relaxed")


def test_a_restatement_changes_exactly_its_row_and_what_depends_on_it(running: Bench) -> None:
    day = date(2015, 6, 3)
    tables = ("market_data.bars_daily", "features.technical", "labels.forward_return")
    old = {table: running.read(table) for table in tables}
    restated = running.with_source(Restated(make_source(RUNNING | {"end": str(YESTERDAY)}), "SIM0002", day))
    result = restated.run("refresh_panel", RUNNING_YEAR)

    changed = {
        table: restated.read(table).join(old[table], on=old[table].columns, how="anti", nulls_equal=True)
        for table in tables
    }
    assert changed["market_data.bars_daily"].select("symbol", "date").rows() == [("SIM0002", day)]
    features = changed["features.technical"]
    assert features["symbol"].unique().to_list() == ["SIM0002"]
    assert features["date"].min() == day
    labels = changed["labels.forward_return"]
    assert labels["symbol"].unique().to_list() == ["SIM0002"]
    assert labels.filter((pl.col("entry_date") != day) & (pl.col("exit_date") != day)).is_empty()
    assert labels.height == 2
    for table, rows in changed.items():
        found = metadata_of(result, table)
        assert (found["rows_added"], found["rows_changed"], found["rows_removed"]) == (0, rows.height, 0)


# --- guards ------------------------------------------------------------------------------------------------------


def test_a_refused_step_is_tried_again_then_fails_with_the_named_error_and_writes_nothing(partial: Bench) -> None:
    snapshot = partial.desk.lake.current_snapshot()
    result = partial.run("refresh_panel", year_of_all("2015"), only=["features.technical"], raises=False)
    assert not result.success
    assert not result.get_asset_materialization_events()
    assert len([event for event in result.all_events if event.is_step_up_for_retry]) == 3
    error = next(event.step_failure_data.error for event in result.all_events if event.is_step_failure)
    assert error.cause.cls_name == "UpstreamNotReadyError"
    assert partial.desk.lake.current_snapshot() == snapshot


@pytest.mark.parametrize(
    ("job", "table", "corner", "missing"),
    [
        # features reach two years back, where the name has traded
        ("refresh_panel", "features.technical", {"date": "2015", "symbol": "SIM0001"}, "bars_daily .*: 2014.SIM0001"),
        # a label of December ends in January
        ("refresh_panel", "labels.forward_return", {"date": "2015", "symbol": "SIM0001"}, "daily .*: 2016.SIM0001"),
        ("refresh_cross_section", "features.cross_section", None, "technical .*: 2015.SIM0001, 2015.SIM0002"),
        ("train_models", "models.trained", {"date": "2015-03", "model": "lgbm_daily"}, "technical .*: 2014.SIM0001"),
        ("predict", "predictions.daily", {"date": "2015-03", "model": "lgbm_daily"}, "trained .*: 2015-02.lgbm_daily"),
        ("signal", "signals.scores", {"date": "2015-03", "strategy": "ml_alpha"}, "daily .*: 2015-03-31"),
        ("report_drift", "features.drift", None, "technical .*: 2014.SIM0001"),
        # a weekly book decides on Friday: the weights of Monday 2 March are those of 27 February
        ("trade_books", "portfolio.target_weights", {"date": "2015-03", "book": "main"}, "scores .*: 2015-02-27"),
        # the ledger is chronological: it needs every session since the book began
        ("trade_books", "backtest.pnl", {"date": "2014-02", "book": "main"}, "weights .*: 2014-01-31 of main.2014-01"),
    ],
)  # fmt: skip
def test_a_stage_refuses_to_run_before_its_inputs_and_says_which(
    partial: Bench, job: str, table: str, corner: dict[str, str] | None, missing: str
) -> None:
    snapshot = partial.desk.lake.current_snapshot()
    key = "2015-03" if job == "report_drift" else "2015"
    tags = multi_range(corner) if corner else {"dagster/partition": key}
    with pytest.raises(UpstreamNotReadyError, match=missing) as caught:
        partial.run(job, tags, only=siblings(partial, job, table))
    assert table.partition(".")[0] in str(caught.value)
    assert "Materialise them first" in str(caught.value)
    assert partial.desk.lake.current_snapshot() == snapshot


def test_what_has_no_partition_or_no_listing_is_not_waited_for(postgres: PostgresUrl, tmp_path: Path) -> None:
    """The source knows 2014 but the lake starts in 2015; SIM0002 ended in 2015."""
    with open_bench(postgres, tmp_path / "lake", SOURCE, date(2015, 1, 1), END) as bench:
        bench.list_symbols()
        bench.run("refresh_panel", year_of_all("2015"), only=RAW)
        bench.run("refresh_panel", year_of_all("2015"), only=["features.technical"])
        assert bench.read("features.technical")["date"].min() == date(2015, 1, 2)
        bench.run("refresh_panel", multi_range({"date": "2015", "symbol": "SIM0002"}), only=["labels.forward_return"])
        assert bench.read("labels.forward_return").height > 200
