"""Errors of the lake, written for the person who reads them."""

from trading_assets.errors import RetryableError, TradingAssetsError


class LakeError(TradingAssetsError):
    """Something about the stored tables is not as it must be; the message names the table and the remedy."""


class ContractError(LakeError):
    """A frame cannot be stored under its contract at all (a column is missing, a type cannot be cast)."""


class QuarantineLimitError(ContractError):
    """More rows of a write broke the contract than its quarantine limit allows; nothing was written."""


class UpstreamNotReadyError(LakeError, RetryableError):
    """Rows that must exist before this partition can be computed have not been written yet; safe to retry."""


class SqlRefusedError(LakeError):
    """A statement given to the read-only SQL entry point is not a query."""
