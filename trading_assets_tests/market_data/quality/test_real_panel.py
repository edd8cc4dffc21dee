"""7,072 real names over two years: what is known to be wrong with them is told, within seconds."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from trading_assets.desk.calendar import sessions
from trading_assets.market_data.contract import BARS_DAILY
from trading_assets.market_data.quality import QualityRules, anomalies, coverage, propose_maintenance
from trading_assets.market_data.split_jumps import split_like_jumps
from trading_assets_tests.market_data.vendors import daily_actions, daily_deliveries

pytestmark = pytest.mark.slow

FILE = "us_daily_2015_2017.parquet"
DAYS = sessions("XNYS", date(2015, 3, 20), date(2017, 3, 31))
RULES = QualityRules()


@dataclass(frozen=True)
class Panel:
    """The set divided as the lake divides it, and what quality says of it."""

    bars: pl.DataFrame
    quarantined: pl.DataFrame
    symbols: pl.DataFrame
    coverage: pl.DataFrame
    anomalies: pl.DataFrame
    seconds: dict[str, float]


@pytest.fixture(scope="module")
def panel(shared_data: Path) -> Panel:
    rows = daily_deliveries(shared_data)
    holiday = {"not a session": ~pl.col("date").is_in(DAYS)}
    split = BARS_DAILY.split(
        rows.with_columns(source=pl.lit("vendor"), feed=pl.lit(None, pl.String), adjustment=pl.lit("none")), holiday
    )
    symbols = rows.group_by("symbol").agg(first_session=pl.col("date").min(), last_session=pl.col("date").max())
    symbols = symbols.with_columns(delisted_on=pl.lit(None, dtype=pl.Date)).sort("symbol")
    actions = daily_actions(rows).drop_nulls("ex_date")
    seconds, bars = {}, split.good
    started = time.perf_counter()
    counted = coverage(bars, split.quarantined, symbols, DAYS)
    seconds["coverage"] = time.perf_counter() - started
    started = time.perf_counter()
    jumps = split_like_jumps(bars, actions)
    seconds["jumps"] = time.perf_counter() - started
    started = time.perf_counter()
    found = anomalies(bars, actions, split.quarantined, symbols, DAYS, jumps=jumps, rules=RULES)
    seconds["anomalies"] = time.perf_counter() - started
    return Panel(bars, split.quarantined, symbols, counted, found, seconds)


def test_every_row_of_the_set_is_present_or_in_quarantine(panel: Panel, shared_data: Path) -> None:
    rows = pl.scan_parquet(shared_data / FILE).select(pl.len()).collect().item()
    assert panel.coverage["present"].sum() + panel.coverage["quarantined"].sum() == rows == 3_099_739


def test_stray_rows_of_holidays_and_prices_that_are_none_are_in_quarantine(panel: Panel) -> None:
    strays = panel.quarantined.filter(pl.col("rule") == "not a session")
    assert strays["date"].n_unique() == 18
    assert not set(strays["date"]) & set(DAYS)
    prices = panel.quarantined.filter(pl.col("rule").str.contains("greater_than"))
    assert prices.height == 12
    held = panel.coverage.filter(pl.col("quarantined") > 0)
    assert held["quarantined"].sum() == panel.quarantined.height
    dates = prices.filter(pl.col("date").is_in(DAYS)).select("symbol", "date")
    told = panel.anomalies.filter(kind="gap").join(dates, on=["symbol", "date"])
    assert told.height == dates.height
    assert told["message"].str.contains("its bar is in quarantine").all()


def test_gaps_are_exactly_the_first_ten_sessions_of_every_hole(panel: Panel) -> None:
    """Counted again with a grid of all names and sessions."""
    grid = panel.symbols.select("symbol", "first_session").join(pl.DataFrame({"date": DAYS}), how="cross")
    grid = grid.filter(pl.col("date") >= pl.col("first_session")).sort("symbol", "date")
    held = panel.bars.select("symbol", "date", here=True)
    holes = grid.join(held, on=["symbol", "date"], how="left", maintain_order="left")
    holes = holes.with_columns(run=pl.col("here").fill_null(value=False).cum_sum().over("symbol")).filter(
        pl.col("here").is_null()
    )
    place = pl.int_range(pl.len()).over("symbol", "run")
    expected = holes.filter(place < RULES.gap_sessions).select("symbol", "date").sort("symbol", "date")
    assert panel.anomalies.filter(kind="gap").select("symbol", "date").equals(expected)
    missing = panel.coverage["expected"].sum() - panel.coverage["present"].sum()
    assert missing == holes.height


def test_names_that_stopped_trading_are_proposed_to_be_delisted_and_no_others(panel: Panel) -> None:
    last = panel.bars.group_by("symbol").agg(last_bar=pl.col("date").max())
    traded = panel.bars.group_by("date").agg(names=pl.len())
    nothing = pl.DataFrame(schema=dict.fromkeys(("symbol", "source", "reason", "message"), pl.String))
    started = time.perf_counter()
    proposed = propose_maintenance(panel.symbols, last, traded, nothing, DAYS, RULES)
    panel.seconds["maintenance"] = time.perf_counter() - started
    gone = last.filter(pl.col("last_bar") <= DAYS[-1 - RULES.delist_after])
    assert proposed.filter(proposal="delist")["symbol"].to_list() == sorted(gone["symbol"])
    watched = last.filter(pl.col("last_bar").is_between(DAYS[-RULES.delist_after], DAYS[-1 - RULES.watch_after]))
    assert proposed.filter(proposal="watch")["symbol"].to_list() == sorted(watched["symbol"])
    assert gone.height >= 971


def test_a_session_with_few_names_is_no_evidence_against_the_others(panel: Panel) -> None:
    """The bars of the last sessions taken away from all but 24 names, as on a holiday with stray rows."""
    some = panel.symbols["symbol"].head(24)
    bars = panel.bars.filter((pl.col("date") < DAYS[-20]) | pl.col("symbol").is_in(some.to_list()))
    nothing = pl.DataFrame(schema=dict.fromkeys(("symbol", "source", "reason", "message"), pl.String))
    proposed = propose_maintenance(
        panel.symbols,
        bars.group_by("symbol").agg(last_bar=pl.col("date").max()),
        bars.group_by("date").agg(names=pl.len()),
        nothing,
        DAYS,
        RULES,
    )
    assert proposed.height < 1_100


def test_anomalies_are_few_and_found_within_a_minute(panel: Panel, capsys: pytest.CaptureFixture[str]) -> None:
    counts = dict(panel.anomalies.group_by("kind").len().iter_rows())
    with capsys.disabled():
        said = ", ".join(f"{name} {value:.1f} s" for name, value in panel.seconds.items())
        sys.stdout.write(f"\nquality of {panel.bars.height:,} bars: {said}; {counts}\n")
    assert counts["outlier"] / panel.bars.height < 0.002
    assert counts["split_without_action"] < 100
    assert counts["stale"] < counts["zero_volume"] < 100_000
    assert panel.seconds["coverage"] + panel.seconds["anomalies"] < 60
