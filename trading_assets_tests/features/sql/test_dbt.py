"""The dbt project: its tests pass on a lake, and what it says of columns is what the contracts say."""

import shutil
from collections import Counter

import pytest

from trading_assets.features.contract import SQL
from trading_assets.features.sql.catalogue import SHIPPED
from trading_assets.features.sql.compiled import SqlModelError, compiled_models, run_dbt
from trading_assets.features.sql.properties import property_files
from trading_assets.features.sql.sql_set import PROJECT


@pytest.mark.slow
def test_dbt_builds_its_project_on_a_lake(lake_of_dbt, tmp_path):
    """Every unit test, and every test of a column on the rows that the lake holds."""
    found = run_dbt("build", target=tmp_path)
    kinds = Counter((name.partition(".")[0], status) for name, status in found.items())
    assert kinds["model", "success"] == kinds["unit_test", "pass"] == len(SHIPPED)
    assert kinds["test", "pass"] > 3 * len(SHIPPED)
    assert len(kinds) == 3


def test_what_dbt_knows_of_columns_is_what_the_contracts_say():
    for path, text in property_files().items():
        assert path.read_text() == text, f"{path} differs from the contracts; run: trading-assets dbt-sources"


@pytest.mark.parametrize("one", SHIPPED, ids=lambda one: one.name)
def test_a_model_makes_the_columns_of_its_contract(one, models):
    assert list(models[one.name].lineage) == list(SQL[one.name].schema)


def test_every_shipped_model_has_a_unit_test():
    tested = {file.stem for file in (PROJECT / "models").rglob("*_tests.yml")}
    assert tested == {f"{one.name}_tests" for one in SHIPPED}


def test_what_dbt_says_of_a_model_that_cannot_be_is_shown(tmp_path):
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    (project / "models" / "own" / "broken.sql").write_text("select * from {{ source('features', 'of_nobody') }}")
    with pytest.raises(SqlModelError, match="of_nobody"):
        compiled_models(project)
