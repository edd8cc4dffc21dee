"""Errors for the person who runs a desk, and those that another try may cure.

Here: the two bases that every stage's errors derive from. Not here: errors of a stage.
"""


class TradingAssetsError(Exception):
    """Something a person can put right: the message says what, where and how, and is shown without a traceback."""


class RetryableError(TradingAssetsError):
    """What was asked for is not there yet, or not at the moment: the same step may succeed later."""
