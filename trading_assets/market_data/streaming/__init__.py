"""The stream of minute bars into the lake while the exchange trades.

Here: listening to Alpaca's websocket (`listener`), which of several bars of one minute is kept (`merging`), writing in
micro-batches (`storing`), backfilling from history what the stream missed (`bar_stream`), and reporting to Dagster
(`assets`).

Not here: requests for history (`market_data.sources.alpaca`), backfills of minute bars (`market_data.assets`).
"""

from trading_assets.market_data.streaming.bar_stream import BarStream, StoredBatch, StreamTiming

__all__ = ["BarStream", "StoredBatch", "StreamTiming"]
