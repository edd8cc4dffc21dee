"""What the tests of the SQL features share: the models as dbt compiles them, and a lake with all tables."""

from datetime import date

import pytest

from trading_assets.features.contract import SQL
from trading_assets.features.sql.compiled import compiled_models
from trading_assets.features.sql.sets import SQL_SETS
from trading_assets.features.sql.statements import run_on_lake
from trading_assets.lake import Scope
from trading_assets.lake.writes import replace
from trading_assets_tests.features.sql.tables import fill, made_tables


@pytest.fixture(scope="session")
def models():
    """The shipped models, compiled."""
    return compiled_models()


@pytest.fixture(scope="session")
def tables():
    """Tables that the models read."""
    return made_tables()


@pytest.fixture(scope="module")
def filled(module_lake, tables, models):
    """A lake with what the models read and what they make."""
    fill(module_lake, tables)
    for name, one in SQL_SETS.items():
        rows = run_on_lake(module_lake, SQL[name], models[name].sql, date(2015, 1, 1), date(2016, 12, 31))
        replace(module_lake, SQL[one.name], rows, Scope())
    return module_lake


@pytest.fixture
def lake_of_dbt(filled, monkeypatch):
    """The lake that dbt finds in the environment."""
    monkeypatch.setenv("TRADING_ASSETS_CATALOG", filled.postgres.libpq())
    monkeypatch.setenv("TRADING_ASSETS_DATA_PATH", filled.data_path)
    return filled
