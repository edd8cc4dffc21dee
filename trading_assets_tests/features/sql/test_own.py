"""A file own/features/NAME.sql is a table: contract, asset, checks and documentation follow from its header."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from trading_assets.desk.own_work import OwnWork
from trading_assets.features.sql.assets import possible_sets
from trading_assets.features.sql.checks import recomputation
from trading_assets.features.sql.compiled import compiled_models, compiled_own
from trading_assets.features.sql.contract import contract_of
from trading_assets.features.sql.sets import sets_with
from trading_assets.features.sql.statements import run_on_frames
from trading_assets.features.templates import new_sql_feature
from trading_assets.lake import Scope
from trading_assets_tests.features.shipped import READABLE, SQL_SETS

FIRST, LAST = date(2016, 1, 1), date(2016, 5, 31)


def own_sets(folder):
    """The user's sets by name, and the faults of their files: file, line and message."""
    work = OwnWork(folder)
    found = {name: one for name, one in sets_with(work).items() if not one.is_shipped}
    return found, [(fault.file.name, fault.line, fault.message) for fault in work.faults]


def write(folder, **texts):
    (folder / "features").mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / "features" / f"{name}.sql").write_text(text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A new feature as its template has it, one that looks ahead, one that looks too far back, and two broken ones."""
    made = tmp_path_factory.mktemp("own")
    honest, _ = new_sql_feature("dollar_volume_ratio")
    leaking = honest.replace("rows between 20 preceding and current row", "rows between 20 preceding and 1 following")
    short = honest.replace("rows between 20 preceding", "rows between 30 preceding")
    write(
        made,
        dollar_volume_ratio=honest,
        leaking=leaking.replace("dollar_volume_ratio", "leaking"),
        short=short.replace("dollar_volume_ratio", "short"),
        no_macro=honest.replace("exact_mean(", "mean_of(").replace("dollar_volume_ratio", "no_macro"),
        reads_short=HEADER.replace("mine", "reads_short") + "select *, short as reads_short from {{ ref('short') }}",
    )
    return made


@pytest.fixture(scope="module")
def own(folder):
    return own_sets(folder)[0]


@pytest.fixture(scope="module")
def compiled(own, tmp_path_factory):
    tables = READABLE | {one.table: contract_of(one) for one in own.values()}
    return compiled_own(list(own.values()), tables, tmp_path_factory.mktemp("cache"))


def again(one, compiled, tables):
    inputs, read = {table: tables[table] for table in one.reads}, {table: READABLE[table] for table in one.reads}
    sql = compiled.of(one.name).sql
    stored = run_on_frames(inputs, contract_of(one), sql, FIRST, LAST)
    return recomputation(one, sql, read, inputs, stored, FIRST, LAST)


HEADER = '{{ config(meta={"doc": "Doc.", "columns": {"mine": {"formula": "f", "unit": "ratio"}}}) }}'
BODY = 'select * from {{ source("market_data", "bars_daily") }}'


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


def test_a_feature_that_looks_ahead_is_caught(own, compiled, tables):
    assert "leaking" in again(own["leaking"], compiled, tables).look_ahead(Scope())["column"].to_list()


def test_a_look_back_that_is_declared_too_short_is_caught(own, compiled, tables):
    assert again(own["short"], compiled, tables).warm_up()["column"].to_list() == ["short"]


def test_it_has_an_asset_where_the_desk_has_its_tables(own):
    one = own["dollar_volume_ratio"]
    assert possible_sets(["market_data.bars_daily"], [one]) == [one]
    assert possible_sets(["market_data.bars_minute"], [one]) == []


@pytest.mark.slow
def test_a_model_that_dbt_refuses_costs_only_itself(own, compiled):
    assert set(compiled.errors) == {"no_macro"}
    assert "'mean_of' is undefined" in compiled.errors["no_macro"]
    assert set(compiled.models) == set(own) - {"no_macro"}


def test_a_model_of_a_model_is_compiled_beside_it(compiled):
    assert compiled.of("reads_short").lineage["reads_short"] == (("features.short", "short"),)


def test_the_shipped_models_are_compiled_without_those_of_the_user(models):
    assert compiled_models().keys() == models.keys() == SQL_SETS.keys()


@pytest.mark.parametrize(
    ("name", "text", "line", "message"),
    [
        ("mine", BODY, 1, "has no header"),
        ("mine", "\n" + HEADER.replace('"Doc."', "doc()") + BODY, 2, "its config(...) is not made of plain values"),
        ("mine", "{{ config(tags=[]) }}" + BODY, 1, "its config(...) has no meta"),
        ("mine", HEADER.replace('"doc"', '"docs"') + BODY, 1, "meta.doc: Field required; meta.docs: Extra inputs"),
        ("mine", HEADER.replace('"doc": "Doc.", ', "") + BODY, 1, "meta.doc: Field required"),
        ("mine", HEADER.replace('"Doc."', "1") + BODY, 1, "meta.doc: Input should be a valid string"),
        ("mine", HEADER.replace(', "unit": "ratio"', "") + BODY, 1, "meta.columns.mine.unit: Field required"),
        ("mine", HEADER.replace('"mine"', '"Mine"') + BODY, 1, "meta.columns.Mine.[key]: String should match"),
        ("mine", HEADER.replace('"mine"', "1") + BODY, 1, "meta.columns.1.[key]: Input should be a valid string"),
        ("mine", HEADER.replace('{"mine": {"formula": "f", "unit": "ratio"}}', "{}") + BODY, 1, "meta.columns: Dict"),
        ("mine", HEADER.replace('"doc"', '"lookback": 401, "doc"') + BODY, 1, "meta.lookback: Input should be less"),
        ("mine", HEADER.replace('"doc"', '"key": ["symbol"], "doc"') + BODY, 1, "meta.key: Value error, must be"),
        ("mine", HEADER + BODY.replace("market_data", "labels"), 1, "reads labels.bars_daily, which does not exist"),
        (
            "mine",
            HEADER + BODY.replace("bars_daily", "bars_dayly"),
            1,
            "reads market_data.bars_dayly, which does not exist (did you mean 'market_data.bars_daily'?)",
        ),
        ("mine", HEADER + "select 1", 1, "reads no table"),
        ("mine", HEADER + "\n{% if x %}\n" + BODY, 3, "dbt cannot read it: Unexpected end of template"),
        ("Mine", HEADER + BODY, 1, "the file 'Mine': a name is made of lower case"),
        ("technical", HEADER + BODY, 1, "there is a table features.technical already; rename the file"),
        ("own_hourly", HEADER + BODY, 1, "there is a table features.own_hourly already; rename the file"),
        ("matrix", HEADER + BODY, 1, "there is a table features.matrix already; rename the file"),
        ("mine", HEADER.replace('"mine"', '"rsi_14"') + BODY, 1, "column 'rsi_14': there is a feature of this name"),
        ("mine", HEADER.replace('"mine"', '"kmid"') + BODY, 1, "column 'kmid': there is a feature of this name"),
    ],
)
def test_a_file_that_cannot_be_used_is_left_out_with_the_reason(name, text, line, message, tmp_path):
    write(tmp_path, **{name: text}, other=HEADER.replace("mine", "other") + BODY)
    found, ((file, at, said),) = own_sets(tmp_path)
    assert list(found) == ["other"]
    assert (file, at) == (f"{name}.sql", line)
    assert said.startswith(message)


def test_of_two_columns_of_one_name_the_second_file_is_left_out(tmp_path):
    write(tmp_path, a=HEADER + BODY, b=HEADER + BODY)
    found, faults = own_sets(tmp_path)
    assert list(found) == ["a"]
    assert faults == [("b.sql", 1, "column 'mine': there is a feature of this name already; choose another name")]


def test_a_model_may_read_another_model(tmp_path):
    write(tmp_path, mine=HEADER + "select * from {{ ref('cross_section') }}")
    mine = own_sets(tmp_path)[0]["mine"]
    assert mine.reads == ("features.cross_section",)
    needed = SQL_SETS["cross_section"]
    assert possible_sets(needed.reads, [mine, needed]) == [needed, mine]
