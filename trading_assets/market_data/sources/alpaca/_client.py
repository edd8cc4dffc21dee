"""Requests to Alpaca through alpaca-py's clients: rate limited, retried while it is busy, with typed errors.

Pages are requested one at a time: alpaca-py's own paging requests a page twice or crashes on an answer
without rows, and its own retries ignore the time at which a rate limit ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Literal

from trading_assets.brokers.alpaca.clients import configured, trading_client
from trading_assets.brokers.alpaca.connection import KEY_VARIABLES, Connection
from trading_assets.market_data.sources._limiter import RateLimiter, Timing
from trading_assets.market_data.sources._retries import PassingFailureError, with_retries
from trading_assets.market_data.sources.errors import (
    SourceConfigError,
    SourceError,
    SourceFormatError,
    SourceRateLimitError,
    SourceUnavailableError,
)

Api = Literal["stocks", "corporate_actions", "news", "trading"]

_ATTEMPTS: Final = 5
_MINUTE: Final = 60.0
# Seconds of the allowed rate that may be used at once.
_BURST_SECONDS: Final = 3.0
# The limit counts calls per minute, so a longer wait is never needed; the reset time is in whole seconds.
_LONGEST_WAIT_SECONDS, _WAIT_MARGIN_SECONDS = 65.0, 0.05
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY, _SERVER_ERROR = 401, 403, 404, 429, 500
_REFUSED = (400, 422)


class RefusedError(SourceConfigError):
    """Alpaca rejects the request itself, for instance because of one of its symbols."""


class AlpacaClient:
    """Alpaca's market data and trading APIs, requested one page at a time.

    Parameters
    ----------
    connection : Connection
        Addresses and keys.
    feed : str
        Feed of the requests, for messages.
    requests_per_minute : int
        Most requests per minute.
    read_seconds : float
        How long an answer may take.
    now : callable
        Returns the present time, to compute how long a rate limit lasts.
    timing : Timing
        How to wait for the rate limit and between attempts.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        feed: str,
        requests_per_minute: int,
        read_seconds: float,
        now: Callable[[], datetime],
        timing: Timing,
    ) -> None:
        self._connection = connection
        self._feed = feed
        self._read_seconds = read_seconds
        per_second = requests_per_minute / _MINUTE
        self._limiter = RateLimiter(per_second, max(1.0, per_second * _BURST_SECONDS), timing)
        self._timing = timing
        self._now = now

    def pages(self, api: Api, path: str, name: str, fields: Mapping[str, Any]) -> Iterator[Any]:
        """Yield what each page of an answer has under a name, with one request per page.

        Raises
        ------
        SourceError
            As `get`; `SourceFormatError` if a page names itself as the next one.
        """
        token: str | None = None
        while True:
            answer = self.get(api, path, {**fields, "page_token": token})
            if not isinstance(answer, dict):
                raise SourceFormatError(f"{self._described(path)}: the answer is no JSON object; report it to Alpaca.")
            yield answer.get(name) or {}
            following = answer.get("next_page_token")
            if not following:
                return
            if following == token:
                raise SourceFormatError(f"{self._described(path)}: the pages do not end; report it to Alpaca.")
            token = following

    def get(self, api: Api, path: str, fields: Mapping[str, Any]) -> Any:
        """Send a request, up to five times while Alpaca is busy or unavailable, and return the JSON of the answer.

        Raises
        ------
        SourceConfigError
            Keys, feed or request are wrong; `RefusedError` if it is the request.
        SourceRateLimitError, SourceUnavailableError, SourceFormatError
            The failure of the last attempt.
        """
        return with_retries(lambda: self._attempt(api, path, fields), attempts=_ATTEMPTS, timing=self._timing)

    def _attempt(self, api: Api, path: str, fields: Mapping[str, Any]) -> Any:
        import requests
        from alpaca.common.exceptions import APIError

        request = self._described(path)
        self._limiter.acquire()
        try:
            answer = self._clients[api].get(path, {k: v for k, v in fields.items() if v is not None})
        except APIError as error:
            refusal = self._refusal(request, error)
            if isinstance(refusal, SourceUnavailableError | SourceFormatError):
                raise PassingFailureError(refusal, self._seconds_until_reset(error)) from None
            raise refusal from None
        except requests.Timeout:
            raise _passing(SourceUnavailableError, f"{request}: no answer in time; try again later.") from None
        except requests.exceptions.JSONDecodeError:
            problem = f"{request}: the answer is not JSON, or was cut off; try again later."
            raise _passing(SourceFormatError, problem) from None
        except requests.RequestException as error:
            reason = f"cannot be reached at {self._url(api)} ({type(error).__name__})"
            hint = "check the network, or use the source 'sample', which needs none."
            raise _passing(SourceUnavailableError, f"{request}: {reason}; {hint}") from None
        if not isinstance(answer, dict | list):
            raise _passing(SourceFormatError, f"{request}: the answer is empty; try again later.")
        return answer

    def _refusal(self, request: str, error: Any) -> SourceError:
        status = int(error.status_code or 0)
        text = f"{request}: {_message(error)} (HTTP {status})"
        keys = " and ".join(KEY_VARIABLES)
        kinds: dict[int, tuple[type[SourceError], str]] = {
            _UNAUTHORIZED: (
                SourceConfigError,
                f"the keys are wrong, revoked, or of no {self._connection.broker} account: set {keys} to valid ones.",
            ),
            _FORBIDDEN: (
                SourceConfigError,
                f"the keys have no subscription to {self._feed!r}: set source.alpaca.feed to 'iex', which is free.",
            ),
            _NOT_FOUND: (SourceConfigError, "the address does not exist: check the setting source.alpaca.url."),
            _TOO_MANY: (
                SourceRateLimitError,
                "lower the setting source.alpaca.requests_per_minute, or try again later.",
            ),
            **dict.fromkeys(_REFUSED, (RefusedError, "Alpaca rejects the request.")),
        }
        unavailable = (SourceUnavailableError, "Alpaca is unavailable: try again later.")
        unexpected = (SourceFormatError, "the protocol defines no such answer.")
        kind, hint = kinds.get(status, unavailable if status >= _SERVER_ERROR else unexpected)
        return kind(f"{text}; {hint}")

    def _seconds_until_reset(self, error: Any) -> float:
        """Seconds until a rate limit ends; 0 if the answer does not say, or is another error."""
        try:
            reset = float(error.response.headers["X-RateLimit-Reset"])
        except (AttributeError, KeyError, TypeError, ValueError):
            return 0.0
        if error.status_code != _TOO_MANY:
            return 0.0
        return min(max(reset - self._now().timestamp(), 0.0) + _WAIT_MARGIN_SECONDS, _LONGEST_WAIT_SECONDS)

    def _described(self, path: str) -> str:
        return f"source 'alpaca', request for {path.strip('/')}"

    def _url(self, api: Api) -> str:
        return self._connection.url if api == "trading" else self._connection.data_url

    @cached_property
    def _clients(self) -> dict[Api, Any]:
        from alpaca.data.historical import NewsClient, StockHistoricalDataClient
        from alpaca.data.historical.corporate_actions import CorporateActionsClient

        keys, url = (self._connection.key_id, self._connection.secret), self._connection.data_url
        made: dict[Api, Any] = {"trading": trading_client(self._connection, self._read_seconds)}
        kinds: dict[Api, Any] = {
            "stocks": StockHistoricalDataClient,
            "corporate_actions": CorporateActionsClient,
            "news": NewsClient,
        }
        for name, kind in kinds.items():
            made[name] = configured(kind(*keys, url_override=url), url, self._read_seconds)
        return made


def _passing(kind: type[SourceError], message: str) -> PassingFailureError:
    return PassingFailureError(kind(message))


def _message(error: Any) -> str:
    try:
        message = error.message
    except (ValueError, KeyError, TypeError, AttributeError):
        return "the answer is not an error object of the protocol"
    return str(message) or "no reason given"
