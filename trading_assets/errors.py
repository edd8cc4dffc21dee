"""Errors for the person who runs a desk, and errors that a retry may resolve.

Here: the two bases that every stage's errors derive from. Not here: errors of a stage.
"""


class TradingAssetsError(Exception):
    """Something the user can correct: the message says what, where and how, and is shown without a traceback."""


class RetryableError(TradingAssetsError):
    """Something that is needed is not there yet, or not available now: the same step may succeed later."""
