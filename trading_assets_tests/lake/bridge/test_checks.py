"""The check of a contract looks at what is stored, and at no more of it than can be wrong."""

import datetime as dt
from datetime import date

import polars as pl
import pytest

from trading_assets.lake import Scope
from trading_assets.lake.bridge.contract_check import check_contract
from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.pandera_polars import pa
from trading_assets.lake.store.writes import replace


class Measured(pa.DataFrameModel):
    """Values of names by session."""

    symbol: str = column("ticker")
    date: dt.date = column("session")
    free: pl.Float32 = column("anything", nullable=True)
    share: float = column("a share", nullable=True, ge=0.0, le=1.0)
    count: pl.Int64 = column("how many")


MEASURED = Contract(Measured, "features.measured", key=("symbol", "date"), time="date")
ROWS = pl.DataFrame(
    {"symbol": ["A", "B"], "date": [date(2024, 1, 2)] * 2, "free": [1.0, None], "share": [0.5, None], "count": [1, 2]}
)


@pytest.fixture
def filled(lake):
    replace(lake, MEASURED, ROWS, Scope())
    return lake


def test_the_columns_looked_at_are_those_of_the_key_and_those_with_a_rule():
    assert MEASURED.constrained == ("symbol", "date", "share", "count")


def test_rows_that_hold_the_contract_pass_and_are_counted(filled):
    found = check_contract(filled, MEASURED, Scope())
    assert found.passed
    assert found.metadata["rows"].value == 2


def test_a_column_that_may_hold_anything_is_not_read(filled):
    filled.cursor().execute(f"ALTER TABLE lake.{MEASURED.table} DROP COLUMN free")
    assert check_contract(filled, MEASURED, Scope()).passed


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("UPDATE lake.features.measured SET share = 1.5 WHERE symbol = 'A'", "less_than_or_equal_to"),
        ("INSERT INTO lake.features.measured FROM lake.features.measured WHERE symbol = 'A'", "duplicate"),
    ],
)
def test_what_was_stored_by_another_way_is_found(filled, change, rule):
    filled.cursor().execute(change)
    found = check_contract(filled, MEASURED, Scope())
    assert not found.passed
    assert "1 stored rows break the contract" in found.description
    assert rule in found.description
