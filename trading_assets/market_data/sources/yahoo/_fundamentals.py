"""Figures of Yahoo's financial statements, each with the day from which it can have been known."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import polars as pl

from trading_assets.market_data.sources.errors import NoDataError, SourceFormatError
from trading_assets.market_data.sources.protocol import FUNDAMENTALS_SCHEMA
from trading_assets.market_data.sources.yahoo._client import Client, check_symbol
from trading_assets.market_data.sources.yahoo._prices import origin

__all__ = ["fundamentals", "known_dates"]

_STATEMENTS: Final = "https://query2.finance.yahoo.com/ws/fundamentals-timeseries/v1/finance/timeseries"
_SUMMARY: Final = "https://query2.finance.yahoo.com/v10/finance/quoteSummary"
_ITEMS: Final = {
    "TotalRevenue": "revenue",
    "GrossProfit": "gross_profit",
    "OperatingIncome": "operating_income",
    "NetIncome": "net_income",
    "BasicEPS": "eps_basic",
    "DilutedEPS": "eps_diluted",
    "DividendPerShare": "dividends_per_share",
    "TotalAssets": "total_assets",
    "CurrentAssets": "current_assets",
    "TotalLiabilitiesNetMinorityInterest": "total_liabilities",
    "CurrentLiabilities": "current_liabilities",
    "TotalDebt": "total_debt",
    "CashAndCashEquivalents": "cash",
    "StockholdersEquity": "total_equity",
    "OrdinarySharesNumber": "shares_outstanding",
    "OperatingCashFlow": "operating_cash_flow",
    "InvestingCashFlow": "investing_cash_flow",
    "FinancingCashFlow": "financing_cash_flow",
}
_PERIODS: Final = {"quarterly": "quarter", "annual": "year"}
_SINCE: Final = datetime(2010, 1, 1, tzinfo=UTC)
_FORMS: Final = {"quarter": ("10-Q", "10-K"), "year": ("10-K",)}
# Days after the period's end: deadlines of 10-Q and 10-K for the slowest filers (17 CFR 249.308a, 249.310), and the
# latest day on which a filing can belong to the period and not to the next one.
_DEADLINE: Final = {"quarter": 45, "year": 90}
_LATEST: Final = 120
_DAY: Final = timedelta(days=1)
_FIGURES: Final = {
    "period_end": pl.Date,
    "period": pl.String,
    "item": pl.String,
    "value": pl.Float64,
    "currency": pl.String,
}


def fundamentals(client: Client, symbol: str, start: date, end: date, now: datetime) -> pl.DataFrame:
    """Return the figures of a symbol that became known from `start` to `end`, in `FUNDAMENTALS_SCHEMA`.

    A figure counts as known from midnight UTC after the day of its filing if Yahoo lists the filing, else after the
    legal deadline of the filing. Yahoo has the last four years and five quarters, as restated since.
    """
    check_symbol(symbol)
    filings = _filings(client, symbol)
    figures = _figures(client, symbol, now)
    known = known_dates(figures.select("period_end", "period").unique(), filings)
    return (
        figures.join(known, on=["period_end", "period"], how="left")
        .filter(pl.col("known_on").is_between(start, end))
        .with_columns(**origin(symbol))
        .select(*FUNDAMENTALS_SCHEMA)
        .cast(FUNDAMENTALS_SCHEMA)
        .sort("known_at", "period_end", "period", "item")
    )


def known_dates(periods: pl.DataFrame, filings: list[tuple[date, str]]) -> pl.DataFrame:
    """Add `known_on`, `known_at` and `basis` to periods.

    Parameters
    ----------
    periods
        Columns `period_end` and `period`, ``"quarter"`` or ``"year"``.
    filings
        Day and form, for instance ``"10-Q"``, of each filing of the company.
    """
    rows = []
    for period_end, period in periods.select("period_end", "period").iter_rows():
        filed = [day for day, form in filings if form in _FORMS[period] and _DAY <= day - period_end <= _DAY * _LATEST]
        day = min(filed) if filed else period_end + _DAY * _DEADLINE[period]
        known_at = datetime.combine(day + _DAY, time(), UTC)
        rows.append((period_end, period, known_at.date(), known_at, "filing" if filed else "deadline"))
    schema = {name: FUNDAMENTALS_SCHEMA[name] for name in ("period_end", "period", "known_on", "known_at", "basis")}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _filings(client: Client, symbol: str) -> list[tuple[date, str]]:
    """Day and form of the filings that Yahoo lists; none for a company that files outside the US."""
    try:
        body = client.get(symbol, f"{_SUMMARY}/{symbol}", {"modules": "secFilings", "formatted": "false"})
    except NoDataError:
        return []
    try:
        answers = body["quoteSummary"]["result"] or [{}]
        listed = (answers[0].get("secFilings") or {}).get("filings") or []
        return [(date.fromisoformat(filing["date"]), str(filing["type"])) for filing in listed]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unreadable(symbol, "filings", error) from None


def _figures(client: Client, symbol: str, now: datetime) -> pl.DataFrame:
    names = {f"{prefix}{item}": (period, _ITEMS[item]) for prefix, period in _PERIODS.items() for item in _ITEMS}
    window = {"period1": int(_SINCE.timestamp()), "period2": int((now + _DAY).timestamp())}
    params = {"symbol": symbol, "type": ",".join(names), **window}
    body = client.get(symbol, f"{_STATEMENTS}/{symbol}", params)
    try:
        series = body["timeseries"]["result"]
        rows = [
            (date.fromisoformat(point["asOfDate"]), *names[name], point["reportedValue"]["raw"], point["currencyCode"])
            for entry in series
            for name in names.keys() & entry.keys()
            for point in entry[name]
            if point is not None
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(symbol, "statements", error) from None
    if not series:
        raise NoDataError(f"yahoo has no statements of {symbol}; use another source, or try again later.")
    figures = pl.DataFrame(rows, schema=_FIGURES, orient="row", strict=False)
    return figures.filter(pl.col("value").is_not_null()).unique(["period_end", "period", "item"], keep="last")


def _unreadable(symbol: str, what: str, error: Exception) -> SourceFormatError:
    return SourceFormatError(
        f"yahoo's {what} of {symbol} cannot be read ({type(error).__name__}); update the package yfinance, "
        "or take fundamentals from files."
    )
