"""Tables of market data, by what they are about: prices, who trades when, companies and filings, quality."""

from trading_assets.market_data.contract.bars import BARS_DAILY, BARS_HOURLY, BARS_MINUTE, CORPORATE_ACTIONS, QUOTES
from trading_assets.market_data.contract.filings import COMPANIES, FUNDAMENTALS, ITEMS, NEWS
from trading_assets.market_data.contract.quality import (
    ANOMALIES,
    COVERAGE,
    RESTATEMENTS,
    SOURCE_COMPARISON,
    SOURCE_FAILURES,
    SYMBOL_MAINTENANCE,
)
from trading_assets.market_data.contract.universe import LISTINGS, MEMBERSHIP, SYMBOLS

__all__ = [
    "ANOMALIES",
    "BARS_DAILY",
    "BARS_HOURLY",
    "BARS_MINUTE",
    "COMPANIES",
    "CONTRACTS",
    "CORPORATE_ACTIONS",
    "COVERAGE",
    "FUNDAMENTALS",
    "ITEMS",
    "LISTINGS",
    "MEMBERSHIP",
    "NEWS",
    "QUOTES",
    "RESTATEMENTS",
    "SOURCE_COMPARISON",
    "SOURCE_FAILURES",
    "SYMBOLS",
    "SYMBOL_MAINTENANCE",
]

CONTRACTS = (SYMBOLS, BARS_DAILY, CORPORATE_ACTIONS)
