"""Alpaca's market data: bars, corporate actions, listings, news and quotes, asked through alpaca-py.

Here: asking (`_client`, `_batches`, `_throttle`), and reading what comes back into the standard columns (`_bars`,
`_actions`, `_stories`, `_assets`).

Not here: the stream of bars (`market_data.streaming`), orders and accounts (`live.brokers`).
"""

from trading_assets.market_data.sources.alpaca.parameters import AlpacaParameters
from trading_assets.market_data.sources.alpaca.source import AlpacaSource

__all__ = ["AlpacaParameters", "AlpacaSource"]
