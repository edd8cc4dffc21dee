"""Brokers: the one adapter that reaches Alpaca, paper and live, and the embedded broker that speaks its protocol.

What lives here: connections to accounts.
What not: what to send and when (`live`).
"""
