"""The HTTP session that yfinance is given: it waits its turn, tries again, and says what went wrong in clear."""

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

from trading_assets.market_data.sources.errors import RateLimitedError, SourceUnavailableError
from trading_assets.market_data.sources.yahoo._rate import Backoff, Pace, TokenBucket

__all__ = ["Manners", "RefusedRequestError", "UnreachableError", "YahooSession"]

_OFFLINE: Final = "check the network, or use the offline sample: trading-assets demo --source sample"
_LATER: Final = "run it again later"
_SLOWER: Final = f"{_LATER}, or lower source.yahoo.requests_per_second"
_LONGEST_WAIT: Final = 60.0
_CONNECT_SECONDS: Final = 5.0
_TOO_MANY, _UNAUTHORIZED, _SERVER_ERROR, _BAD_REQUEST = 429, (401, 403), 500, 400


class UnreachableError(SourceUnavailableError):
    """There is no way to Yahoo from here: no name, no connection."""


class RefusedRequestError(Exception):
    """Yahoo understood a request and says that it has no answer to it; `status` and `description` are its words."""

    def __init__(self, status: int, description: str) -> None:
        self.status, self.description = status, description
        super().__init__(f"yahoo answered HTTP {status}: {description}")


@dataclass(frozen=True, slots=True)
class Manners:
    """How requests are sent."""

    bucket: TokenBucket
    pace: Pace
    backoff: Backoff
    timeout: float
    proxy: str | None = None


class YahooSession(Session[Response]):
    """A session whose requests for data either return an answer that can be read or raise a named error.

    Requests for the cookie and the crumb are sent once and come back as they are: yfinance knows how to do without
    them. A try that failed is repeated with backoff, except where nothing of Yahoo could be reached at all. No message
    carries more of a request than host and path: crumb and cookie stay out of logs.
    """

    def __init__(self, manners: Manners) -> None:
        # An empty proxy, unlike none, keeps libcurl from taking one out of the environment.
        super().__init__(impersonate="chrome", trust_env=False, proxies={"all": manners.proxy or ""})
        self._manners = manners
        self._answered = False
        self._no_way: RequestException | None = None
        self._unauthorized = threading.local()

    def send(self, method: Any, url: str, **options: Any) -> Response:
        """Send one request over the network."""
        return super().request(method, url, **options)

    def request(self, method: Any, url: str, **options: Any) -> Response:  # type: ignore[override]
        """Send a request, politely.

        Raises
        ------
        UnreachableError
            If no answer has ever come and no connection can be made; at once.
        RateLimitedError, SourceUnavailableError
            If all tries failed.
        RefusedRequestError
            If Yahoo has no answer to the request.
        """
        manners = self._manners
        connect = min(_CONNECT_SECONDS, manners.timeout / 2)
        options["timeout"] = (connect, manners.timeout - connect)
        if not _asks_for_data(url):
            return self._prepare(method, url, **options)
        for attempt in range(manners.backoff.retries + 1):
            manners.bucket.take()
            try:
                return self._accepted(self.send(method, url, **options), url)
            except RequestException as error:
                problem, wait = self._failure(error, url), 0.0
            except _TryAgainError as again:
                problem, wait = again.problem, again.wait
            pointless = isinstance(problem, UnreachableError) or wait > _LONGEST_WAIT
            if pointless or attempt == manners.backoff.retries:
                raise problem
            pause = max(wait, manners.backoff.pause(attempt, manners.pace))
            if isinstance(problem, RateLimitedError):
                manners.bucket.hold(pause)
            manners.pace.sleep(pause)
        raise AssertionError

    def _prepare(self, method: Any, url: str, **options: Any) -> Response:
        """Send a request for cookie or crumb: one that found no way is enough, before any answer has come."""
        if self._no_way is not None and not self._answered:
            raise self._no_way
        self._manners.bucket.take()
        try:
            return self.send(method, url, **options)
        except RequestException as error:
            self._no_way = error
            raise

    def _accepted(self, response: Response, url: str) -> Response:
        """Return an answer that is one."""
        self._answered = True
        status, where = response.status_code, _place(url)
        if status == _TOO_MANY:
            raise _TryAgainError(
                RateLimitedError(f"yahoo has been asked too often (HTTP 429 from {where}); {_SLOWER}."),
                _seconds(response.headers.get("Retry-After")),
            )
        if status >= _SERVER_ERROR:
            problem = f"yahoo is out of order (HTTP {status} from {where}); {_LATER}."
            raise _TryAgainError(SourceUnavailableError(problem), _seconds(response.headers.get("Retry-After")))
        if status in _UNAUTHORIZED:
            return self._unless_twice(response, where)
        self._unauthorized.where = None
        if (urlsplit(str(response.url)).hostname or "").endswith("consent.yahoo.com"):
            return response
        body = _json(response)
        if body is None and status < _BAD_REQUEST:
            problem = f"yahoo sent something that is no complete JSON from {where}; {_LATER}."
            raise _TryAgainError(SourceUnavailableError(problem), 0.0)
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
        host, seconds = urlsplit(url).hostname, self._manners.timeout
        no_connection = True
        if isinstance(error, DNSError):
            what = f"the name {host} cannot be resolved"
        elif isinstance(error, ProxyError):
            what = "the proxy of source.yahoo.proxy does not answer"
        elif isinstance(error, Timeout):
            no_connection = "connect" in str(error).lower()
            what = f"{host} did not answer within {seconds:g} s"
        elif isinstance(error, CurlConnectionError) and error.code == CurlECode.COULDNT_CONNECT:
            what = f"{host} refuses the connection"
        else:
            no_connection = False
            what = f"the connection to {host} broke off"
        if no_connection and not self._answered:
            return UnreachableError(f"yahoo cannot be reached ({what}); {_OFFLINE}.")
        return SourceUnavailableError(f"yahoo did not answer ({what}); {_LATER}.")


class _TryAgainError(Exception):
    def __init__(self, problem: SourceUnavailableError, wait: float) -> None:
        self.problem, self.wait = problem, wait
        super().__init__()


def _asks_for_data(url: str) -> bool:
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
    """What Yahoo says about an error: it stands below the one key of the body."""
    answers = list(body.values()) if isinstance(body, Mapping) else []
    error = answers[0].get("error") if answers and isinstance(answers[0], Mapping) else None
    if isinstance(error, Mapping):
        return str(error.get("description") or error.get("code") or "no reason given")
    return "no reason given"
