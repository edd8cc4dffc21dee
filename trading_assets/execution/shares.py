"""What a quantity of shares can be."""

SHARE_DECIMALS = 9
"""Decimals of the smallest fraction of a share: what brokers take, and what a position can be."""
