"""Errors of brokers, for the trader who reads them."""

from trading_assets.errors import RetryableError, TradingAssetsError


class BrokerError(TradingAssetsError):
    """The broker refused a request or did not answer; the message names the request and the remedy."""


class BrokerSettingsError(BrokerError):
    """A book names a broker that does not exist, or the keys of its account are missing or readable by others."""


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
    """The broker does not know what was requested."""


class BrokerUnavailableError(BrokerError, RetryableError):
    """The broker cannot be reached or its answer is unreadable; a query that failed in this way has changed nothing."""


class BrokerBusyError(BrokerUnavailableError):
    """The broker limits the rate of calls; this one had no effect."""


class OutcomeUnknownError(BrokerError):
    """An order was sent and no usable answer came back: it may or may not exist."""
