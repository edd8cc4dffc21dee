"""A file in models/own is a table: contract, asset, checks and documentation follow from its header."""

import shutil
from datetime import date

import dagster as dg
import numpy as np
import polars as pl
import pytest

from trading_assets.features.sql.assets import possible_sets
from trading_assets.features.sql.checks import recomputation
from trading_assets.features.sql.compiled import compiled_models
from trading_assets.features.sql.contract import contract_of
from trading_assets.features.sql.own import SqlFeatureError, own_sets, template, write_sql_feature
from trading_assets.features.sql.sets import SQL_SETS, sets_of
from trading_assets.features.sql.sql_set import PROJECT
from trading_assets.features.sql.statements import run_on_frames
from trading_assets.lake import Scope

FIRST, LAST = date(2016, 1, 1), date(2016, 5, 31)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with a new feature as its template has it, one that looks ahead, and one that looks too far back."""
    copy = tmp_path_factory.mktemp("own") / "project"
    # without the shipped models, which take their time
    shutil.copytree(PROJECT, copy, ignore=shutil.ignore_patterns("target", "logs", "features", "tests"))
    folder = copy / "models" / "own"
    honest = write_sql_feature("dollar_volume_ratio", folder).read_text()
    leaking = honest.replace("rows between 20 preceding and current row", "rows between 20 preceding and 1 following")
    (folder / "leaking.sql").write_text(leaking.replace("dollar_volume_ratio", "leaking"))
    short = honest.replace("rows between 20 preceding", "rows between 30 preceding")
    (folder / "short.sql").write_text(short.replace("dollar_volume_ratio", "short"))
    return copy


@pytest.fixture(scope="module")
def own(project):
    return {one.name: one for one in own_sets(project / "models" / "own")}


@pytest.fixture(scope="module")
def compiled(project):
    return compiled_models(project)


def again(one, compiled, tables):
    inputs = {table: tables[table] for table in one.reads}
    stored = run_on_frames(inputs, contract_of(one), compiled[one.name].sql, FIRST, LAST)
    return recomputation(one, compiled[one.name].sql, inputs, stored, FIRST, LAST)


def test_the_header_is_the_contract(own):
    one = own["dollar_volume_ratio"]
    contract = contract_of(one)
    assert (one.table, one.lookback, one.reads) == ("features.dollar_volume_ratio", 20, ("market_data.bars_daily",))
    assert contract.meaning == "What the table holds, in one sentence."
    assert [(column.name, column.unit) for column in contract.columns] == [
        ("symbol", ""), ("date", ""), ("dollar_volume_ratio", "ratio")
    ]  # fmt: skip


def test_the_template_is_a_feature_that_holds(own, compiled, tables):
    found = again(own["dollar_volume_ratio"], compiled, tables)
    assert found.look_ahead(Scope()).is_empty()
    assert found.warm_up().is_empty()
    dollars = pl.col("close") * pl.col("volume")
    bars = tables["market_data.bars_daily"].sort("symbol", "date")
    expected = bars.with_columns(expected=(dollars / dollars.rolling_mean(21).over("symbol")))
    both = found.stored.join(expected, on=["symbol", "date"])
    np.testing.assert_allclose(both["dollar_volume_ratio"], both["expected"], rtol=1e-6)
    assert both.height == found.stored.height > 500


def test_a_feature_of_your_own_that_looks_ahead_is_caught(own, compiled, tables):
    assert "leaking" in again(own["leaking"], compiled, tables).look_ahead(Scope())["column"].to_list()


def test_a_look_back_that_is_declared_too_short_is_caught(own, compiled, tables):
    assert again(own["short"], compiled, tables).warm_up()["column"].to_list() == ["short"]


def test_it_has_an_asset_where_the_desk_has_its_tables(own):
    one = own["dollar_volume_ratio"]
    assert possible_sets(["market_data.bars_daily"], [one]) == [one]
    assert possible_sets(["market_data.bars_minute"], [one]) == []


def test_there_is_none_in_what_is_shipped():
    assert own_sets() == ()


HEADER = '{{ config(meta={"doc": "Doc.", "columns": {"mine": {"formula": "f", "unit": "ratio"}}}) }}'
BODY = 'select * from {{ source("market_data", "bars_daily") }}'


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("mine", BODY, "has no header"),
        ("mine", HEADER.replace('"Doc."', "doc()") + BODY, "not made of plain values"),
        ("mine", "{{ config(tags=[]) }}" + BODY, "has no meta"),
        ("mine", HEADER.replace('"doc"', '"docs"') + BODY, "there is no docs; known are doc"),
        ("mine", HEADER.replace('"doc": "Doc.", ', "") + BODY, "lacks doc"),
        ("mine", HEADER.replace('"Doc."', "1") + BODY, "doc must be a str"),
        ("mine", HEADER.replace('"unit": "ratio"', "") + BODY, "column 'mine' lacks unit"),
        ("mine", HEADER.replace('"mine"', '"Mine"') + BODY, "'Mine'.*lower case"),
        ("mine", HEADER.replace('"doc"', '"lookback": 401, "doc"') + BODY, "from 0 to 400, not 401"),
        ("mine", HEADER.replace('"doc"', '"key": ["symbol"], "doc"') + BODY, "key is"),
        ("mine", HEADER + BODY.replace("market_data", "labels"), "reads labels.bars_daily"),
        ("mine", HEADER + "select 1", "reads no table"),
        ("Mine", HEADER + BODY, "lower case"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(name, text, message, tmp_path):
    (tmp_path / f"{name}.sql").write_text(text)
    with pytest.raises(SqlFeatureError, match=message) as caught:
        own_sets(tmp_path)
    assert f"{name}.sql" in str(caught.value)


def test_a_new_file_replaces_none(tmp_path):
    path = write_sql_feature("mine", tmp_path)
    assert path.read_text() == template("mine")
    with pytest.raises(SqlFeatureError, match="is there already"):
        write_sql_feature("mine", tmp_path)


@pytest.mark.parametrize("name", ["Mine", "1st", "a-b", "a__b", ""])
def test_a_name_that_is_no_column_is_refused(name):
    with pytest.raises(SqlFeatureError, match="lower case"):
        template(name)


def test_a_name_of_another_table_is_refused(own):
    one = own["short"]
    with pytest.raises(SqlFeatureError, match=r"table features\.short already"):
        sets_of([one], [one])
    with pytest.raises(SqlFeatureError, match=r"table features\.short already"):
        sets_of([], [one], taken=["short"])


def test_a_model_may_read_another_model(tmp_path):
    (tmp_path / "mine.sql").write_text(HEADER + "select * from {{ ref('cross_section') }}")
    (mine,) = own_sets(tmp_path)
    assert mine.reads == ("features.cross_section",)
    needed = SQL_SETS["cross_section"]
    assert possible_sets(needed.reads, [mine, needed]) == [needed, mine]
    assert isinstance(dg.AssetKey(mine.table.split(".")), dg.AssetKey)
