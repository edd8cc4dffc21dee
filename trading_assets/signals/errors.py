"""Errors of strategies, for the person who wrote one."""

from trading_assets.errors import TradingAssetsError


class StrategyError(TradingAssetsError, ValueError):
    """A strategy that cannot be used; the message names it and says what to change."""
