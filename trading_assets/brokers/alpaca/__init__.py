"""Alpaca's protocol through alpaca-py: the adapter of an account, its clients, connection and stream of hints.

What lives here: what reaches Alpaca paper, Alpaca live and the embedded broker alike.
What not: what to send and when (`trading_assets.live`).
"""
