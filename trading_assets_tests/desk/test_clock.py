"""The last session whose close has passed."""

from datetime import UTC, date, datetime

import pytest

from trading_assets.desk.clock import last_close, now


@pytest.mark.parametrize(
    ("moment", "session"),
    [
        ("2016-06-01T19:59", "2016-05-31"),  # a minute before New York's close at 20:00 UTC
        ("2016-06-01T20:00", "2016-06-01"),
        ("2015-11-27T17:59", "2015-11-25"),  # the half day after Thanksgiving closes at 18:00 UTC
        ("2015-11-27T18:00", "2015-11-27"),
        ("2016-06-05T12:00", "2016-06-03"),  # a Sunday
        ("2016-01-01T23:00", "2015-12-31"),  # a holiday
        ("2016-01-15T20:59", "2016-01-14"),  # in winter the close is at 21:00 UTC
    ],
)
def test_a_session_is_closed_from_its_close_on(moment: str, session: str) -> None:
    assert last_close("XNYS", datetime.fromisoformat(moment).replace(tzinfo=UTC)) == date.fromisoformat(session)


def test_the_present_is_in_utc() -> None:
    assert now().tzinfo is UTC
