"""Errors of the lake, written for the person who reads them."""

from trading_assets.errors import RetryableError, TradingAssetsError


class LakeError(TradingAssetsError):
    """The stored tables are not in the required state; the message names the table and the remedy."""


class ContractError(LakeError):
    """A frame cannot be stored under its contract at all (a column is missing, a type cannot be cast)."""


class UpstreamNotReadyError(LakeError, RetryableError):
    """Rows that must exist before this partition can be computed have not been written yet; safe to retry."""


class SqlRefusedError(LakeError):
    """A statement given to the read-only SQL entry point is not a query."""
