"""What a learner looks back to: the sessions before a row's own, counted in a calendar."""

from datetime import date

import numpy as np
import polars as pl

from trading_assets.models.lookback import Windows, with_history

CALENDAR = [date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4), date(2024, 1, 5), date(2024, 1, 8)]


def panel() -> pl.DataFrame:
    """`A` has a row of every session but the 4th of January, `B` of every one."""
    rows = [(name, day, float(10 * place + (name == "B"))) for place, day in enumerate(CALENDAR) for name in "AB"]
    found = pl.DataFrame(rows, schema={"symbol": pl.String, "date": pl.Date, "x": pl.Float32}, orient="row")
    return found.filter(~((pl.col("symbol") == "A") & (pl.col("date") == date(2024, 1, 4))))


def test_rows_before_come_with_those_that_are_wanted():
    wanted = panel().filter(pl.col("date") == CALENDAR[3]).with_columns(target=pl.lit(1.0))
    found = with_history(wanted, panel(), features=["x"], lookback=2, calendar=CALENDAR)
    assert found.select("symbol", "date", "session", "is_wanted", "target").rows() == [
        ("A", CALENDAR[1], 1, False, None),
        ("B", CALENDAR[1], 1, False, None),
        ("B", CALENDAR[2], 2, False, None),
        ("A", CALENDAR[3], 3, True, 1.0),
        ("B", CALENDAR[3], 3, True, 1.0),
    ]


def test_history_ends_at_the_first_session_of_the_calendar():
    wanted = panel().filter(pl.col("date") == CALENDAR[1])
    found = with_history(wanted, panel(), features=["x"], lookback=30, calendar=CALENDAR)
    assert found["date"].unique().sort().to_list() == CALENDAR[:2]
    assert with_history(wanted.clear(), panel(), features=["x"], lookback=3, calendar=CALENDAR).is_empty()


def test_a_window_holds_the_sessions_before_and_nan_where_a_name_has_no_row():
    wanted = panel().filter(pl.col("date") >= CALENDAR[3])
    found = with_history(wanted, panel(), features=["x"], lookback=2, calendar=CALENDAR)
    windows = Windows.of(found, ["x"], lookback=2)
    assert len(windows) == found.height
    shown = windows[np.flatnonzero(found["is_wanted"].to_numpy())][:, :, 0]
    nan = np.nan
    np.testing.assert_array_equal(shown, [[10.0, nan, 30.0], [11.0, 21.0, 31.0], [nan, 30.0, 40.0], [21.0, 31.0, 41.0]])


def test_a_window_is_the_same_whichever_span_it_is_read_with():
    """A session without any row counts: it is in the calendar."""
    gone = panel().filter(pl.col("date") != CALENDAR[2])
    last = gone.filter(pl.col("date") == CALENDAR[4])
    found = []
    for first in (0, 2):
        read = gone.filter(pl.col("date") >= CALENDAR[first])
        rows = with_history(last, read, features=["x"], lookback=2, calendar=CALENDAR[first:])
        found.append(Windows.of(rows, ["x"], lookback=2)[np.flatnonzero(rows["is_wanted"].to_numpy())])
    np.testing.assert_array_equal(*found)
    assert np.isnan(found[0][:, 0]).all()
