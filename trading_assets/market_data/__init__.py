"""Stage 1: prices as vendors delivered them, and the tables that are needed to read them.

Here: the contracts of the tables (`contract`), the sources (`sources`) and their order (`source_policy`), the path from
a source into the lake (`ingest`, `assets`, `streaming`), the universe and its listings, reading as of a day (`as_of`,
`macros`), and checks of the quality of the data (`quality`, `checks`). Everything is stored raw; adjustment for splits
and dividends happens on read.

Not here: anything computed from prices (features, labels), and anything that decides or trades.
"""

from trading_assets.market_data.contract import (
    BARS_DAILY,
    BARS_MINUTE,
    CORPORATE_ACTIONS,
    LISTINGS,
    MEMBERSHIP,
    SYMBOLS,
)
from trading_assets.market_data.sources import Source

__all__ = ["BARS_DAILY", "BARS_MINUTE", "CORPORATE_ACTIONS", "LISTINGS", "MEMBERSHIP", "SYMBOLS", "Source"]
