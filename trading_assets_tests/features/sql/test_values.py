"""The SQL features are those of plain numpy on the same rows, and the laws of what they are."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from trading_assets.features.sql.catalogue import COMPARED, RANKED
from trading_assets.features.sql.statements import run_on_frames
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS, FUNDAMENTALS
from trading_assets_tests.features.shipped import SQL, SQL_SETS
from trading_assets_tests.features.sql.tables import READ, full

SPAN = (date(2015, 1, 1), date(2016, 12, 31))
KEY = ["symbol", "date"]


@pytest.fixture(scope="module")
def made(models, tables):
    """Rows of every model."""
    return {
        name: run_on_frames({table: tables[table] for table in one.reads}, SQL[name], models[name].sql, *SPAN)
        for name, one in SQL_SETS.items()
    }


@pytest.fixture(scope="module")
def compared(tables):
    """The compared features side by side."""
    found = tables["features.technical"].select(KEY)
    for table in READ:
        columns = [name for name in COMPARED if table.startswith("features.") and name in tables[table].columns]
        if columns:
            found = found.join(tables[table].select(*KEY, *columns), on=KEY, how="left")
    return found.with_columns(pl.col(COMPARED).cast(pl.Float64))


def by_session(frame, name):
    """Values of each session by symbol, as arrays without the missing ones."""
    for _, rows in frame.drop_nulls(name).group_by("date", maintain_order=True):
        yield rows, rows[name].to_numpy()


def held(compared, made, table, column, of, expected):
    """Compare a column with what a function makes of each session's known rows."""
    both = compared.join(made[table].select(*KEY, column), on=KEY).sort("date", "symbol")
    seen = 0
    for rows, values in by_session(both, of):
        np.testing.assert_allclose(rows[column].to_numpy(), expected(rows, values), rtol=2e-6, atol=2e-6)
        seen += len(values)
    assert seen > 1000
    assert both.filter(pl.col(of).is_null() & pl.col(column).is_not_null()).is_empty()


@pytest.mark.parametrize("name", RANKED)
def test_ranks_are_those_of_numpy(name, compared, made):
    def ranks(_, values):
        return np.searchsorted(np.sort(values), values) / max(len(values) - 1, 1)

    held(compared, made, "cross_section", f"{name}_rank", name, ranks)


def scores(values):
    deviation = values.std()
    return (values - values.mean()) / deviation if deviation > 1e-12 else np.zeros(len(values))


@pytest.mark.parametrize("name", COMPARED)
def test_scores_are_those_of_numpy(name, compared, made):
    def cut(_, values):
        return scores(np.clip(values, *np.quantile(values, [0.025, 0.975])))

    held(compared, made, "standardised", f"{name}_z", name, lambda _, values: scores(values))
    held(compared, made, "standardised", f"{name}_winsorised_z", name, cut)


@pytest.mark.parametrize("name", [name for name in COMPARED if name != "beta_63"])
def test_residuals_are_those_of_least_squares(name, compared, made):
    def residuals(rows, values):
        beta = rows["beta_63"].to_numpy()
        design = np.column_stack([np.ones(len(beta)), beta])
        return values - design @ np.linalg.lstsq(design, values, rcond=None)[0]

    held(compared.drop_nulls("beta_63"), made, "beta_neutral", f"{name}_beta_neutral", name, residuals)


@pytest.mark.parametrize("name", COMPARED)
def test_the_sectors_of_a_session_have_a_mean_of_zero(name, compared, made, tables):
    known = tables["market_data.companies"].select("symbol", "known_on", "sector")
    placed = compared.join(known, on="symbol", how="left").filter(
        pl.col("known_on").is_null() | (pl.col("known_on") < pl.col("date"))
    )
    newest = placed.sort("known_on").unique(KEY, keep="last").select(*KEY, "sector")
    of_all = compared.join(newest, on=KEY, how="left").join(made["sector_neutral"], on=KEY)
    column = f"{name}_sector_neutral"
    groups = of_all.group_by("date", "sector").agg(pl.col(column).cast(pl.Float64).mean())
    assert groups["sector"].n_unique() == 4
    assert groups[column].drop_nulls().abs().max() < 1e-6


