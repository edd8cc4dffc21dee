"""A remote source into the lake: only what is new is requested, nothing is lost or doubled, failures are reported.

The same asset as in production runs here; only the source is a stand-in, which records its requests.
"""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from datetime import date
from functools import partial

import dagster as dg
import polars as pl
import pytest

from trading_assets.desk.calendar import sessions
from trading_assets.desk.retries import MAX_RETRIES
from trading_assets.lake import LakeFrame, Scope
from trading_assets.lake.store.hashing import content_hash
from trading_assets.market_data.assets.common import REFETCH_TAG
from trading_assets.market_data.contract import BARS_DAILY, SOURCE_FAILURES
from trading_assets.market_data.ingest import CatchAll, SourcedTable, ingest, read_bars
from trading_assets.market_data.ingest.plan import partition_state, plan_sessions
from trading_assets.market_data.ingest.settle import settle_bars
from trading_assets.market_data.sources import (
    SimulationParameters,
    SourceUnavailableError,
    UnknownSymbolError,
)
from trading_assets_tests.desks import metadata_of, multi_range, open_bench
from trading_assets_tests.market_data.remote import RemoteSource
from trading_assets_tests.processes import context

PARAMETERS = SimulationParameters(seed=3, n_symbols=5, start=date(2015, 1, 2), end=date(2016, 12, 30))
START, END = date(2015, 1, 1), date(2017, 1, 1)
DAYS = sessions("XNYS", START, date(2016, 12, 30))
BARS = BARS_DAILY.table
DOWN = SourceUnavailableError("remote cannot be reached; check the network")


@pytest.fixture
def remote():
    return RemoteSource(PARAMETERS, until=DAYS[-6])


@pytest.fixture
def bench(postgres, tmp_path, remote):
    with open_bench(postgres, tmp_path, remote, START, END) as opened:
        opened.list_symbols()
        yield opened


def everything(bench):
    names = bench.read("market_data.symbols")["symbol"].sort()
    return multi_range({"date": "2015", "symbol": names[0]}, {"date": "2016", "symbol": names[-1]})


def refresh(bench, **tags):
    return bench.run("refresh_panel", everything(bench) | tags, only=[BARS])


def failures(bench):
    return LakeFrame(bench.desk.lake, SOURCE_FAILURES).read(table_name=BARS).select("symbol", "reason").rows()


def test_a_lake_that_ends_within_a_year_requests_nothing_after_its_end(postgres, tmp_path, remote):
    with open_bench(postgres, tmp_path, remote, START, date(2016, 7, 1)) as bench:
        bench.list_symbols()
        refresh(bench)
        assert {asked[2] for asked in remote.asked} == {date(2016, 6, 30)}
        assert bench.read(BARS)["date"].max() == date(2016, 6, 30)


def test_a_second_run_requests_the_newest_sessions_alone_and_changes_nothing(bench, remote):
    first = refresh(bench)
    before = bench.hashes(BARS)
    remote.asked.clear()
    second = refresh(bench)
    assert metadata_of(first, BARS)["rows_added"] == bench.read(BARS).height > 0
    assert {asked[2] for asked in remote.asked} == {DAYS[-1]}
    assert min(asked[1] for asked in remote.asked) == DAYS[-5], "the sessions after the last bar"
    changes = {name: metadata_of(second, BARS)[name] for name in ("rows_added", "rows_changed", "rows_removed")}
    assert set(changes.values()) == {0}
    assert bench.hashes(BARS) == before


def test_new_sessions_are_added_and_late_corrections_of_the_last_ones_are_found(bench, remote):
    refresh(bench)
    remote.until = DAYS[-1]
    remote.asked.clear()
    assert metadata_of(refresh(bench), BARS)["rows_added"] == 5 * len(remote.asked[0][0])
    corrected = (pl.col("date") == DAYS[-2]) & (pl.col("symbol") == "SIM0001")
    remote.change = lambda rows: rows.with_columns(
        volume=pl.when(corrected).then(pl.col("volume") + 1000).otherwise("volume")
    )
    again = refresh(bench)
    assert metadata_of(again, BARS)["rows_changed"] == 1
    assert metadata_of(again, BARS)["rows_added"] == 0


def test_an_old_correction_is_found_when_everything_is_requested_again(bench, remote):
    refresh(bench)
    corrected = (pl.col("date") == DAYS[5]) & (pl.col("symbol") == "SIM0001")
    remote.change = lambda rows: rows.with_columns(
        volume=pl.when(corrected).then(pl.col("volume") + 1000).otherwise("volume")
    )
    assert metadata_of(refresh(bench), BARS)["rows_changed"] == 0
    assert metadata_of(refresh(bench, **{REFETCH_TAG: "all"}), BARS)["rows_changed"] == 1


def test_one_bad_symbol_is_reported_and_stops_no_other_and_the_report_goes_when_it_answers(bench, remote):
    remote.failures["SIM0002"] = UnknownSymbolError("remote does not know 'SIM0002'; take it out of the universe")
    made = refresh(bench)
    assert "SIM0002" not in bench.read(BARS)["symbol"].unique().to_list()
    assert bench.read(BARS)["symbol"].n_unique() == bench.read("market_data.symbols").height - 1
    assert failures(bench) == [("SIM0002", "unknown_symbol")]
    assert metadata_of(made, BARS)["symbols_unanswered"] == 1
    remote.failures.clear()
    refresh(bench, **{REFETCH_TAG: "all"})
    assert failures(bench) == []
    assert "SIM0002" in bench.read(BARS)["symbol"].unique().to_list()


