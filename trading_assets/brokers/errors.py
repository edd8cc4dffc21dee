"""Errors of live trading, for the trader who reads them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from trading_assets.errors import RetryableError, TradingAssetsError


class LiveError(TradingAssetsError):
    """Something about live trading is wrong; the message says what, for which book, and what to do."""


class TradingSettingsError(LiveError):
    """A setting, a key or a confirmation is missing or contradicts another one."""


class TradingBlockedError(LiveError):
    """Nothing was sent, on purpose: a limit, a mismatch or the kill switch stands against it."""


class SubmissionIncompleteError(LiveError, RetryableError):
    """Some orders have no answer yet; running again asks for them and sends none twice."""


class BrokerError(LiveError):
    """The broker said no, or nothing."""


class UnauthorizedError(BrokerError):
    """The keys are wrong, revoked, or not allowed to do this."""


class OrderRejectedError(BrokerError):
    """The broker refused an order; no order was made.

    Attributes
    ----------
    code : int or None
        The broker's number of the reason.
    """

    def __init__(self, message: str, code: int | None) -> None:
        super().__init__(message)
        self.code = code


class DuplicateOrderError(OrderRejectedError):
    """There already is an order with this client order id."""


class NotFoundError(BrokerError):
    """The broker knows no such thing."""


class BrokerUnavailableError(BrokerError, RetryableError):
    """The broker cannot be reached or answers nonsense; nothing was changed by a question that failed so."""


class RateLimitedError(BrokerUnavailableError):
    """The broker wants fewer calls; the call had no effect."""


class OutcomeUnknownError(BrokerError):
    """An order was sent and no usable answer came back: it may or may not exist."""


@contextmanager
def about(book: str, session: date) -> Iterator[None]:
    """Let errors of live trading say which book and session they stand against, where they do not by themselves."""
    try:
        yield
    except LiveError as error:
        if repr(book) not in str(error):
            error.args = (f"book {book!r}, session {session}: {error}",)
        raise
