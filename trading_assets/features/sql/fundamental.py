"""Ratios of fundamentals, one entry each."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from trading_assets.features.feature_set import Feature, table_of
from trading_assets.features.sql.sql_set import PROJECT, SqlSet

_feature = partial(Feature, lookback=0, intervals=frozenset({"daily"}))
_value = partial(_feature, unit="ratio", group="value")
_quality = partial(_feature, unit="ratio", group="quality")
_growth = partial(_feature, unit="ratio", group="growth")
_balance = partial(_feature, unit="ratio", group="leverage and liquidity")


def _ratios() -> Iterable[Feature]:
    cap = "ln of market value: close x shares as filed, or as implied by net income / basic EPS, times later splits"
    yield _feature("log_market_cap", cap, unit="log currency", group="size")
    yield _value("earnings_yield", "EPS of four quarters / close")
    yield _value("price_to_earnings", "close / EPS of four quarters; null without a profit")
    yield _value("book_to_price", "equity / market value")
    yield _value("price_to_book", "market value / equity; null unless equity is above 0")
    yield _value("sales_to_price", "revenue of four quarters / market value")
    yield _value("price_to_sales", "market value / revenue of four quarters; null without revenue")
    cash_flow = "operating cash flow of the last fiscal year / market value"
    yield _value("cash_flow_to_price", cash_flow)
    ev = "(market value + debt - cash) / operating income of four quarters; null unless that is above 0"
    yield _value("ev_to_operating_income", ev)
    yield _quality("return_on_equity", "net income of four quarters / equity; null unless equity is above 0")
    yield _quality("return_on_assets", "net income of four quarters / assets")
    yield _quality("gross_margin", "gross profit / revenue of four quarters; null without revenue")
    yield _quality("operating_margin", "operating income / revenue of four quarters; null without revenue")
    yield _quality("net_margin", "net income / revenue of four quarters; null without revenue")
    yield _quality("asset_turnover", "revenue of four quarters / assets")
    accruals = "(net income - operating cash flow) of the last fiscal year / assets"
    yield _quality("accruals", accruals, source="Sloan (1996), from the cash-flow statement")
    yield _growth("revenue_growth", "revenue of the last period / that of the same period a year before - 1")
    yield _growth("eps_growth", "(EPS of the last period - that of the same period a year before) / |the latter|")
    yield _growth("asset_growth", "assets / assets a year before - 1", source="Cooper, Gulen and Schill (2008)")
    yield _balance("debt_to_equity", "interest-bearing debt / equity; null unless equity is above 0")
    yield _balance("liabilities_to_assets", "liabilities, or assets - equity where they are not filed, / assets")
    yield _balance("current_ratio", "current assets / current liabilities")
    yield _balance("cash_ratio", "cash / current liabilities")
    yield _feature("filing_age", "days since the last filing became known", unit="days", group="filing")


FUNDAMENTAL_RATIOS = SqlSet(
    "fundamental_ratios",
    "Value, quality, growth, leverage and liquidity of each name, from the filings that were known before the session.",
    table_of(_ratios()),
    PROJECT / "models" / "features" / "fundamental_ratios.sql",
    ranges={"filing_age": (0.0, None), "price_to_earnings": (0.0, None), "price_to_book": (0.0, None)},
)