def test_what_may_pass_is_tried_again_and_then_reported_while_the_others_are_kept(bench, remote):
    remote.failures["SIM0002"] = DOWN
    made = refresh(bench)
    retries = [event for event in made.all_events if event.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY]
    assert len(retries) == MAX_RETRIES
    assert failures(bench) == [("SIM0002", "outage")]
    others = [asked for asked in remote.asked if "SIM0002" not in asked[0]]
    assert all(asked[1] >= DAYS[-5] for asked in others), "what had arrived was requested again as a whole"


def test_an_outage_fails_the_step_and_leaves_the_lake_as_it_was(bench, remote):
    refresh(bench)
    before = bench.hashes()
    remote.failures[None] = DOWN
    with pytest.raises(SourceUnavailableError, match="check the network"):
        refresh(bench)
    assert bench.hashes() == before


def test_a_fallback_answers_for_the_primary_and_is_seen_in_rows_and_metadata(postgres, tmp_path, remote):
    values = {"other_sources": {"spare": {"kind": "simulated", **_as_setting(PARAMETERS)}}}
    with open_bench(postgres, tmp_path, remote, START, END, **values) as bench:
        bench.list_symbols()
        remote.failures["SIM0002"] = DOWN
        made = refresh(bench)
        by_source = dict(bench.read(BARS).group_by("source").agg(pl.col("symbol").n_unique()).rows())
    assert by_source == {"remote": by_source["remote"], "simulated": 1}
    found = metadata_of(made, BARS)
    assert (found["primary_source"], found["symbols_by_fallback"], found["symbols_unanswered"]) == ("remote", 1, 0)
    assert found["symbols_by_source"] == {"remote": by_source["remote"], "simulated": 1}


def test_bad_bars_of_an_answer_are_quarantined_and_the_stored_ones_stay(bench, remote):
    remote.until = DAYS[-1]
    refresh(bench)
    before = bench.hashes(BARS)
    wrong = (pl.col("date") == DAYS[-2]) & (pl.col("symbol") == "SIM0001")
    remote.change = lambda rows: rows.with_columns(close=pl.when(wrong).then(-1.0).otherwise("close"))
    refresh(bench)
    assert bench.hashes(BARS) == before
    found = bench.quarantined(BARS)
    assert found.select("symbol", "date").rows() == [("SIM0001", DAYS[-2])]
    assert "close: greater_than(0)" in found["rule"][0]


# --- kill -9


class DyingSource(RemoteSource):
    """A remote source whose process is killed at the third request."""

    def bars(self, symbols, start, end, interval="1d"):
        """Answer, or die."""
        if len(self.asked) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().bars(symbols, start, end, interval)


NAMES = ("SIM0001", "SIM0002", "SIM0003", "SIM0004", "SIM0005")
SCOPE = Scope(
    {"symbol": NAMES}, "date", START, END, tuple(sorted(f"{y}|{name}" for y in (2015, 2016) for name in NAMES))
)
READ = partial(read_bars, catch_all=CatchAll("", date.max), known=(DAYS[0], DAYS[-1]), interval="1d")


def fill(lake, source):
    """What the asset does, with batches of one name."""
    state = partition_state(lake, BARS_DAILY, SCOPE)
    plan = plan_sessions(SCOPE, state, {}, DAYS, refetch_sessions=3, batch_size=1)
    table = SourcedTable(BARS_DAILY, READ, settle=settle_bars, has_sessions=True)
    return ingest(lake, table, [source], SCOPE, plan, author="test")


def test_a_run_that_was_killed_goes_on_where_it_stopped(lake):
    dying, patient = DyingSource(PARAMETERS), RemoteSource(PARAMETERS)
    child = context.Process(target=fill, args=(lake, replace(dying, change=_same)))
    child.start()
    child.join(120)
    assert child.exitcode == -signal.SIGKILL
    assert LakeFrame(lake, BARS_DAILY).read()["symbol"].unique().sort().to_list() == ["SIM0001", "SIM0002"]
    found = fill(lake, replace(patient, change=_same, asked=patient.asked))
    whole = [asked[0] for asked in patient.asked if asked[1] == DAYS[0]]
    assert whole == [("SIM0003",), ("SIM0004",), ("SIM0005",)]
    stored = LakeFrame(lake, BARS_DAILY).read()
    expected = patient.bars(NAMES, START, DAYS[-1])
    assert stored.select("symbol", "date").is_unique().all()
    assert stored.drop("source").equals(expected.select(BARS_DAILY.schema.keys()).drop("source"))
    assert found.result.content_hash == content_hash(stored, key=BARS_DAILY.key)


def _same(rows):
    return rows


def _as_setting(parameters):
    return {
        "seed": parameters.seed,
        "n_symbols": parameters.n_symbols,
        "start": parameters.start,
        "end": parameters.end,
    }


def test_a_symbol_without_an_answer_today_stays_in_the_universe(bench, remote):
    before = bench.read("market_data.symbols")
    remote.failures["SIM0002"] = DOWN
    bench.run("refresh_symbols")
    assert bench.read("market_data.symbols").equals(before)
    failed = LakeFrame(bench.desk.lake, SOURCE_FAILURES).read(table_name="market_data.symbols")
    assert failed.select("symbol", "reason").rows() == [("SIM0002", "outage")]
