"""The answers of sources have the columns of the contract of their table, and no others but the raw row."""

import polars as pl
import pytest

from trading_assets.market_data import contract as tables
from trading_assets.market_data.sources import protocol

ANSWERS = {
    "SYMBOLS_SCHEMA": tables.SYMBOLS,
    "DAILY_BARS_SCHEMA": tables.BARS_DAILY,
    "INTRADAY_BARS_SCHEMA": tables.BARS_MINUTE,
    "CORPORATE_ACTIONS_SCHEMA": tables.CORPORATE_ACTIONS,
    "LISTINGS_SCHEMA": tables.LISTINGS,
    "COMPANIES_SCHEMA": tables.COMPANIES,
    "FUNDAMENTALS_SCHEMA": tables.FUNDAMENTALS,
    "NEWS_SCHEMA": tables.NEWS,
    "QUOTES_SCHEMA": tables.QUOTES,
}


@pytest.mark.parametrize(("name", "contract"), ANSWERS.items(), ids=ANSWERS)
def test_an_answer_has_the_columns_of_its_contract_and_the_raw_row(name, contract):
    schema = getattr(protocol, name)
    assert {column: dtype for column, dtype in schema.items() if column != "raw"} == contract.schema
    assert schema.get("raw", pl.String()) == pl.String()
    assert next(iter(schema)) == "symbol"
    assert [column for column in schema if column != "raw"][-1] == "source"


def test_every_schema_of_an_answer_is_that_of_a_table():
    assert {name for name in protocol.__all__ if name.endswith("_SCHEMA")} == set(ANSWERS)


def test_hourly_and_minute_bars_have_one_schema():
    assert tables.BARS_HOURLY.schema == tables.BARS_MINUTE.schema
    assert protocol.bars_schema("1h") == protocol.bars_schema("1m") == protocol.INTRADAY_BARS_SCHEMA


@pytest.mark.parametrize(("interval", "table"), [("1d", "bars_daily"), ("1h", "bars_hourly"), ("1m", "bars_minute")])
def test_an_interval_names_its_table(interval, table):
    assert protocol.interval_table(interval) == table
