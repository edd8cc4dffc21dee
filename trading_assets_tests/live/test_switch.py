"""The record of decisions and the kill switch in it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from trading_assets.live import switch
from trading_assets.live.errors import TradingSettingsError
from trading_assets_tests.processes import Together

NOON = datetime(2024, 1, 2, 17, 0, tzinfo=UTC)
SESSION = date(2024, 1, 2)


def record_many(lake, writer, count):
    for number in range(count):
        switch.record(lake, NOON, [switch.Decision("main", switch.SEND, f"{writer} {number}", SESSION)])


def test_nothing_is_stopped_where_nothing_was_ever_said(lake):
    assert switch.why_stopped(lake, "main") is None
    assert switch.decisions_of(lake).is_empty()


def test_a_stopped_book_says_since_when_why_and_how_to_go_on_and_stops_no_other(lake):
    switch.stop(lake, NOON, "main", "odd fills")
    reason = switch.why_stopped(lake, "main")
    assert reason == (
        "the book 'main' is stopped since 2024-01-02 17:00 UTC (odd fills); "
        "to go on: trading-assets resume main --reason ..."
    )
    assert switch.why_stopped(lake, "other") is None


def test_stopping_all_books_stops_each_until_all_are_released(lake):
    switch.stop(lake, NOON, switch.ALL_BOOKS, "broken feed")
    assert "all books are stopped" in str(switch.why_stopped(lake, "main"))
    switch.release(lake, NOON, "main", "looks fine to me")
    assert "all books are stopped" in str(switch.why_stopped(lake, "main"))
    switch.release(lake, NOON, switch.ALL_BOOKS, "feed is back")
    assert switch.why_stopped(lake, "main") is None


def test_releasing_all_books_releases_none_that_was_stopped_itself(lake):
    switch.stop(lake, NOON, "main", "odd fills")
    switch.stop(lake, NOON, switch.ALL_BOOKS, "broken feed")
    switch.release(lake, NOON, switch.ALL_BOOKS, "feed is back")
    assert "'main'" in str(switch.why_stopped(lake, "main"))
    assert switch.why_stopped(lake, "other") is None


@pytest.mark.parametrize("later", [timedelta(0), timedelta(seconds=1), timedelta(seconds=-1)])
def test_the_last_word_that_was_said_holds_whatever_the_clock_says(lake, later):
    for number in range(4):
        switch.stop(lake, NOON + number * later, "main", "stop")
        assert switch.why_stopped(lake, "main"), number
        switch.release(lake, NOON + number * later, "main", "go")
        assert switch.why_stopped(lake, "main") is None, number


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_book_is_released_for_a_reason_only(lake, reason):
    switch.stop(lake, NOON, "main", "odd fills")
    with pytest.raises(TradingSettingsError, match="say why"):
        switch.release(lake, NOON, "main", reason)
    assert switch.why_stopped(lake, "main")


def test_a_book_can_be_stopped_without_a_reason(lake):
    switch.stop(lake, NOON, "main", "")
    assert switch.why_stopped(lake, "main")


def test_entries_never_vanish_and_keep_their_order(lake):
    said = []
    for number in range(12):
        switch.record(
            lake, NOON - timedelta(hours=number), [switch.Decision("main", switch.REFUSE, f"reason {number}")]
        )
        said.append(f"reason {number}")
        assert switch.decisions_of(lake)["reason"].to_list() == said
    assert switch.decisions_of(lake)["id"].n_unique() == 12


def test_decisions_of_a_book_are_its_own_and_those_about_all_books(lake):
    for book in ("main", "other", switch.ALL_BOOKS):
        switch.record(
            lake, NOON, [switch.Decision(book, switch.KILL, book), switch.Decision(book, switch.SEND, "sent")]
        )
    found = switch.decisions_of(lake, switch.KILL, book="main")
    assert found["book"].to_list() == ["main", switch.ALL_BOOKS]


def test_entries_that_two_processes_record_at_once_all_stay(lake):
    together = Together()
    for writer in ("a", "b"):
        together.start(record_many, lake, writer, 5)
    together.answers()
    found = switch.decisions_of(lake, switch.SEND)
    assert sorted(found["reason"]) == sorted(f"{writer} {number}" for writer in "ab" for number in range(5))
    assert found["id"].to_list() == [f"{number:012d}" for number in range(1, 11)]
