"""Which months' models score a span of sessions."""

from datetime import date

import pytest

from trading_assets.predictions.assets import months_before


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2016-06-01", "2016-06-30", ["2016-05"]),
        ("2016-01-04", "2016-01-04", ["2015-12"]),
        ("2015-11-30", "2016-02-01", ["2015-10", "2015-11", "2015-12", "2016-01"]),
        ("2016-03-31", "2016-03-31", ["2016-02"]),
    ],
)
def test_each_session_is_scored_by_the_model_of_the_month_before(first: str, last: str, expected: list[str]) -> None:
    assert months_before(date.fromisoformat(first), date.fromisoformat(last)) == expected
