"""What is asked of a remote source, and what of its answer is stored."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trading_assets.desk.calendar import sessions
from trading_assets.lake import Scope
from trading_assets.market_data.refetch import Stored, batches_of, pieces_to_fetch, settle

SESSIONS = sessions("XNYS", date(2015, 1, 2), date(2016, 3, 31))
NOTHING = Stored(frozenset(), {})


def scope(*symbols, years=(2015, 2016)):
    keys = tuple(sorted(f"{year}|{symbol}" for year in years for symbol in symbols))
    return Scope({"symbol": symbols}, "date", date(years[0], 1, 1), date(years[-1] + 1, 1, 1), keys)


def windows(pieces):
    return {
        symbol: None if piece.start == piece.end else (piece.start, piece.end - timedelta(days=1))
        for piece in pieces
        for symbol in piece.values["symbol"]
    }


def fetch(wanted, stored=NOTHING, listed=None, refetch=3, batch=50, closed=SESSIONS):
    return pieces_to_fetch(wanted, stored, listed or {}, closed, refetch_sessions=refetch, batch_size=batch)


def test_what_was_never_written_is_asked_for_as_a_whole():
    assert windows(fetch(scope("A", "B"))) == dict.fromkeys("AB", (SESSIONS[0], SESSIONS[-1]))


def test_of_what_is_stored_the_newest_sessions_are_asked_again():
    wanted = scope("A")
    stored = Stored(frozenset(wanted.partition_keys), {"2015|A": date(2015, 12, 31), "2016|A": SESSIONS[-1]})
    assert windows(fetch(wanted, stored)) == {"A": (SESSIONS[-3], SESSIONS[-1])}
    assert windows(fetch(wanted, stored, refetch=0)) == {"A": None}


def test_what_is_missing_at_the_end_is_asked_for():
    wanted = scope("A")
    stored = Stored(frozenset(wanted.partition_keys), {"2015|A": date(2015, 12, 31), "2016|A": SESSIONS[-10]})
    assert windows(fetch(wanted, stored)) == {"A": (SESSIONS[-9], SESSIONS[-1])}


def test_a_year_that_was_never_written_is_asked_for_though_the_next_one_is_there():
    wanted = scope("A")
    stored = Stored(frozenset({"2016|A"}), {"2016|A": SESSIONS[-1]})
    assert windows(fetch(wanted, stored)) == {"A": (SESSIONS[0], SESSIONS[-1])}


def test_nobody_is_asked_about_sessions_before_the_listing_or_after_the_delisting():
    listed = {"A": (date(2015, 6, 1), date(2015, 9, 1)), "B": (date(2017, 1, 3), None)}
    assert windows(fetch(scope("A", "B"), listed=listed)) == {"A": (date(2015, 6, 1), date(2015, 8, 31)), "B": None}


def test_names_that_need_the_same_are_asked_together_in_batches():
    pieces = fetch(scope(*"ABCDE"), batch=2)
    assert [piece.values["symbol"] for piece in pieces] == [("A", "B"), ("C", "D"), ("E",)]


@given(
    written=st.sets(st.sampled_from(scope(*"ABC").partition_keys)),
    ends=st.dictionaries(st.sampled_from(scope(*"ABC").partition_keys), st.sampled_from(SESSIONS)),
    refetch=st.integers(0, 5),
    batch=st.integers(1, 3),
)
def test_the_pieces_name_every_partition_once(written, ends, refetch, batch):
    wanted = scope(*"ABC")
    pieces = fetch(wanted, Stored(frozenset(written), ends), refetch=refetch, batch=batch)
    assert sorted(key for piece in pieces for key in piece.partition_keys) == list(wanted.partition_keys)
    parts = batches_of(wanted, batch)
    assert sorted(key for part in parts for key in part.partition_keys) == list(wanted.partition_keys)


# --- what of an answer is stored


def bars(*rows):
    frame = pl.DataFrame(
        rows, schema=["symbol", "date", "open", "high", "low", "close", "volume", "source"], orient="row"
    )
    return frame.with_columns(raw=pl.lit(None, dtype=pl.String))


def bar(day, close=10.0, volume=100, source="yahoo"):
    return ("A", date(2015, 1, day), close, close, close, close, volume, source)


KEYS = bars(bar(2), bar(5), bar(6)).select("symbol", "date")


@pytest.mark.parametrize("close", [10.0, 10.0 * (1 + 2e-6), 10.0 * (1 - 2e-6)])
def test_the_noise_of_adjusting_back_is_not_a_restatement(close):
    stored = bars(bar(2)).drop("raw")
    assert settle(bars(bar(2, close)), stored, KEYS)["close"].to_list() == [10.0]


def test_a_changed_price_or_volume_is_stored():
    stored = bars(bar(2), bar(5)).drop("raw")
    found = settle(bars(bar(2, 10.01), bar(5, volume=150)), stored, KEYS).sort("date")
    assert found.select("close", "volume").rows() == [(10.01, 100), (10.0, 150)]


def test_a_bar_that_the_answer_lacks_stays():
    stored = bars(bar(2), bar(5)).drop("raw")
    assert settle(bars(bar(5), bar(6)), stored, KEYS).sort("date")["date"].dt.day().to_list() == [2, 5, 6]


def test_a_bad_answer_does_not_take_the_good_bar_away():
    stored = bars(bar(2)).drop("raw")
    found = settle(bars(bar(2, -1.0)), stored, KEYS.clear())
    assert sorted(found["close"].to_list()) == [-1.0, 10.0]


def test_the_first_answer_is_stored_as_it_is():
    answer = bars(bar(2), bar(5))
    assert_frame_equal(settle(answer, bars().drop("raw").clear(), KEYS), answer)
