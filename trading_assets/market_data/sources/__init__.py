"""Where bars and corporate actions come from: one module per source, all with the same three methods (`Source`).

Here: reading a vendor's, a file's or a generator's rows into the standard columns, without cleaning them.

Not here: storing, validating or adjusting them. A new source is a class with the methods of `Source` and one line in
`make_source`.
"""

from trading_assets.market_data.sources._factory import make_source
from trading_assets.market_data.sources.errors import (
    SourceConfigError,
    SourceError,
    SourceFormatError,
    SourceUnavailableError,
    UnknownSymbolError,
    UnsupportedIntervalError,
)
from trading_assets.market_data.sources.files import FilesSource
from trading_assets.market_data.sources.protocol import (
    CORPORATE_ACTIONS_SCHEMA,
    DAILY_BARS_SCHEMA,
    INTRADAY_BARS_SCHEMA,
    SYMBOLS_SCHEMA,
    Interval,
    Source,
    bars_schema,
)
from trading_assets.market_data.sources.sample import SampleSource
from trading_assets.market_data.sources.simulated import SimulatedSource, SimulationParameters

__all__ = [
    "CORPORATE_ACTIONS_SCHEMA",
    "DAILY_BARS_SCHEMA",
    "INTRADAY_BARS_SCHEMA",
    "SYMBOLS_SCHEMA",
    "FilesSource",
    "Interval",
    "SampleSource",
    "SimulatedSource",
    "SimulationParameters",
    "Source",
    "SourceConfigError",
    "SourceError",
    "SourceFormatError",
    "SourceUnavailableError",
    "UnknownSymbolError",
    "UnsupportedIntervalError",
    "bars_schema",
    "make_source",
]
