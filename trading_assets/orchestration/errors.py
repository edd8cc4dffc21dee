"""Errors of running the stages, written for the person who reads them."""

from trading_assets.errors import TradingAssetsError


class RefreshError(TradingAssetsError):
    """A stage was stopped by a blocking check; the message names the stage, the check, what it found and the run."""
