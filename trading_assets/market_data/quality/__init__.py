"""The quality of the stored bars: coverage, anomalies, restatements, source comparison, symbols that stopped trading.

Here: pure functions over the whole panel at once, their limits, and a picture of the coverage.

Not here: what a single bar must satisfy (the contract and its quarantine), the assets and checks that show the results
(``assets.quality`` and ``checks`` of this stage), and any repair of the data.
"""

from trading_assets.desk.configuration import QualityRules
from trading_assets.market_data.quality.anomalies import RELISTED_YEARS, anomalies
from trading_assets.market_data.quality.comparison import compare_bars, other_bars
from trading_assets.market_data.quality.coverage import coverage
from trading_assets.market_data.quality.delisting import propose_maintenance
from trading_assets.market_data.quality.restatements import restatements, restatements_between

__all__ = [
    "RELISTED_YEARS",
    "QualityRules",
    "anomalies",
    "compare_bars",
    "coverage",
    "other_bars",
    "propose_maintenance",
    "restatements",
    "restatements_between",
]
