"""Which of a run's names are computed again by its checks."""

from datetime import date

import polars as pl
import pytest

from trading_assets.features import checks
from trading_assets.lake import LakeFrame, Scope
from trading_assets.lake.store.writes import replace
from trading_assets_tests.features.shipped import DAILY

CONTRACT = DAILY["calendar"]
DAYS = (date(2016, 3, 1), date(2016, 3, 31))
NAMES = [f"N{number}" for number in range(7)]


@pytest.fixture
def table(lake):
    """Rows of six names in March and of the seventh in January."""
    rows = pl.DataFrame({"symbol": NAMES, "date": [*[date(2016, 3, 9)] * 6, date(2016, 1, 8)]})
    absent = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in CONTRACT.schema.items() if name not in rows]
    replace(lake, CONTRACT, rows.with_columns(absent).select(list(CONTRACT.schema)), Scope())
    return LakeFrame(lake, CONTRACT)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (NAMES[:5], ["N0", "N2", "N4"]),
        (NAMES[1:2], ["N1"]),
        (["N2", "N5", "N6"], ["N2", "N5"]),  # the last one has no row in these days
        (["N6", "nobody"], []),
        ([], []),
        (None, ["N0", "N3", "N5"]),
    ],
)
def test_the_first_the_middle_and_the_last_name_that_have_rows(table, wanted, expected):
    scope = Scope({} if wanted is None else {"symbol": tuple(wanted)}, "date", date(2016, 1, 1), date(2017, 1, 1))
    assert checks._sampled(table, scope, *DAYS)["symbol"].to_list() == expected
