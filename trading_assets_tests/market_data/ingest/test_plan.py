"""What is requested from a remote source."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from trading_assets.desk.calendar import sessions
from trading_assets.lake import Scope
from trading_assets.market_data.ingest.plan import PartitionState, in_batches, plan_sessions

SESSIONS = sessions("XNYS", date(2015, 1, 2), date(2016, 3, 31))
NOTHING = PartitionState()


def scope(*symbols, years=(2015, 2016)):
    keys = tuple(sorted(f"{year}|{symbol}" for year in years for symbol in symbols))
    return Scope({"symbol": symbols}, "date", date(years[0], 1, 1), date(years[-1] + 1, 1, 1), keys)


def windows(plan):
    requested = {
        symbol: (request.start, request.end - timedelta(days=1))
        for request in plan.requests
        for symbol in request.values["symbol"]
    }
    return requested | dict.fromkeys(plan.complete.values["symbol"] if plan.complete else ())


def plan(wanted, stored=NOTHING, listed=None, refetch=3, batch=50, closed=SESSIONS):
    return plan_sessions(wanted, stored, listed or {}, closed, refetch_sessions=refetch, batch_size=batch)


def test_what_was_never_written_is_requested_as_a_whole():
    assert windows(plan(scope("A", "B"))) == dict.fromkeys("AB", (SESSIONS[0], SESSIONS[-1]))


def test_of_what_is_stored_the_newest_sessions_are_requested_again():
    wanted = scope("A")
    stored = PartitionState(frozenset(wanted.partition_keys), {"2015|A": date(2015, 12, 31), "2016|A": SESSIONS[-1]})
    assert windows(plan(wanted, stored)) == {"A": (SESSIONS[-3], SESSIONS[-1])}
    assert windows(plan(wanted, stored, refetch=0)) == {"A": None}


def test_what_is_missing_at_the_end_is_requested():
    wanted = scope("A")
    stored = PartitionState(frozenset(wanted.partition_keys), {"2015|A": date(2015, 12, 31), "2016|A": SESSIONS[-10]})
    assert windows(plan(wanted, stored)) == {"A": (SESSIONS[-9], SESSIONS[-1])}


def test_a_year_that_was_never_written_is_requested_though_the_next_one_is_there():
    wanted = scope("A")
    stored = PartitionState(frozenset({"2016|A"}), {"2016|A": SESSIONS[-1]})
    assert windows(plan(wanted, stored)) == {"A": (SESSIONS[0], SESSIONS[-1])}


def test_no_session_is_requested_before_the_listing_or_after_the_delisting():
    listed = {"A": (date(2015, 6, 1), date(2015, 9, 1)), "B": (date(2017, 1, 3), None)}
    assert windows(plan(scope("A", "B"), listed=listed)) == {"A": (date(2015, 6, 1), date(2015, 8, 31)), "B": None}


def test_names_that_need_the_same_are_requested_together_in_batches():
    requests = plan(scope(*"ABCDE"), batch=2).requests
    assert [request.values["symbol"] for request in requests] == [("A", "B"), ("C", "D"), ("E",)]


@given(
    written=st.sets(st.sampled_from(scope(*"ABC").partition_keys)),
    ends=st.dictionaries(st.sampled_from(scope(*"ABC").partition_keys), st.sampled_from(SESSIONS)),
    refetch=st.integers(0, 5),
    batch=st.integers(1, 3),
)
def test_a_plan_names_every_partition_once(written, ends, refetch, batch):
    wanted = scope(*"ABC")
    made = plan(wanted, PartitionState(frozenset(written), ends), refetch=refetch, batch=batch)
    parts = [*made.requests, *([made.complete] if made.complete else [])]
    assert sorted(key for part in parts for key in part.partition_keys) == list(wanted.partition_keys)
    parts = in_batches(wanted, batch)
    assert sorted(key for part in parts for key in part.partition_keys) == list(wanted.partition_keys)


def test_a_partition_that_needs_nothing_is_complete_and_selects_no_row():
    wanted = scope("A", "B")
    stored = PartitionState(frozenset(wanted.partition_keys), dict.fromkeys(wanted.partition_keys, SESSIONS[-1]))
    made = plan(wanted, stored, refetch=0)
    assert made.requests == ()
    assert made.complete.start == made.complete.end
    assert made.complete.partition_keys == wanted.partition_keys


def test_batches_hold_every_name_once():
    assert [part.values["symbol"] for part in in_batches(scope(*"ABCDE"), 2)] == [("A", "B"), ("C", "D"), ("E",)]
