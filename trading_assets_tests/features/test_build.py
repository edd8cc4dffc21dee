"""How much a run of features holds in memory at once."""

from datetime import date

import pytest

from trading_assets.features.build import Build
from trading_assets.lake import Scope

NAMES = tuple(f"S{number:05d}" for number in range(5000))


def portions(interval, earliest, start, end):
    build = Build([], interval, bars=None, actions=None, earliest=earliest, exchange="XNYS")
    return list(build.portions(Scope({"symbol": NAMES}, "date", start, end)))


@pytest.mark.parametrize(
    ("interval", "earliest", "start", "end"),
    [
        ("daily", date(2014, 1, 1), date(2016, 1, 1), date(2017, 1, 1)),
        ("minute", date(2016, 5, 1), date(2016, 6, 1), date(2016, 7, 1)),
    ],
)
def test_a_session_whose_look_back_is_long_takes_as_few_names_at_once_as_its_whole_period(
    interval, earliest, start, end
):
    whole, session = portions(interval, earliest, start, end), portions(interval, earliest, date(2016, 6, 29), end)
    assert [name for portion in session for name in portion] == list(NAMES)
    assert len(whole) > 1
    assert len(session) >= len(whole) // 2
