"""What a model gives does not depend on threads, on the order of rows, or on the span that is asked for."""

from datetime import date

import polars as pl
import pytest

from trading_assets.features.sql.statements import run_on_frames
from trading_assets_tests.features.shipped import SQL, SQL_SETS
from trading_assets_tests.features.sql.tables import made_tables

SPAN = (date(2015, 1, 1), date(2016, 12, 31))
YEARS = [(date(2015, 1, 1), date(2015, 12, 31)), (date(2016, 1, 1), date(2016, 12, 31))]
all_sets = pytest.mark.parametrize("one", SQL_SETS.values(), ids=SQL_SETS)


def run(one, models, tables, span=SPAN, **options):
    given = {table: tables[table] for table in one.reads}
    return run_on_frames(given, SQL[one.name], models[one.name].sql, *span, **options)


@pytest.fixture(scope="module")
def many():
    """So many names that DuckDB deals their rows out to its threads, 122,880 at a time."""
    return made_tables(names=1100, sessions=130)


@all_sets
def test_threads_and_the_order_of_rows_change_no_bit(one, models, many):
    """A sum of floats depends on the order of its terms, and threads take them as they come."""
    expected = run(one, models, many, threads=1)
    shuffled = {table: frame.sample(fraction=1.0, shuffle=True, seed=5) for table, frame in many.items()}
    assert expected.height > 0
    assert run(one, models, shuffled, threads=4).equals(expected)


@all_sets
def test_years_apart_are_the_bits_of_all_years_at_once(one, models, tables):
    whole = run(one, models, tables)
    parts = pl.concat([run(one, models, tables, year) for year in YEARS]).sort(SQL[one.name].key)
    assert parts.equals(whole)


@all_sets
def test_every_value_is_finite_or_null_and_has_been_seen(one, models, tables):
    found = run(one, models, tables)
    values = found.select(pl.exclude(SQL[one.name].key))
    assert values.select(pl.all().is_finite().fill_null(value=True).all()).row(0) == (True,) * values.width
    assert SQL[one.name].split(found).quarantined.is_empty()
