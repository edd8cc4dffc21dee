"""The dbt project: its tests pass on a lake, and what it says of columns is what the contracts say."""

import pytest

from trading_assets.features.sql.catalogue import SHIPPED
from trading_assets.features.sql.properties import property_files
from trading_assets.features.sql.sql_set import PROJECT
from trading_assets_tests.features.shipped import SQL


def test_what_dbt_knows_of_columns_is_what_the_contracts_say():
    for path, text in property_files().items():
        assert path.read_text() == text, f"{path} differs from the contracts; run: trading-assets dbt-sources"


@pytest.mark.parametrize("one", SHIPPED, ids=lambda one: one.name)
def test_a_model_makes_the_columns_of_its_contract(one, models):
    assert list(models[one.name].lineage) == list(SQL[one.name].schema)


def test_every_shipped_model_has_a_unit_test():
    tested = {file.stem for file in (PROJECT / "models").rglob("*_tests.yml")}
    assert tested == {f"{one.name}_tests" for one in SHIPPED}
