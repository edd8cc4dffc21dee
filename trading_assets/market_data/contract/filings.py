"""Bitemporal tables: companies, fundamentals and news, with the time that a row is about and when it became known."""

import datetime as dt

from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.contract import DUPLICATE
from trading_assets.lake.contracts.pandera_polars import pa
from trading_assets.market_data.contract.bars import NAMELESS, Moment

# Items of fundamentals: standard name -> meaning and unit.
ITEMS = {
    "revenue": ("sales of the period", "currency"),
    "gross_profit": ("revenue less cost of goods sold", "currency"),
    "operating_income": ("income from operations", "currency"),
    "net_income": ("income after all expenses and taxes", "currency"),
    "eps_basic": ("net income per share", "currency per share"),
    "eps_diluted": ("net income per share, with options exercised", "currency per share"),
    "dividends_per_share": ("cash dividends declared", "currency per share"),
    "total_assets": ("assets at the period's end", "currency"),
    "current_assets": ("assets that become cash within a year", "currency"),
    "total_liabilities": ("liabilities at the period's end", "currency"),
    "current_liabilities": ("liabilities due within a year", "currency"),
    "total_debt": ("interest-bearing debt at the period's end", "currency"),
    "cash": ("cash and equivalents at the period's end", "currency"),
    "total_equity": ("equity of the shareholders at the period's end", "currency"),
    "shares_outstanding": ("shares at the period's end", "shares"),
    "operating_cash_flow": ("cash from operations", "currency"),
    "investing_cash_flow": ("cash from investing", "currency"),
    "financing_cash_flow": ("cash from financing", "currency"),
}


class Companies(pa.DataFrameModel):
    """Profiles of companies, as they were known from a day on."""

    symbol: str = column("ticker", str_length={"min_value": 1})
    known_on: dt.date = column("day from whose end a decision may use it")
    name: str = column("name", nullable=True)
    sector: str = column("sector", nullable=True)
    industry: str = column("industry", nullable=True)
    country: str = column("country of the headquarters", nullable=True)
    market_cap: float = column("market value of all shares", unit="currency", nullable=True, ge=0)
    shares_outstanding: float = column("shares", unit="shares", nullable=True, ge=0)
    officers: str = column("officers as a JSON list of name, title and year of birth", nullable=True)
    source: str = column("name of the source")


class Fundamentals(pa.DataFrameModel):
    """Figures of the filings: one row per item, period and time of filing."""

    symbol: str = column("ticker", str_length={"min_value": 1})
    period_end: dt.date = column("last day of the fiscal period")
    period: str = column("quarter or year", isin=["quarter", "year"])
    item: str = column("standard name of the figure", isin=list(ITEMS))
    value: float = column("figure", unit="currency, shares or currency per share, by item")
    currency: str = column("currency of the figure, ISO 4217", nullable=True)
    known_on: dt.date = column("day of known_at in UTC")
    known_at: Moment = column("moment from which a decision may use it", unit="UTC")  # type: ignore[valid-type]
    basis: str = column(
        "what known_at is based on: the filing, the legal deadline of the filing, or the first day it was seen",
        isin=["filing", "deadline", "first_seen"],
    )
    source: str = column("name of the source")


class News(pa.DataFrameModel):
    """News by symbol: one row per story and symbol."""

    symbol: str = column("ticker that the story mentions", str_length={"min_value": 1})
    date: dt.date = column("day of known_at in UTC")
    id: str = column("identifier of the story at its source")
    published_at: Moment = column("moment of publication", unit="UTC")  # type: ignore[valid-type]
    known_at: Moment = column("moment from which a decision may use this wording", unit="UTC")  # type: ignore[valid-type]
    headline: str = column("headline")
    summary: str = column("summary", nullable=True)
    text: str = column("text", nullable=True)
    author: str = column("author", nullable=True)
    url: str = column("address", nullable=True)
    publisher: str = column("who published it", nullable=True)
    source: str = column("name of the source")


COMPANIES = Contract(
    Companies,
    "market_data.companies",
    key=("symbol", "known_on"),
    time="known_on",
    tolerated=(*NAMELESS, DUPLICATE),
)
FUNDAMENTALS = Contract(
    Fundamentals,
    "market_data.fundamentals",
    key=("symbol", "period_end", "period", "item", "known_at"),
    time="known_on",
    quarantine_limit=0.01,
    tolerated=NAMELESS,
)
NEWS = Contract(
    News,
    "market_data.news",
    key=("symbol", "id", "known_at"),
    time="date",
    quarantine_limit=0.01,
    tolerated=NAMELESS,
)
CONTRACTS = (COMPANIES, FUNDAMENTALS, NEWS)
