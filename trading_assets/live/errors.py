"""Errors of live trading, for the trader who reads them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from trading_assets.brokers.errors import BrokerError
from trading_assets.errors import RetryableError, TradingAssetsError


class LiveError(TradingAssetsError):
    """Something about live trading is wrong; the message names the book and the remedy."""


class TradingSettingsError(LiveError):
    """A setting or a confirmation is missing or contradicts another one."""


class TradingBlockedError(LiveError):
    """Nothing was sent, on purpose: because of a limit, a mismatch or the kill switch."""


class SubmissionIncompleteError(LiveError, RetryableError):
    """Some orders have no answer yet; the next run looks them up and sends none twice."""


@contextmanager
def about(book: str, session: date) -> Iterator[None]:
    """Add book and session to errors of live trading and of brokers that do not name them."""
    try:
        yield
    except (LiveError, BrokerError) as error:
        if repr(book) not in str(error):
            error.args = (f"book {book!r}, session {session}: {error}",)
        raise
