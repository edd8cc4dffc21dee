"""The stream of minute bars into the lake, while the exchange trades.

Here: listening to Alpaca's websocket (`listener`), which of several bars of one minute counts (`merging`), writing them
in micro-batches (`storing`), filling what the stream missed from history (`bar_stream`), and what Dagster is told of it
(`assets`).

Not here: asking for history as such (`market_data.sources.alpaca`), backfills of minute bars (`market_data.assets`).
"""
