"""yfinance (1.7): its requests, its cache of answers, and the time zone of a ticker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def set_timezone(ticker: Any, timezone: str) -> None:
    """Set the IANA zone of a ticker's exchange.

    yfinance uses it only to read dates without a zone, but spends one request per symbol on it, or trusts a cache on
    disk that does not expire. No argument of `Ticker` sets it.
    """
    ticker._tz = timezone  # noqa: SLF001


def clear_answers() -> None:
    """Drop the answers that yfinance keeps in memory.

    It answers a request for a window in the past from there, even if the answer was bad or has been restated since, and
    has no option to turn that off.
    """
    from yfinance.data import YfData  # type: ignore[import-untyped]

    YfData.cache_get.cache_clear()


def get_json(session: Any, url: str, params: Mapping[str, Any], timeout: float) -> Any:
    """Request an address of Yahoo with the cookie and crumb that yfinance manages, and return the JSON of the answer.

    The documented classes wrap only some addresses and lose fields of the answers.
    """
    from yfinance.data import YfData

    return YfData(session=session).get(url=url, params=dict(params), timeout=timeout).json()
