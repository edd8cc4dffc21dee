"""The HTTP session that yfinance sends its requests through: rate limited, with retries and typed errors."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from curl_cffi import CurlECode
from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import ConnectionError as CurlConnectionError
from curl_cffi.requests.exceptions import DNSError, ProxyError, RequestException, Timeout

from trading_assets.market_data.sources._limiter import RateLimiter, Timing
from trading_assets.market_data.sources._retries import PassingFailureError, with_retries
from trading_assets.market_data.sources.errors import SourceError, SourceRateLimitError, SourceUnavailableError

__all__ = ["RefusedRequestError", "RequestPolicy", "UnreachableError", "YahooSession"]

_OFFLINE: Final = "check the network, or use the offline sample: trading-assets demo --source sample"
_LATER: Final = "try again later"
_SLOWER: Final = f"{_LATER}, or lower source.yahoo.requests_per_second"
_LONGEST_WAIT: Final = 60.0
_CONNECT_SECONDS: Final = 5.0
_TOO_MANY, _UNAUTHORIZED, _SERVER_ERROR, _BAD_REQUEST = 429, (401, 403), 500, 400


class UnreachableError(SourceUnavailableError):
    """No connection to Yahoo can be made: its name cannot be resolved, or nothing answers at its address."""


class RefusedRequestError(Exception):
    """Yahoo answered a request with an error of its own; `status` and `description` are those of its answer."""

    def __init__(self, status: int, description: str) -> None:
        self.status, self.description = status, description
        super().__init__(f"yahoo answered HTTP {status}: {description}")


@dataclass(frozen=True, slots=True)
class RequestPolicy:
    """How requests are sent.

    Attributes
    ----------
    limiter : RateLimiter
        Limits the requests of all threads.
    timing : Timing
        How to wait between attempts.
    attempts : int
        Most attempts per request, the first included.
    timeout : float
        Of one attempt, seconds.
    proxy : str or None
        Address of a proxy.
    """

    limiter: RateLimiter
    timing: Timing
    attempts: int
    timeout: float
    proxy: str | None = None


class YahooSession(Session[Response]):
    """A session whose requests for data either return a readable answer or raise a typed error.

    Requests for the cookie and the crumb are sent once and returned as they are: yfinance can do without both. A failed
    attempt is repeated, unless nothing of Yahoo could be reached at all. No message contains more of a request than
    host and path: crumb and cookie stay out of logs.
    """

    def __init__(self, policy: RequestPolicy) -> None:
        # An empty proxy, unlike None, keeps libcurl from taking one from the environment.
        super().__init__(impersonate="chrome", trust_env=False, proxies={"all": policy.proxy or ""})
        self._policy = policy
        self._answered = False
        self._unreachable: RequestException | None = None
        self._unauthorized = threading.local()

    def send(self, method: Any, url: str, **options: Any) -> Response:
        """Send one request over the network."""
        return super().request(method, url, **options)

    def request(self, method: Any, url: str, **options: Any) -> Response:  # type: ignore[override]
        """Send a request within the rate limit, and repeat it while its failure may pass.

        Raises
        ------
        UnreachableError
            Yahoo has never answered and no connection can be made; raised at once.
        SourceRateLimitError, SourceUnavailableError
            All attempts failed, or Yahoo requests a wait of more than a minute.
        RefusedRequestError
            Yahoo answered with an error of its own.
        """
        policy = self._policy
        connect = min(_CONNECT_SECONDS, policy.timeout / 2)
        options["timeout"] = (connect, policy.timeout - connect)
        if not _is_for_data(url):
            return self._prepare(method, url, **options)
        return with_retries(
            lambda: self._attempt(method, url, **options),
            attempts=policy.attempts,
            timing=policy.timing,
            before_pause=self._hold_others,
        )

    def _attempt(self, method: Any, url: str, **options: Any) -> Response:
        self._policy.limiter.acquire()
        try:
            response = self.send(method, url, **options)
        except RequestException as error:
            failure = self._failure(error, url)
            if isinstance(failure, UnreachableError):
                raise failure from None
            raise PassingFailureError(failure) from None
        return self._accepted(response, url)

    def _hold_others(self, error: SourceError, seconds: float) -> None:
        """Let all threads wait for the end of a rate limit."""
        if isinstance(error, SourceRateLimitError):
            self._policy.limiter.hold(seconds)

    def _prepare(self, method: Any, url: str, **options: Any) -> Response:
        """Send a request for cookie or crumb; after one failure, none until Yahoo has answered another request."""
        if self._unreachable is not None and not self._answered:
            raise self._unreachable
        self._policy.limiter.acquire()
        try:
            return self.send(method, url, **options)
        except RequestException as error:
            self._unreachable = error
            raise

    def _accepted(self, response: Response, url: str) -> Response:
        """Return a response that can be read, or raise what is wrong with it."""
        self._answered = True
        status, where = response.status_code, _place(url)
        if status == _TOO_MANY:
            raise _passing(
                SourceRateLimitError(f"yahoo has received too many requests (HTTP 429 from {where}); {_SLOWER}."),
                response,
            )
        if status >= _SERVER_ERROR:
            raise _passing(
                SourceUnavailableError(f"yahoo is out of order (HTTP {status} from {where}); {_LATER}."), response
            )
        if status in _UNAUTHORIZED:
            return self._unless_twice(response, where)
        self._unauthorized.where = None
        if (urlsplit(str(response.url)).hostname or "").endswith("consent.yahoo.com"):
            return response
        body = _json(response)
        if body is None and status < _BAD_REQUEST:
            problem = f"yahoo sent an answer that is not complete JSON from {where}; {_LATER}."
            raise PassingFailureError(SourceUnavailableError(problem))
        if status >= _BAD_REQUEST:
            raise RefusedRequestError(status, _description(body))
        return response

    def _unless_twice(self, response: Response, where: str) -> Response:
        """Let yfinance renew a crumb that has expired, once."""
        if getattr(self._unauthorized, "where", None) == where:
            self._unauthorized.where = None
            raise SourceUnavailableError(f"yahoo refuses access (HTTP {response.status_code} from {where}); {_LATER}.")
        self._unauthorized.where = where
        return response

    def _failure(self, error: RequestException, url: str) -> SourceUnavailableError:
        host, seconds = urlsplit(url).hostname, self._policy.timeout
        is_unconnected = True
        if isinstance(error, DNSError):
            what = f"the name {host} cannot be resolved"
        elif isinstance(error, ProxyError):
            what = "the proxy of source.yahoo.proxy does not answer"
        elif isinstance(error, Timeout):
            is_unconnected = "connect" in str(error).lower()
            what = f"{host} did not answer within {seconds:g} s"
        elif isinstance(error, CurlConnectionError) and error.code == CurlECode.COULDNT_CONNECT:
            what = f"{host} refuses the connection"
        else:
            is_unconnected = False
            what = f"the connection to {host} was lost"
        if is_unconnected and not self._answered:
            return UnreachableError(f"yahoo cannot be reached ({what}); {_OFFLINE}.")
        return SourceUnavailableError(f"yahoo did not answer ({what}); {_LATER}.")


def _passing(error: SourceUnavailableError, response: Response) -> SourceError | PassingFailureError:
    """The failure to raise: one to retry, unless Yahoo requests a wait that is better left to the next run."""
    wait = _seconds(response.headers.get("Retry-After"))
    return error if wait > _LONGEST_WAIT else PassingFailureError(error, wait)


def _is_for_data(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname and parts.hostname.startswith("query")) and not parts.path.endswith("/getcrumb")


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}{parts.path}"


def _seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after is not None and retry_after.strip().isdigit() else 0.0


def _json(response: Response) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:
        return None


def _description(body: Any) -> str:
    """Yahoo's description of an error, which stands below the single key of the body."""
    answers = list(body.values()) if isinstance(body, Mapping) else []
    error = answers[0].get("error") if answers and isinstance(answers[0], Mapping) else None
    if isinstance(error, Mapping):
        return str(error.get("description") or error.get("code") or "no reason given")
    return "no reason given"
