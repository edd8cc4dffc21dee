"""One life of a stream in a process of its own; it imports no more than that."""

from __future__ import annotations

import threading

from trading_assets.brokers.alpaca.connection import KEY_VARIABLES
from trading_assets.market_data.sources.alpaca import AlpacaParameters, AlpacaSource
from trading_assets.market_data.streaming.bar_stream import BarStream, StreamTiming


def stream_bars(lake, url, keys, has_begun):
    """Stream until killed; says when a batch has been stored."""
    environment = dict(zip(KEY_VARIABLES, keys, strict=True))
    parameters = AlpacaParameters(symbols=["AAA", "BBB"], url=url, requests_per_minute=60_000)
    source = AlpacaSource(parameters, environment=environment)
    timing = StreamTiming(batch_seconds=0.05, refill_seconds=0.3, retry_seconds=0.05)
    BarStream(lake, source, parameters.symbols, timing=timing, on_batch=lambda _: has_begun.set()).run(
        threading.Event()
    )
