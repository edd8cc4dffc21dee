"""Questions to Alpaca through alpaca-py's clients: so many a minute, again while it is busy, errors as ours.

alpaca-py's own paging would ask a page twice or crash on an answer without rows, and its own repetition knows nothing
of the time at which a limit ends; its clients are asked for one page at a time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Literal

from trading_assets.brokers.alpaca.clients import tamed, trading_client
from trading_assets.brokers.alpaca.connection import KEY_VARIABLES, Connection
from trading_assets.market_data.sources.alpaca._throttle import Throttle
from trading_assets.market_data.sources.errors import (
    RateLimitedError,
    SourceConfigError,
    SourceError,
    SourceFormatError,
    SourceUnavailableError,
)

Api = Literal["stocks", "corporate_actions", "news", "trading"]

_ATTEMPTS: Final = 5
_PAUSE_SECONDS: float = 0.5
_LONGEST_PAUSE_SECONDS: float = 65.0
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY, _SERVER_ERROR = 401, 403, 404, 429, 500
_REFUSED = (400, 422)


class RefusedError(SourceConfigError):
    """The question makes no sense to Alpaca, for instance because of one of its symbols."""


class AlpacaClient:
    """Alpaca's market data and trading APIs, asked one page at a time.

    Parameters
    ----------
    connection : Connection
        Where they are, and the keys.
    feed : str
        Feed of the questions, for messages.
    requests_per_minute : int
        Most calls a minute.
    read_seconds : float
        How long an answer may take.
    now : callable
        The present, for the time at which a limit ends.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        feed: str,
        requests_per_minute: int,
        read_seconds: float,
        now: Callable[[], datetime],
    ) -> None:
        self._connection = connection
        self._feed = feed
        self._read_seconds = read_seconds
        self._throttle = Throttle(requests_per_minute)
        self._now = now

    def pages(self, api: Api, path: str, name: str, fields: Mapping[str, Any]) -> Iterator[Any]:
        """What every page of an answer has under a name, one call a page.

        Raises
        ------
        SourceError
            As `get`; `SourceFormatError` if a page names itself as the next one.
        """
        token: str | None = None
        while True:
            answer = self.get(api, path, {**fields, "page_token": token})
            if not isinstance(answer, dict):
                raise SourceFormatError(f"{self._asked(path)}: the answer is no JSON object; report it to Alpaca.")
            yield answer.get(name) or {}
            following = answer.get("next_page_token")
            if not following:
                return
            if following == token:
                raise SourceFormatError(f"{self._asked(path)}: the pages do not end; report it to Alpaca.")
            token = following

    def get(self, api: Api, path: str, fields: Mapping[str, Any]) -> Any:
        """Ask a question, again while Alpaca is busy or away, up to five times.

        Raises
        ------
        SourceConfigError
            Keys, feed or question are wrong; `RefusedError` where it is the question.
        RateLimitedError, SourceUnavailableError, SourceFormatError
            What the last try met.
        """
        for attempt in range(_ATTEMPTS):
            self._throttle.take()
            answer, problem, pause = self._once(api, path, fields)
            if problem is None:
                return answer
            if attempt + 1 == _ATTEMPTS or not isinstance(problem, SourceUnavailableError | SourceFormatError):
                raise problem
            jitter = random.SystemRandom().uniform(0.5, 1.0)  # spreads clients out; no result depends on it
            time.sleep(pause if pause is not None else _PAUSE_SECONDS * 2**attempt * jitter)
        raise AssertionError

    def _once(self, api: Api, path: str, fields: Mapping[str, Any]) -> tuple[Any, SourceError | None, float | None]:
        """The answer, or what was wrong and how long Alpaca wants us to wait."""
        import requests
        from alpaca.common.exceptions import APIError

        asked = self._asked(path)
        try:
            answer = self._clients[api].get(path, {k: v for k, v in fields.items() if v is not None})
        except APIError as error:
            return None, self._refusal(asked, error), self._limit_ends_in(error)
        except requests.Timeout:
            return None, SourceUnavailableError(f"{asked}: no answer in time; try again later."), None
        except requests.exceptions.JSONDecodeError:
            return None, SourceFormatError(f"{asked}: the answer is not JSON, or was cut off; try again later."), None
        except requests.RequestException as error:
            reason = f"cannot be reached at {self._url(api)} ({type(error).__name__})"
            hint = "check the network, or use the source 'sample', which needs none."
            return None, SourceUnavailableError(f"{asked}: {reason}; {hint}"), None
        if isinstance(answer, dict | list):
            return answer, None, None
        return None, SourceFormatError(f"{asked}: the answer is empty; try again later."), None

    def _refusal(self, asked: str, error: Any) -> SourceError:
        status = int(error.status_code or 0)
        text = f"{asked}: {_message(error)} (HTTP {status})"
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
            _NOT_FOUND: (SourceConfigError, "there is no such thing: check the setting source.alpaca.url."),
            _TOO_MANY: (
                RateLimitedError,
                "lower the setting source.alpaca.requests_per_minute, or try again later.",
            ),
            **dict.fromkeys(_REFUSED, (RefusedError, "the question makes no sense to it.")),
        }
        away = (SourceUnavailableError, "Alpaca is away: try again later.")
        odd = (SourceFormatError, "the protocol has no such answer.")
        kind, hint = kinds.get(status, away if status >= _SERVER_ERROR else odd)
        return kind(f"{text}; {hint}")

    def _limit_ends_in(self, error: Any) -> float | None:
        """Seconds until a rate limit ends, where the answer says so."""
        try:
            at = float(error.response.headers["X-RateLimit-Reset"])
        except (AttributeError, KeyError, TypeError, ValueError):
            return None
        if error.status_code != _TOO_MANY:
            return None
        return min(max(at - self._now().timestamp(), 0.0) + _PAUSE_SECONDS / 10, _LONGEST_PAUSE_SECONDS)

    def _asked(self, path: str) -> str:
        return f"source 'alpaca', asked for {path.strip('/')}"

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
            made[name] = tamed(kind(*keys, url_override=url), url, self._read_seconds)
        return made


def _message(error: Any) -> str:
    try:
        message = error.message
    except (ValueError, KeyError, TypeError, AttributeError):
        return "the answer is not an error of the protocol"
    return str(message) or "no reason given"
