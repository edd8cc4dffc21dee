"""Assets of market data, by the kind of table: universe, prices, filings, and the quality of the data.

Here: one module per kind, whose asset bodies read, call one function, and return rows and metadata; what they share is
in `common`.

Not here: the functions they call (`ingest`, `listing`, `resample`, `quality` ...), the checks (`market_data.checks`).
"""

from collections.abc import Sequence

from trading_assets.desk.desk import Desk
from trading_assets.desk.stage import Asset
from trading_assets.market_data.assets import bars, filings, intraday, quality, universe

__all__ = ["assets"]


def assets(desk: Desk) -> Sequence[Asset]:
    """Define the assets of the tables that the sources of the desk can fill."""
    return [
        *universe.assets(desk),
        *bars.assets(desk),
        *intraday.assets(desk),
        *filings.assets(desk),
        *quality.assets(desk),
    ]
