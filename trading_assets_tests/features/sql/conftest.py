"""What the tests of the SQL features share: the models as dbt compiles them, and the tables that they read."""

import pytest

from trading_assets.features.sql.compiled import compiled_models
from trading_assets_tests.features.sql.tables import made_tables


@pytest.fixture(scope="session")
def models():
    """The shipped models, compiled."""
    return compiled_models()


@pytest.fixture(scope="session")
def tables():
    """Tables that the models read."""
    return made_tables()
