# ruff: noqa: DTZ001 - times without a zone are what some sources deliver
from datetime import UTC, date, datetime

import duckdb
import polars as pl
import pytest

from trading_assets.lake import Scope
from trading_assets_tests.lake.examples import symbol_years

ROWS = pl.DataFrame(
    {
        "symbol": ["A", "A", "A", "B", "O'X", None, "A"],
        "date": [*(date(2024, 1, 1), date(2024, 12, 31), date(2025, 1, 1)), *[date(2024, 6, 1)] * 3, None],
    }
)


@pytest.mark.parametrize(
    ("scope", "inside"),
    [
        (Scope(), 7),
        (symbol_years("A"), 2),
        (symbol_years("A", "O'X"), 3),
        (symbol_years("A", until=2026), 3),
        (Scope({"symbol": ()}), 0),
        (Scope({}, "date", date(2024, 6, 1)), 5),
        (Scope({}, "date", None, date(2024, 6, 1)), 1),
    ],
)
def test_sql_and_polars_select_the_same_rows(scope, inside):
    rows = ROWS.to_arrow()
    by_sql = duckdb.sql(f"SELECT symbol, date FROM rows WHERE {scope.sql()}").pl()
    by_polars = ROWS.filter(scope.expr())
    assert rows.num_rows == ROWS.height
    assert by_polars.height == by_sql.height == inside
    assert by_polars.sort("date", "symbol").equals(by_sql.sort("date", "symbol"))


def test_rows_with_unknown_dimensions_are_outside():
    assert ROWS.filter(~symbol_years("A", "B", "O'X", until=2026).expr()).height == 2


def test_window_of_moments_begins_and_ends_at_midnight_utc():
    moments = pl.DataFrame({"ts": [datetime(2023, 12, 31, 23, 59), datetime(2024, 1, 1), datetime(2024, 12, 31, 23)]})
    inside = Scope({}, "ts", date(2024, 1, 1), date(2025, 1, 1)).expr()
    assert moments.filter(inside).height == 2
    assert moments.with_columns(pl.col("ts").dt.replace_time_zone("UTC")).filter(inside).height == 2
    assert datetime(2024, 1, 1, tzinfo=UTC).year == 2024


@pytest.mark.parametrize(
    ("scope", "text"),
    [
        (Scope(), "the whole table"),
        (symbol_years("A"), "symbol A, 2024-01-01 to before 2025-01-01"),
        (Scope({"symbol": ("A", "B")}), "2 symbols"),
        (Scope({}, "date", None, date(2024, 1, 1)), "... to before 2024-01-01"),
    ],
)
def test_description_is_for_reading(scope, text):
    assert scope.describe() == text


def test_the_scope_of_everything_holds_every_row_of_a_long_frame():
    rows = pl.DataFrame({"row": range(200_000)})

    assert rows.filter(Scope().expr()).height == rows.height
    assert rows.filter(~Scope().expr()).is_empty()
