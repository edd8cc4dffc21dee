"""Contracts of market data. Here: tables of prices, listings, filings, quality. Not here: how they are filled."""

from trading_assets.market_data.contract import bars, filings, quality, universe
from trading_assets.market_data.contract.bars import (
    BARS,
    BARS_DAILY,
    BARS_HOURLY,
    BARS_MINUTE,
    CORPORATE_ACTIONS,
    QUOTES,
    Interval,
)
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
    "BARS",
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
    "Interval",
]

CONTRACTS = (*universe.CONTRACTS, *bars.CONTRACTS, *filings.CONTRACTS, *quality.CONTRACTS)
