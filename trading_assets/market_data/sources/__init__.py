"""Sources of market data: one module or package per source, all with the methods of `Source`.

Here: reading the rows of a vendor, a file or a generator into the columns of the contracts, without cleaning them.

Not here: storing, validating or adjusting them. A new source is a class with the methods of `Source` and one line in
`make_source`.
"""

from trading_assets.market_data.sources._factory import make_source
from trading_assets.market_data.sources.alpaca import AlpacaParameters, AlpacaSource
from trading_assets.market_data.sources.errors import (
    DelistedSymbolError,
    NoDataError,
    PartialAnswerError,
    SourceConfigError,
    SourceError,
    SourceFormatError,
    SourceRateLimitError,
    SourceUnavailableError,
    UnknownSymbolError,
    UnsupportedIntervalError,
)
from trading_assets.market_data.sources.files import FilesSource
from trading_assets.market_data.sources.protocol import (
    COMPANIES_SCHEMA,
    CORPORATE_ACTIONS_SCHEMA,
    DAILY_BARS_SCHEMA,
    FUNDAMENTALS_SCHEMA,
    INTRADAY_BARS_SCHEMA,
    LISTINGS_SCHEMA,
    NEWS_SCHEMA,
    QUOTES_SCHEMA,
    SYMBOLS_SCHEMA,
    CompaniesSource,
    FundamentalsSource,
    Interval,
    ListingsSource,
    NewsSource,
    QuotesSource,
    Source,
    bars_schema,
    interval_table,
)
from trading_assets.market_data.sources.sample import SampleSource
from trading_assets.market_data.sources.simulated import SimulatedSource, SimulationParameters
from trading_assets.market_data.sources.yahoo import YahooParameters, YahooSource

__all__ = [
    "COMPANIES_SCHEMA",
    "CORPORATE_ACTIONS_SCHEMA",
    "DAILY_BARS_SCHEMA",
    "FUNDAMENTALS_SCHEMA",
    "INTRADAY_BARS_SCHEMA",
    "LISTINGS_SCHEMA",
    "NEWS_SCHEMA",
    "QUOTES_SCHEMA",
    "SYMBOLS_SCHEMA",
    "AlpacaParameters",
    "AlpacaSource",
    "CompaniesSource",
    "DelistedSymbolError",
    "FilesSource",
    "FundamentalsSource",
    "Interval",
    "ListingsSource",
    "NewsSource",
    "NoDataError",
    "PartialAnswerError",
    "QuotesSource",
    "SampleSource",
    "SimulatedSource",
    "SimulationParameters",
    "Source",
    "SourceConfigError",
    "SourceError",
    "SourceFormatError",
    "SourceRateLimitError",
    "SourceUnavailableError",
    "UnknownSymbolError",
    "UnsupportedIntervalError",
    "YahooParameters",
    "YahooSource",
    "bars_schema",
    "interval_table",
    "make_source",
]
