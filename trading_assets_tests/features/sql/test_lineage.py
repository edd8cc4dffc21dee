"""Each column says which columns of which tables it is made from, as far as the web UI."""

import dagster as dg
import pytest

from trading_assets.features.sql.assets import column_lineage
from trading_assets.features.sql.compiled import SqlModelError
from trading_assets.features.sql.lineage import lineage_of
from trading_assets_tests.features.shipped import READABLE


@pytest.mark.parametrize(
    ("model", "column", "expected"),
    [
        ("cross_section", "volume_ratio_21_rank", {"features.technical.volume_ratio_21"}),
        ("cross_section", "log_return_252_rank", {"features.price_action.log_return_252"}),
        ("standardised", "beta_63_winsorised_z", {"features.statistical.beta_63"}),
        ("beta_neutral", "rsi_14_beta_neutral", {"features.technical.rsi_14", "features.statistical.beta_63"}),
        ("sector_neutral", "rsi_14_sector_neutral", {"features.technical.rsi_14"}),
        (
            "market_breadth",
            "implied_correlation_63",
            {"features.price_action.log_return_1", "features.volatility.realised_volatility_63"},
        ),
        ("fundamental_ratios", "filing_age", {"market_data.fundamentals.known_at"}),
        (
            "fundamental_ratios",
            "earnings_yield",
            {
                "market_data.bars_daily.close",
                "market_data.corporate_actions.value",
                "market_data.fundamentals.item",
                "market_data.fundamentals.value",
            },
        ),
    ],
)
def test_a_column_knows_what_it_is_made_from(model, column, expected, models):
    found = {f"{table}.{name}" for table, name in models[model].lineage[column]}
    assert expected <= found
    keys = {"date", "symbol", "known_at", "period", "period_end", "ex_date", "item", "value"}
    assert {name.rpartition(".")[2] for name in found - expected} <= keys


def test_every_column_of_every_model_comes_from_columns_that_exist(models):
    for model in models.values():
        for column, found in model.lineage.items():
            assert found, column
            assert all(name in READABLE[table].schema for table, name in found)


def test_the_web_ui_is_told_the_asset_and_the_column(models):
    shown = column_lineage(models["cross_section"].lineage).deps_by_column["rsi_14_rank"]
    assert dg.TableColumnDep(dg.AssetKey(["features", "technical"]), "rsi_14") in shown


def test_a_statement_that_cannot_be_read_is_refused_by_its_name():
    with pytest.raises(SqlModelError, match="columns of the model mine"):
        lineage_of("mine", "select from where", {})
