"""Which models are assets of a desk, what they depend on, and which partitions they wait for."""

import dataclasses
from datetime import date

import dagster as dg
import polars as pl
import pytest

from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import desk_partitions
from trading_assets.desk.settings import Settings
from trading_assets.features.sql.assets import Read, build_assets, possible_sets, steps
from trading_assets.features.sql.own import SqlFeatureError
from trading_assets.features.sql.sets import models_in
from trading_assets.lake import LakeFrame, Scope
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS, SYMBOLS
from trading_assets_tests.desk.spans import partitions_of
from trading_assets_tests.features.shipped import DAILY, READABLE, SQL_SETS

EVERY_DESK = [SYMBOLS.table, BARS_DAILY.table, CORPORATE_ACTIONS.table, *(one.table for one in DAILY.values())]
OF_SOME = {"market_data.companies": "sector_neutral", "market_data.fundamentals": "fundamental_ratios"}


@pytest.fixture(scope="module")
def partitions(tmp_path_factory):
    return partitions_of(tmp_path_factory.mktemp("desk"), date(2013, 1, 1), date(2017, 1, 1))


def names(tables):
    return {one.name for one in possible_sets(tables, SQL_SETS.values())}


def test_a_model_is_an_asset_where_some_source_fills_its_tables():
    shipped = set(SQL_SETS)
    assert names(EVERY_DESK) == shipped - set(OF_SOME.values())
    for table, name in OF_SOME.items():
        assert names([*EVERY_DESK, table]) == names(EVERY_DESK) | {name}
    assert names([SYMBOLS.table]) == set()


def test_assets_have_years_and_depend_on_what_their_models_read(partitions, tmp_path):
    made = [
        dg.AssetSpec(table.split("."), partitions_def=None if table == SYMBOLS.table else partitions.panel)
        for table in [*EVERY_DESK, *OF_SOME]
    ]
    assets = build_assets(Desk(Settings(home=tmp_path), given={desk_partitions: partitions}), made)
    found = {key: reads for asset in assets for key, reads in asset.asset_deps.items()}
    assert {key.path[-1] for key in found} == set(SQL_SETS)
    for key, reads in found.items():
        assert {".".join(read.path) for read in reads} == {*SQL_SETS[key.path[-1]].reads, SYMBOLS.table}
    assert all(asset.partitions_def is partitions.years for asset in assets)


def test_sets_are_made_together_if_none_reads_another_and_all_or_none_look_back(tmp_path):
    file = tmp_path / "ranked.sql"
    file.write_text("select * from {{ ref('cross_section') }} join {{ source('features', 'technical') }}")
    ranked = dataclasses.replace(SQL_SETS["cross_section"], name="ranked", model=file)
    breadth = dataclasses.replace(SQL_SETS["market_breadth"], name="breadth", model=file)
    shipped = [SQL_SETS[name] for name in ("cross_section", "standardised", "market_breadth")]
    found = {name: [one.name for one in sets] for name, sets in steps([*shipped, ranked, breadth]).items()}
    assert found == {
        "sql_features": ["cross_section", "standardised"],
        "sql_features_with_look_back": ["market_breadth"],
        "own_sql_features_2": ["ranked"],
        "own_sql_features_with_look_back_2": ["breadth"],
    }


@pytest.mark.parametrize(
    ("name", "table", "mapping", "years"),
    [
        # of a session's own rows the year alone
        ("cross_section", "features.technical", dg.MultiToSingleDimensionPartitionMapping, [2015]),
        # 62 sessions before January are in the year before
        ("market_breadth", "features.technical", dg.AllPartitionMapping, [2014, 2015]),
        ("fundamental_ratios", "market_data.bars_daily", dg.MultiToSingleDimensionPartitionMapping, [2015]),
        # what became known at any time before
        ("fundamental_ratios", "market_data.fundamentals", dg.AllPartitionMapping, [2013, 2014, 2015]),
        ("fundamental_ratios", "market_data.corporate_actions", dg.AllPartitionMapping, [2013, 2014, 2015]),
        ("sector_neutral", "market_data.companies", dg.AllPartitionMapping, [2013, 2014, 2015]),
    ],
)
def test_a_year_waits_for_the_partitions_that_it_reads(name, table, mapping, years, partitions, lake):
    listed = {"symbol": ["A"], "first_session": [date(2012, 1, 3)], "last_session": [date(2016, 12, 30)]}
    rows = pl.DataFrame(listed).with_columns(
        pl.lit(None, dtype=dtype).alias(column) for column, dtype in SYMBOLS.schema.items() if column not in listed
    )
    rows = rows.with_columns(exchange=pl.lit("XNYS"), currency=pl.lit("USD"), name=pl.lit("A"), source=pl.lit("made"))
    replace(lake, SYMBOLS, rows, Scope())
    read = Read(partitions, SQL_SETS[name], READABLE[table], partitions.panel)
    assert isinstance(read.dependency.partition_mapping, mapping)
    scope = Scope(time="date", start=date(2015, 1, 1), end=date(2016, 1, 1))
    assert read.needed(LakeFrame(lake, SYMBOLS).read(), scope) == [f"{year}|A" for year in years]


def test_a_model_of_a_model_waits_for_its_years(partitions, lake):
    read = Read(partitions, SQL_SETS["market_breadth"], READABLE["features.cross_section"], partitions.years)
    scope = Scope(time="date", start=date(2015, 1, 1), end=date(2016, 1, 1))
    assert read.needed(LakeFrame(lake, SYMBOLS).read(), scope) == ["2014", "2015"]


def test_dbt_tests_what_a_lake_has():
    """A desk without companies or filings has models that no table was ever made of."""
    one = SQL_SETS["cross_section"]
    assert models_in([one.table, *one.reads, "market_data.companies"], SQL_SETS.values()) == ["cross_section"]
    with pytest.raises(SqlFeatureError, match="has no table of features in SQL yet"):
        models_in(one.reads, SQL_SETS.values())
