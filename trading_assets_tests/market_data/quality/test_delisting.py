"""Names that stop delivering bars are to be watched, then delisted; the outage of a source says nothing of a name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl
import pytest

from trading_assets.market_data.contract import SYMBOL_MAINTENANCE
from trading_assets.market_data.quality import QualityRules, propose_maintenance
from trading_assets_tests.market_data.quality.panels import SESSIONS, clean_bars, listed

NAMES = tuple("ABCDEFGH")
RULES = QualityRules()
NO_FAILURES = pl.DataFrame(schema=dict.fromkeys(("symbol", "source", "reason", "message"), pl.String))
DAYS = SESSIONS[:100]
CLEAN = clean_bars(NAMES, DAYS)


def proposed(
    bars: pl.DataFrame,
    *,
    symbols: pl.DataFrame | None = None,
    failures: pl.DataFrame = NO_FAILURES,
    days: Sequence[date] = DAYS,
    rules: QualityRules = RULES,
) -> pl.DataFrame:
    return propose_maintenance(
        listed(CLEAN) if symbols is None else symbols,
        bars.group_by("symbol").agg(last_bar=pl.col("date").max()),
        bars.group_by("date").agg(names=pl.len()),
        failures,
        days,
        rules,
    )


def stopped(name: str, sessions: int) -> pl.DataFrame:
    """Clean bars, of one name without those of the last sessions."""
    return CLEAN.filter((pl.col("symbol") != name) | (pl.col("date") < DAYS[len(DAYS) - sessions]))


def test_names_that_go_on_are_not_proposed() -> None:
    assert proposed(CLEAN).is_empty()
    assert proposed(CLEAN).schema == SYMBOL_MAINTENANCE.empty().schema


@pytest.mark.parametrize(
    ("sessions", "proposal"), [(1, None), (2, None), (3, "watch"), (9, "watch"), (10, "delist"), (60, "delist")]
)
def test_after_three_sessions_a_name_is_watched_after_ten_delisted(sessions: int, proposal: str | None) -> None:
    rows = proposed(stopped("C", sessions))
    expected = [("C", DAYS[-sessions - 1], sessions, proposal)] if proposal else []
    assert rows.drop("reason").rows() == expected
    if proposal == "delist":
        said = rows["reason"][0]
        assert (
            f"its last bar is of {DAYS[-sessions - 1]}: it missed {sessions} sessions in which other symbols traded"
            in said
        )
        assert "record its delisting (market_data.listings) or remove it from the universe" in said


def test_the_number_of_sessions_is_a_rule() -> None:
    rows = proposed(stopped("C", 4), rules=QualityRules(watch_after=2, delist_after=4))
    assert rows["proposal"].to_list() == ["delist"]


@pytest.mark.parametrize("answering", [0, 1, 3])
def test_sessions_in_which_most_names_are_missing_count_for_no_name(answering: int) -> None:
    kept = pl.col("symbol").is_in(NAMES[:answering])
    assert proposed(CLEAN.filter(kept | (pl.col("date") < DAYS[-30]))).is_empty()


def test_a_name_that_was_missing_before_an_outage_is_judged_by_the_sessions_before_it() -> None:
    bars = stopped("C", 24).filter(pl.col("date") < DAYS[-20])
    assert proposed(bars).drop("reason").rows() == [("C", DAYS[-25], 4, "watch")]


def test_half_of_the_names_stopping_on_one_day_are_all_proposed() -> None:
    """A universe with many delistings: the others prove that the market was there."""
    bars = CLEAN.filter((pl.col("symbol") > "D") | (pl.col("date") < DAYS[-15]))
    assert proposed(bars)["symbol"].to_list() == ["A", "B", "C", "D"]


def test_a_recorded_delisting_needs_no_proposal() -> None:
    symbols = listed(CLEAN).with_columns(delisted_on=pl.when(pl.col("symbol") == "C").then(pl.lit(DAYS[-40])))
    assert proposed(stopped("C", 40), symbols=symbols).is_empty()


def test_a_name_without_any_bar_misses_the_sessions_since_its_listing() -> None:
    new = pl.DataFrame({"symbol": ["NEW"], "first_session": [DAYS[-5]], "last_session": [DAYS[-1]]})
    symbols = pl.concat([listed(CLEAN), new], how="diagonal")
    rows = proposed(CLEAN, symbols=symbols)
    assert rows.drop("reason").rows() == [("NEW", None, 5, "watch")]
    assert rows["reason"][0].startswith("it has no bar: it missed 5 sessions in which other symbols traded")


@pytest.mark.parametrize("reason", ["unknown_symbol", "delisted"])
def test_a_name_that_its_source_does_not_know_any_more_is_proposed_at_once(reason: str) -> None:
    failure = pl.DataFrame({"symbol": ["C"], "source": ["yahoo"], "reason": [reason], "message": ["no such name"]})
    rows = proposed(CLEAN, failures=failure)
    assert rows.drop("reason").rows() == [("C", DAYS[-1], 0, "delist")]
    assert rows["reason"][0].startswith(f"yahoo reports {reason}: no such name; record its delisting")


@pytest.mark.parametrize("reason", ["outage", "rate_limited", "bad_answer", "no_data"])
def test_a_failure_that_may_pass_proposes_nothing(reason: str) -> None:
    failure = pl.DataFrame({"symbol": ["C"], "source": ["yahoo"], "reason": [reason], "message": ["later"]})
    assert proposed(CLEAN, failures=failure).is_empty()


def test_an_empty_lake_proposes_nothing() -> None:
    assert proposed(CLEAN.clear()).is_empty()
    assert proposed(CLEAN.clear(), days=[]).is_empty()
