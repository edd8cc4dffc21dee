"""The journal of the sink in the lake."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from trading_assets.live.orders import client_order_id
from trading_assets.live.sink import Intent
from trading_assets.live.submissions import LakeJournal
from trading_assets_tests.processes import Together, context

SESSION = date(2024, 1, 2)
NOON = datetime(2024, 1, 2, 17, 0, 0, 123456, tzinfo=UTC)


def intent(symbol, status="intended", book="main", session=SESSION, attempt=1, **values):
    return Intent(
        book, session, symbol, "buy_to_open", attempt,
        client_order_id(book, session, symbol, "buy_to_open", attempt), "buy", values.pop("quantity", 10.0), "opg",
        "embedded", status, values.pop("reason", None), values.pop("broker_order_id", None), NOON,
        values.pop("answered_at", None),
    )  # fmt: skip


def stay_alone(lake, marks):
    with LakeJournal(lake, "main", SESSION, "test").alone():
        marks.put("in")
        time.sleep(0.3)
        marks.put("out")


def die_alone(lake, is_in):
    with LakeJournal(lake, "main", SESSION, "test").alone():
        is_in.set()
        time.sleep(60)


@pytest.fixture
def journal(lake):
    return LakeJournal(lake, "main", SESSION, "test")


def test_a_journal_that_was_never_written_is_empty(journal):
    assert journal.load() == []


def test_what_was_saved_is_loaded_by_any_process_to_the_last_field(journal, lake):
    saved = [
        intent("AAA"),
        intent("BBB", "accepted", broker_order_id="x", answered_at=NOON + timedelta(microseconds=1)),
        intent("CCC", "rejected", reason="no 'buying' power", quantity=0.123456789),
        intent("CCC", "unknown", attempt=2),
    ]
    journal.save(saved)
    lake.close()
    assert LakeJournal(lake, "main", SESSION, "other").load() == saved


def test_saving_again_replaces_what_was_saved_before(journal):
    first = [intent("AAA"), intent("BBB")]
    journal.save(first)
    then = [replace(first[0], status="accepted", broker_order_id="x")]
    journal.save(then)
    assert journal.load() == then
    journal.save([])
    assert journal.load() == []


def test_other_books_and_sessions_stay_as_they_are(journal, lake):
    later = SESSION + timedelta(days=1)
    others = [
        (LakeJournal(lake, "other", SESSION, "test"), [intent("AAA", book="other")]),
        (LakeJournal(lake, "main", later, "test"), [intent("AAA", session=later)]),
    ]
    for other, rows in others:
        other.save(rows)
    journal.save([intent("AAA"), intent("BBB")])
    journal.save([])
    assert [other.load() for other, _ in others] == [rows for _, rows in others]


def test_saving_the_same_again_commits_nothing(journal, lake):
    journal.save([intent("AAA")])
    before = lake.current_snapshot()
    journal.save([intent("AAA")])
    assert lake.current_snapshot() == before


def test_two_processes_are_never_alone_with_one_book_at_once(lake):
    lake.cursor().close()
    marks, together = context.Queue(), Together()
    for _ in range(2):
        together.start(stay_alone, lake, marks)
    together.answers()
    assert [marks.get(timeout=60) for _ in range(4)] == ["in", "out", "in", "out"]


def test_one_who_dies_alone_keeps_nobody_waiting(journal, lake):
    lake.cursor().close()
    is_in = context.Event()
    process = context.Process(target=die_alone, args=(lake, is_in))
    process.start()
    assert is_in.wait(120)
    process.kill()
    process.join()
    with journal.alone():
        journal.save([intent("AAA")])
    assert journal.load() == [intent("AAA")]


def test_alone_with_one_book_leaves_the_others_and_the_tables_free(journal, lake):
    with journal.alone(), LakeJournal(lake, "other", SESSION, "test").alone():
        journal.save([intent("AAA")])
    assert journal.load() == [intent("AAA")]
