import datetime as dt
from datetime import date

import polars as pl
import pytest

from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.pandera_polars import pa
from trading_assets.lake.errors import LakeError
from trading_assets.lake.store.frames import LakeFrame
from trading_assets.lake.store.writes import replace
from trading_assets_tests.lake.examples import DAYS, EVENTS, content, symbol_years

ROWS = pl.DataFrame({"symbol": "A", "date": [date(2024, 1, 1)], "count": [1], "note": ["x"], "venue": ["N"]})


class _More(pa.DataFrameModel):
    """Figures of days, with a venue."""

    symbol: str = column("ticker")
    date: dt.date = column("day")
    count: pl.Int64 = column("how many", nullable=True)
    venue: str = column("where", nullable=True)
    note: str = column("remark", nullable=True)


class _Required(_More):
    """Figures of days that must have a venue."""

    venue: str = column("where")


class _Renamed(pa.DataFrameModel):
    """Figures of days without remarks and with another type."""

    symbol: str = column("ticker")
    date: dt.date = column("day")
    count: float = column("how many", nullable=True)


class _Fewer(pa.DataFrameModel):
    """Figures of days, without the venue; the count need not be there."""

    symbol: str = column("ticker")
    date: dt.date = column("day")


def days(model, key=("symbol", "date")):
    return Contract(model, DAYS.table, key=key, time="date")


def test_table_and_quarantine_are_made_with_the_types_of_the_contract(lake):
    lake.ensure_table(EVENTS)
    lake.ensure_table(EVENTS)
    assert lake.tables() == ["catalog.written_partitions", "quarantine.testing_events", "testing.events"]
    described = lake.query('SELECT column_name, column_type, "null" FROM (DESCRIBE lake.testing.events)').rows()
    assert described == [
        ("symbol", "VARCHAR", "NO"),
        ("ts", "TIMESTAMP WITH TIME ZONE", "NO"),
        ("value", "DOUBLE", "YES"),
        ("is_final", "BOOLEAN", "NO"),
    ]
    comment = lake.query("SELECT comment FROM duckdb_tables() WHERE table_name = 'events' AND database_name = 'lake'")
    assert comment.item() == "Events with a moment."


def test_column_that_the_contract_gains_is_added_with_nulls_in_old_rows(lake):
    replace(lake, DAYS, ROWS, symbol_years("A"))
    replace(lake, days(_More), ROWS.with_columns(symbol=pl.lit("B")), symbol_years("B"))
    found = lake.query("SELECT symbol, venue, note FROM lake.testing.days ORDER BY symbol").rows()
    assert found == [("A", None, "x"), ("B", "N", "x")]


def test_reading_a_column_that_the_table_has_not_got_yet(lake):
    replace(lake, DAYS, ROWS, symbol_years("A"))
    assert LakeFrame(lake, days(_More)).read()["venue"].to_list() == [None]
    required = LakeFrame(lake, days(_Required))
    assert required.read(["symbol"]).height == 1
    with pytest.raises(LakeError, match=r"testing\.days was written before its contract had the column venue"):
        required.read()


def test_type_change_is_an_error_that_says_what_to_do(lake):
    replace(lake, DAYS, ROWS, symbol_years("A"))
    with pytest.raises(LakeError, match=r"testing\.days\.count is stored as BIGINT but its contract says DOUBLE; give"):
        replace(lake, days(_Renamed), ROWS, symbol_years("A"))
    assert len(content(lake, DAYS.table)) == 1


def test_column_that_the_contract_drops_stays_and_need_not_be_filled(lake):
    replace(lake, days(_Required), ROWS, symbol_years("A"))
    replace(lake, days(_Fewer), ROWS.with_columns(symbol=pl.lit("B")), symbol_years("B"))
    found = lake.query("SELECT symbol, venue FROM lake.testing.days ORDER BY symbol").rows()
    assert found == [("A", "N"), ("B", None)]


def test_column_that_may_be_null_from_now_on_takes_nulls(lake):
    replace(lake, days(_Required), ROWS, symbol_years("A"))
    replace(lake, days(_More), ROWS.with_columns(venue=pl.lit(None, pl.String)), symbol_years("A"))
    assert LakeFrame(lake, days(_More)).read()["venue"].to_list() == [None]


def test_longer_key_extends_the_quarantine(lake):
    replace(lake, days(_Required), ROWS, symbol_years("A"))
    longer = days(_Required, key=("symbol", "date", "venue"))
    broken = ROWS.with_columns(venue=pl.Series([None], dtype=pl.String))
    assert replace(lake, longer, broken, symbol_years("A")).quarantined == 1
    assert lake.query("SELECT symbol, date, venue FROM quarantine.testing_days").rows() == [
        ("A", date(2024, 1, 1), None)
    ]


def test_time_outside_the_key_places_quarantined_rows_too(lake):
    contract = Contract(_Required, "testing.keyed", key=("symbol",), time="date")
    broken = ROWS.with_columns(venue=pl.Series([None], dtype=pl.String))
    for year in (2024, 2025):
        moved = broken.with_columns(pl.col("date").dt.offset_by(f"{year - 2024}y"))
        replace(lake, contract, moved, symbol_years("A", year=year))
    assert lake.query("SELECT date FROM quarantine.testing_keyed ORDER BY 1").rows() == [
        (date(2024, 1, 1),),
        (date(2025, 1, 1),),
    ]
