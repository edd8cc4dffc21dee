"""A desk whose files have one defect each: every table and check names it, and no name keeps another from anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import polars as pl
import pytest

from trading_assets.desk.calendar import sessions
from trading_assets.desk.checks import ScopeCheck
from trading_assets.lake import Lake, Scope
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.lake.store.history import snapshots
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.checks import CHECKS
from trading_assets.market_data.contract import BARS_DAILY, SOURCE_FAILURES
from trading_assets.market_data.source_policy import SourcePolicy
from trading_assets.market_data.sources import SourceUnavailableError
from trading_assets.orchestration import maintenance
from trading_assets_tests.desks import multi_range
from trading_assets_tests.lake.examples import symbol_years
from trading_assets_tests.market_data.quality.panels import at, clean_bars, scaled
from trading_assets_tests.market_data.quality.quality_desks import PANEL, RAW, QualityDesk, Ran, open_quality_desk

pytestmark = pytest.mark.slow

START, END = date(2015, 1, 1), date(2016, 1, 1)
DAYS = sessions("XNYS", START, date(2015, 12, 31))
NAMES = ("BAD", "GOOD", "HOLE", "STOP", "WELL")
ALL = multi_range({"date": "2015", "symbol": "BAD"}, {"date": "2015", "symbol": "WELL"})
CLEAN = clean_bars(NAMES, DAYS)


def with_defects(bars: pl.DataFrame) -> pl.DataFrame:
    """BAD has a wrong price and a negative one, HOLE misses three sessions, STOP ends thirty before the others."""
    kept = ~((pl.col("symbol") == "HOLE") & pl.col("date").is_in(DAYS[100:103]))
    bars = bars.filter(kept & ((pl.col("symbol") != "STOP") | (pl.col("date") < DAYS[-30])))
    bars = scaled(bars, at("BAD", DAYS[150]), 1.4)
    return bars.with_columns(low=pl.when(at("BAD", DAYS[200])).then(-1.0).otherwise("low"))


def check_of(table: str, name: str) -> ScopeCheck:
    return next(one for one in CHECKS if one.contract.table == table and name in one.names)


def in_file(folder: Path, name: str, bars: pl.DataFrame) -> dict[str, object]:
    path = folder / f"{name}.parquet"
    bars.drop("source").write_parquet(path)
    return {"kind": "files", "path": str(path)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bad_desk")


@pytest.fixture(scope="module")
def desk(postgres: PostgresUrl, folder: Path) -> Iterator[QualityDesk]:
    """The files say when a name ended; here they do not, as with a vendor that is asked over a network."""
    second = in_file(folder, "second", scaled(CLEAN.filter(pl.col("symbol") != "WELL"), at("GOOD", DAYS[9]), 1.02))
    with open_quality_desk(
        postgres, folder / "lake", in_file(folder, "first", with_defects(CLEAN)), START, END,
        other_sources={"second": second}, compare_with="second", retention_days=1,
    ) as opened:  # fmt: skip
        opened.lake.cursor().execute("UPDATE lake.market_data.symbols SET delisted_on = NULL")
        yield opened


@pytest.fixture(scope="module")
def ran(desk: QualityDesk) -> Ran:
    return desk.run(*PANEL, "source_comparison", tags=ALL)


def test_each_defect_is_one_anomaly_and_nothing_else_is(desk: QualityDesk, ran: Ran) -> None:
    rows = desk.read("anomalies")
    assert ran.result.success
    assert rows.select("symbol", "date", "kind").rows() == [
        ("BAD", DAYS[150], "outlier"),
        ("BAD", DAYS[200], "gap"),
        *(("HOLE", day, "gap") for day in DAYS[100:103]),
        *(("STOP", day, "gap") for day in DAYS[-30:-20]),
    ]
    assert "its bar is in quarantine (low: greater_than(0))" in rows.filter(symbol="BAD", kind="gap")["message"][0]


def test_the_check_of_gaps_lists_runs_the_longest_first(ran: Ran) -> None:
    found = ran.check("anomalies", "gaps")
    assert (found.passed, found.severity, found.blocking) == (False, dg.AssetCheckSeverity.WARN, False)
    runs = [(row["symbol"], row["first_date"], row["sessions"]) for row in ran.violations("anomalies", "gaps")]
    assert runs == [("STOP", str(DAYS[-30]), "10"), ("HOLE", str(DAYS[100]), "3"), ("BAD", str(DAYS[200]), "1")]
    assert [row["symbol"] for row in ran.violations("anomalies", "anomalies")] == ["BAD"]


def test_the_coverage_counts_what_is_missing_and_what_is_in_quarantine(desk: QualityDesk, ran: Ran) -> None:
    totals = desk.read("coverage").group_by("symbol").agg(pl.col("expected", "present", "quarantined").sum())
    year = len(DAYS)
    assert totals.sort("symbol").rows() == [
        ("BAD", year, year - 1, 1),
        ("GOOD", year, year, 0),
        ("HOLE", year, year - 3, 0),
        ("STOP", year, year - 30, 0),
        ("WELL", year, year, 0),
    ]
    worst = [record.data["symbol"] for record in ran.check("coverage", "complete").metadata["worst_names"].records]
    assert worst == ["STOP", "HOLE", "BAD", "GOOD", "WELL"]


def test_thin_months_fail_the_check_of_the_coverage_without_blocking(ran: Ran) -> None:
    found = ran.check("coverage", "complete")
    assert (found.passed, found.severity, found.blocking) == (False, dg.AssetCheckSeverity.WARN, False)
    thin = [(row["symbol"], row["period"]) for row in ran.violations("coverage", "complete")]
    assert thin == [("STOP", "2015-12-01"), ("STOP", "2015-11-01"), ("HOLE", "2015-05-01")]


def test_the_second_source_is_compared_and_a_name_it_lacks_is_left_out(desk: QualityDesk, ran: Ran) -> None:
    rows = desk.read("source_comparison")
    assert rows["symbol"].unique().to_list().count("WELL") == 0
    assert rows.filter(symbol="GOOD").select("date", "field").rows() == [
        (DAYS[9], name) for name in ("close", "high", "low", "open")
    ]
    assert rows.filter(symbol="GOOD")["difference"].to_list() == pytest.approx([1 - 1 / 1.02] * 4)
    assert set(rows.filter(symbol="STOP")["field"]) == {"presence"}
    assert ran.metadata("source_comparison")["names_not_compared"] == 1
    found = ran.check("source_comparison", "comparison")
    assert (found.passed, found.severity, found.blocking) == (False, dg.AssetCheckSeverity.WARN, False)


@dataclass(frozen=True)
class Remote:
    """A second source behind a network: what it is asked for, and whether it answers."""

    answers: bool = True
    asked: list[tuple[date, date]] = field(default_factory=list)
    name: str = "remote"
    is_remote: bool = True

    def bars(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        self.asked.append((start, end))
        if not self.answers:
            raise SourceUnavailableError("remote does not answer")
        return scaled(CLEAN.filter(pl.col("date").is_between(start, end)), at("GOOD", DAYS[-2]), 1.02)


def test_a_source_behind_a_network_is_requested_for_the_newest_sessions_and_earlier_rows_stay(
    desk: QualityDesk, ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = desk.read("source_comparison")
    newest = pl.col("date") >= DAYS[-20]
    for source in (Remote(), Remote(answers=False)):
        monkeypatch.setattr(SourcePolicy, "comparison_source", source)
        run = desk.run("source_comparison", tags=ALL)
        assert source.asked == [(DAYS[-20], DAYS[-1])]
        rows = desk.read("source_comparison")
        assert rows.filter(~newest).equals(before.filter(~newest))
        assert set(rows.filter(newest)["other_source"]) == {"remote"}
        assert rows.filter(newest, symbol="GOOD")["field"].to_list() == ["close", "high", "low", "open"]
        assert run.metadata("source_comparison")["names_not_compared"] == (0 if source.answers else len(NAMES))
    monkeypatch.undo()
    desk.run("source_comparison", tags=ALL)
    assert desk.read("source_comparison").equals(before)


def test_a_name_that_stopped_is_proposed_to_be_delisted(desk: QualityDesk, ran: Ran) -> None:
    run = desk.run("symbol_maintenance")
    assert desk.read("symbol_maintenance").drop("reason").rows() == [("STOP", DAYS[-31], 30, "delist")]
    assert "it missed 30 sessions in which other symbols traded" in desk.read("symbol_maintenance")["reason"][0]
    assert not run.check("symbol_maintenance", "delivering").passed
    assert run.violations("symbol_maintenance", "delivering")[0]["symbol"] == "STOP"


@pytest.fixture
def unanswered(desk: QualityDesk, ran: Ran) -> Iterator[None]:
    """HOLE was not answered for at the last try."""
    row = (BARS_DAILY.table, "HOLE", "first", "unknown_symbol", "correct the spelling", datetime.now(UTC))
    failures = pl.DataFrame([row], schema=SOURCE_FAILURES.schema, orient="row")
    replace(desk.lake, SOURCE_FAILURES, failures, Scope())
    yield
    replace(desk.lake, SOURCE_FAILURES, failures.clear(), Scope())


def test_a_name_without_an_answer_fails_the_check_with_its_remedy_and_blocks_nothing(
    desk: QualityDesk, unanswered: None
) -> None:
    check = check_of(BARS_DAILY.table, "answered")
    result = next(iter(check.results(desk.bench.desk, symbol_years(*NAMES, year=2015), "")))
    assert (result.passed, result.severity, check.blocking) == (False, dg.AssetCheckSeverity.ERROR, False)
    said = "symbol HOLE, source first, reason unknown_symbol, message correct the spelling"
    assert said in (result.description or "")
    others = symbol_years("BAD", "GOOD", year=2015)
    assert next(iter(check.results(desk.bench.desk, others, ""))).passed, "a run of other names has no part in it"


def test_a_name_that_its_source_does_not_know_is_proposed_at_once(desk: QualityDesk, unanswered: None) -> None:
    run = desk.run("symbol_maintenance")
    assert run.violations("symbol_maintenance", "delivering")[0]["symbol"] == "HOLE"
    reason = desk.read("symbol_maintenance").filter(symbol="HOLE")["reason"][0]
    assert "first reports unknown_symbol: correct the spelling" in reason


# --- restatements and maintenance: the story of one bar -------------------------------------------------------------


def test_a_restated_bar_is_reported_once_and_kept_when_its_snapshots_are_gone(
    postgres: PostgresUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = in_file(tmp_path, "bars", CLEAN)
    with open_quality_desk(postgres, tmp_path / "lake", source, START, END, retention_days=1) as desk:
        later = count(30)
        monkeypatch.setattr(maintenance, "now", lambda: datetime.now(UTC) + timedelta(days=next(later)))
        desk.run(*RAW, tags=ALL)
        known = snapshots(desk.lake)["snapshot"].to_list()
        desk.run("maintenance")
        assert set(known) <= set(snapshots(desk.lake)["snapshot"]), "nothing is forgotten before the first report"

        first = desk.run("restatements")
        assert first.check("restatements", "restated").passed
        assert desk.read("restatements").is_empty()

        changed = desk.with_source(in_file(tmp_path, "changed", scaled(CLEAN, at("GOOD", DAYS[20]), 1.01)))
        changed.run(*RAW, tags=ALL)
        desk.run("maintenance")
        oldest = snapshots(desk.lake)["snapshot"].min()
        assert oldest == first.metadata("restatements")["reported_through"], "what is not reported is kept"

        second = desk.run("restatements")
        rows = desk.read("restatements")
        fields = ["close", "high", "low", "open"]
        assert rows.select("symbol", "date", "field").rows() == [("GOOD", DAYS[20], name) for name in fields]
        assert (rows["new"] / rows["old"]).to_list() == pytest.approx([1.01] * 4)
        found = second.check("restatements", "restated")
        assert (found.passed, found.severity, found.blocking) == (False, dg.AssetCheckSeverity.WARN, False)
        assert [row["field"] for row in second.violations("restatements", "restated")] == fields

        changed.run(*RAW, tags=ALL)
        desk.run("maintenance")
        assert snapshots(desk.lake)["snapshot"].min() > rows["snapshot"].max(), "what is reported is forgotten"
        third = desk.run("restatements")
        assert third.check("restatements", "restated").passed, "a fetch of the same values restates nothing"
        assert desk.read("restatements").equals(rows), "what was found is kept"


# --- one feed -------------------------------------------------------------------------------------------------------


def test_bars_of_two_feeds_of_one_source_block_and_name_the_symbols_and_days(lake: Lake) -> None:
    check, scope = check_of(BARS_DAILY.table, "one_feed"), symbol_years(*NAMES, year=2015)
    origin = {"source": pl.lit("alpaca"), "feed": pl.lit("sip"), "adjustment": pl.lit("none")}
    bars = CLEAN.with_columns(**origin).select(BARS_DAILY.schema.keys())

    def outcome() -> dg.AssetCheckResult:
        return next(iter(check.results(SimpleNamespace(lake=lake), scope, "")))

    replace(lake, BARS_DAILY, bars, scope)
    assert outcome().passed
    other_source = pl.when(pl.col("symbol") == "WELL").then(pl.lit("yahoo")).otherwise("source")
    no_feed = pl.when(pl.col("symbol") == "WELL").then(None).otherwise("feed")
    replace(lake, BARS_DAILY, bars.with_columns(source=other_source, feed=no_feed), scope)
    assert outcome().passed, "another source may have no feeds at all"
    two_feeds = pl.when(at("GOOD", DAYS[3]) | at("GOOD", DAYS[7])).then(pl.lit("iex")).otherwise("feed")
    replace(lake, BARS_DAILY, bars.with_columns(feed=two_feeds), scope)
    result = outcome()
    assert (result.passed, check.blocking) == (False, True)
    shown = result.metadata["first_violations"]
    assert isinstance(shown, dg.TableMetadataValue)
    assert [dict(record.data) for record in shown.records] == [
        {
            "symbol": "GOOD", "source": "alpaca", "feed": "iex", "feed_of_the_other_bars": "sip", "bars": "2",
            "first_date": str(DAYS[3]), "last_date": str(DAYS[7]), "remedy": "fetch them again from one feed",
        }
    ]  # fmt: skip


# --- one bad name ---------------------------------------------------------------------------------------------------


def test_a_name_that_was_never_answered_keeps_no_other_from_being_judged(postgres: PostgresUrl, tmp_path: Path) -> None:
    """Its bars were not written, so they are not waited for; without its failure they would be."""
    source = in_file(tmp_path, "bars", CLEAN)
    with open_quality_desk(postgres, tmp_path / "lake", source, START, END) as fresh:
        some = multi_range({"date": "2015", "symbol": "BAD"}, {"date": "2015", "symbol": "STOP"})
        fresh.run(*RAW, tags=some)
        with pytest.raises(Exception, match=r"needs partitions of market_data.bars_daily .* 2015\|WELL"):
            fresh.run("coverage", "anomalies", tags=ALL)
        rows = [(f"market_data.{table}", "WELL", "first", "outage", "ask again", datetime.now(UTC)) for table in RAW]
        failures = pl.DataFrame(rows, schema=SOURCE_FAILURES.schema, orient="row")
        replace(fresh.lake, SOURCE_FAILURES, failures, Scope())
        fresh.run("coverage", "anomalies", tags=ALL)
        assert fresh.read("anomalies")["symbol"].unique().to_list() == ["WELL"]
        coverage = fresh.read("coverage").group_by("symbol").agg(pl.col("present").sum()).sort("symbol")
        assert coverage["present"].to_list() == [len(DAYS)] * 4 + [0]
