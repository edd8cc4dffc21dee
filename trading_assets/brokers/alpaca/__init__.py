"""Alpaca's protocol through alpaca-py: the adapter of an account, its clients, connection and stream of hints.

What lives here: what reaches Alpaca paper, Alpaca live and the embedded broker alike.
What not: what to send and when (`trading_assets.live`); alpaca-py's internals (`trading_assets.library_internals`).
"""

from trading_assets.brokers.alpaca.kinds import KINDS

__all__ = ["KINDS"]