def test_the_return_of_the_market_is_the_mean_of_the_names(made, tables):
    expected = tables["features.price_action"].group_by("date").agg(pl.col("log_return_1").cast(pl.Float64).mean())
    both = made["market_breadth"].join(expected, on="date").drop_nulls("log_return_1")
    assert both.height > 250
    np.testing.assert_allclose(both["equal_weighted_return"], both["log_return_1"], rtol=1e-6, atol=1e-8)


def test_a_window_of_sessions_is_null_until_it_is_filled(made):
    known = made["market_breadth"].drop_nulls("equal_weighted_return")
    assert known["net_advancers_10"].is_null().arg_true().to_list() == list(range(9))
    assert known["implied_correlation_63"].is_null().arg_true().to_list() == list(range(62))


def test_names_that_all_move_alike_are_perfectly_correlated(models, tables):
    given = {table: tables[table] for table in SQL_SETS["market_breadth"].reads}
    moves = given["features.price_action"]
    same = pl.col("log_return_1").first().over("date")
    given["features.price_action"] = moves.with_columns(log_return_1=same)
    found = run_on_frames(given, SQL["market_breadth"], models["market_breadth"].sql, *SPAN)
    moved = found.filter(pl.col("equal_weighted_return") != 0.0)
    np.testing.assert_allclose(moved["co_movement"], 1.0, rtol=1e-6)
    np.testing.assert_allclose(moved["return_dispersion"], 0.0, atol=1e-9)


def test_ratios_of_real_filings_are_those_of_the_reports(shared_data, models):
    """Apple's fiscal 2016 (a 10-K), and IBM after the third quarter: the year before, less and plus three quarters."""
    names, day = ["AAPL", "IBM"], date(2016, 11, 30)
    figures = {
        "revenues": "revenue",
        "net_income": "net_income",
        "eps_basic": "eps_basic",
        "eps_diluted": "eps_diluted",
        "equity": "total_equity",
    }
    wide = pl.read_parquet(shared_data / "us_fundamentals_2015_2017.parquet").filter(pl.col("symbol").is_in(names))
    filed = wide.rename(figures).unpivot(
        on=list(figures.values()),
        index=["symbol", "end_date", "period_focus", "known_on"],
        variable_name="item",
    )
    filed = filed.drop_nulls("value").with_columns(
        period_end="end_date",
        period=pl.when(pl.col("period_focus") == "FY").then(pl.lit("year")).otherwise(pl.lit("quarter")),
        known_at=pl.col("known_on").dt.offset_by("1d").cast(pl.Datetime("us", "UTC")),
        basis=pl.lit("filing"),
        source=pl.lit("filed"),
    )
    prices = pl.read_parquet(shared_data / "us_daily_2015_2017.parquet").filter(
        pl.col("symbol").is_in(names), pl.col("date") == day
    )
    given = {
        BARS_DAILY.table: full(BARS_DAILY, prices),
        FUNDAMENTALS.table: full(FUNDAMENTALS, filed),
        CORPORATE_ACTIONS.table: CORPORATE_ACTIONS.empty(),
    }
    found = run_on_frames(given, SQL["fundamental_ratios"], models["fundamental_ratios"].sql, day, day)
    apple, ibm = found.sort("symbol").iter_rows(named=True)
    close = dict(prices.select("symbol", "close").iter_rows())
    assert apple["price_to_earnings"] == pytest.approx(close["AAPL"] / 8.31, rel=1e-6)
    assert apple["net_margin"] == pytest.approx(45_687 / 215_639, rel=1e-4)
    assert apple["return_on_equity"] == pytest.approx(45_687 / 128_249, rel=1e-4)
    eps = 13.42 + (2.09 + 2.61 + 2.98) - (2.35 + 3.50 + 3.01)
    assert ibm["price_to_earnings"] == pytest.approx(close["IBM"] / eps, rel=1e-6)
    revenue = 81_741 + (18_684 + 20_238 + 19_226) - (19_590 + 20_813 + 19_280)
    assert ibm["sales_to_price"] * np.exp(ibm["log_market_cap"]) == pytest.approx(revenue * 1e6, rel=1e-4)
