"""Alpaca's market data: bars, corporate actions, listings, news and quotes, requested through alpaca-py.

Here: the requests (`_client`, `_batches`, `_requests`), and reading their answers into the standard columns (`_bars`,
`_actions`, `_stories`, `_assets`, `_spans`).

Not here: the stream of bars (`market_data.streaming`), orders and accounts (`trading_assets.brokers`).
"""

from trading_assets.market_data.sources.alpaca.parameters import AlpacaParameters
from trading_assets.market_data.sources.alpaca.source import AlpacaSource

__all__ = ["AlpacaParameters", "AlpacaSource"]
