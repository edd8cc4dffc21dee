"""Assets and checks of quality in real runs: on the offline sample, whose crash of AAPL is real."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import date

import dagster as dg
import polars as pl
import pytest

from trading_assets.desk.calendar import sessions
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets_tests.desks import multi_range
from trading_assets_tests.market_data.quality.quality_desks import PANEL, QualityDesk, Ran, open_quality_desk

START, END = date(2000, 1, 1), date(2002, 1, 1)
CRASH = date(2000, 9, 29)


@pytest.fixture(scope="module")
def desk(postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[QualityDesk]:
    folder = tmp_path_factory.mktemp("quality")
    with open_quality_desk(postgres, folder / "lake", {"kind": "sample"}, START, END) as opened:
        yield opened


def everything(desk: QualityDesk, first: str = "2000", last: str = "2001") -> dict[str, str]:
    names = desk.read("symbols")["symbol"].sort()
    return multi_range({"date": first, "symbol": names[0]}, {"date": last, "symbol": names[-1]})


@pytest.fixture(scope="module")
def ran(desk: QualityDesk) -> Ran:
    return desk.run(*PANEL, tags=everything(desk))


def test_the_coverage_of_the_sample_is_complete(desk: QualityDesk, ran: Ran) -> None:
    rows = desk.read("coverage")
    days = sessions("XNYS", date(2000, 3, 1), date(2001, 12, 31))
    apple = rows.filter(symbol="AAPL")
    assert apple["expected"].sum() == apple["present"].sum() == len(days)
    assert apple["period"].to_list() == sorted({day.replace(day=1) for day in days})
    assert (rows["present"] == rows["expected"]).all()
    assert ran.check("coverage", "complete").passed


def test_the_heat_map_is_shown_with_the_check_once_however_many_partitions_a_run_has(ran: Ran) -> None:
    text = ran.check("coverage", "complete").metadata["heat_map"].value
    kind, picture = text.removeprefix("![coverage by name and month](").removesuffix(")").split(",", 1)
    assert kind == "data:image/png;base64"
    assert base64.b64decode(picture).startswith(b"\x89PNG")
    made = [event for event in ran.result.get_asset_materialization_events() if event.asset_key.path[-1] == "coverage"]
    assert len(made) > 1
    assert all(len(str(event.materialization.metadata)) < 2000 for event in made)


def test_the_crash_of_apple_is_an_outlier_that_looks_real_and_no_split(desk: QualityDesk, ran: Ran) -> None:
    rows = desk.read("anomalies").filter(symbol="AAPL", date=CRASH)
    assert rows["kind"].to_list() == ["outlier"]
    assert rows["value"][0] == pytest.approx(25.75 / 53.50 - 1, abs=1e-6)
    assert "looks real" in rows["message"][0]
    split = date(2000, 6, 21)
    assert desk.read("anomalies").filter(symbol="AAPL", date=split).is_empty(), "a recorded split is no anomaly"


def test_anomalies_warn_with_a_table_and_stop_nothing(desk: QualityDesk, ran: Ran) -> None:
    assert ran.check("anomalies", "gaps").passed
    found = ran.check("anomalies", "anomalies")
    assert (found.passed, found.severity, found.blocking) == (False, dg.AssetCheckSeverity.WARN, False)
    shown = ran.violations("anomalies", "anomalies")
    assert {"symbol": "AAPL", "date": str(CRASH), "kind": "outlier"}.items() <= next(
        row.items() for row in shown if row["symbol"] == "AAPL" and row["date"] == str(CRASH)
    )
    counted = {record.data["kind"]: record.data["rows"] for record in ran.metadata("anomalies")["anomalies"].records}
    stored = desk.read("anomalies").group_by("kind").len()
    assert counted == {kind: str(count) for kind, count in stored.iter_rows()}
    assert ran.result.success


def test_years_one_by_one_say_what_the_range_said(desk: QualityDesk, ran: Ran) -> None:
    before = {table: desk.read(table) for table in ("coverage", "anomalies")}
    for year in ("2001", "2000"):
        again = desk.run("coverage", "anomalies", tags=everything(desk, year, year))
        assert {again.metadata(table)["rows_changed"] for table in before} == {0}
        assert {again.metadata(table)["rows_removed"] for table in before} == {0}
    assert all(desk.read(table).equals(rows) for table, rows in before.items())
    assert before["anomalies"].height > 0


def test_checks_of_the_bars_say_that_all_were_answered_from_one_feed(ran: Ran) -> None:
    assert ran.check("bars_daily", "answered").passed
    assert not ran.check("bars_daily", "answered").blocking
    assert ran.check("bars_daily", "one_feed").passed
    assert ran.check("bars_daily", "one_feed").blocking


def test_names_of_an_ended_history_are_not_proposed_to_be_delisted(desk: QualityDesk, ran: Ran) -> None:
    run = desk.run("symbol_maintenance")
    assert desk.read("symbol_maintenance").is_empty()
    assert run.check("symbol_maintenance", "delivering").passed


def test_the_sessions_before_a_year_must_be_there(postgres: PostgresUrl, tmp_path) -> None:
    with open_quality_desk(postgres, tmp_path / "lake", {"kind": "sample"}, START, END) as fresh:
        names = fresh.read("symbols")["symbol"].sort()
        later = multi_range({"date": "2001", "symbol": names[0]}, {"date": "2001", "symbol": names[-1]})
        with pytest.raises(Exception, match=r"market_data.anomalies .* needs partitions of market_data.bars_daily"):
            fresh.run(*PANEL, tags=later)
        assert fresh.read("anomalies").is_empty()
        assert fresh.read("bars_daily").height > 0


def test_all_rows_are_of_known_kinds(desk: QualityDesk, ran: Ran) -> None:
    kinds = set(desk.read("anomalies")["kind"].unique())
    assert kinds <= {"outlier", "stale", "zero_volume", "gap", "split_without_action"}
    assert pl.DataFrame(ran.violations("anomalies", "anomalies"))["kind"].is_in(list(kinds)).all()
