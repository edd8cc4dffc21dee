"""Reading the query parameters of the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from trading_assets.brokers.embedded.refusals import invalid


def moment_of(query: Mapping[str, str], name: str) -> datetime | None:
    """A moment in RFC 3339 or a date, None where it is missing; without a zone it is UTC.

    Raises
    ------
    ApiError
        422: neither.
    """
    text = query.get(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"{name} is not a date or a moment in RFC 3339: {text!r}") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def date_of(query: Mapping[str, str], name: str) -> date | None:
    """A date, None where it is missing."""
    found = moment_of(query, name)
    return found.date() if found else None


def end_of(query: Mapping[str, str], name: str) -> datetime | None:
    """A moment that ends a span; a date stands for its last microsecond."""
    found = moment_of(query, name)
    if found is not None and len(query[name]) <= len("2024-01-01"):
        return datetime.combine(found.date() + timedelta(days=1), time(), UTC) - timedelta(microseconds=1)
    return found


def list_of(query: Mapping[str, str], name: str) -> list[str] | None:
    """Values separated by commas, None where there are none."""
    found = [value for value in query.get(name, "").split(",") if value]
    return found or None


def count_of(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A number of rows between 1 and a maximum.

    Raises
    ------
    ApiError
        422: not such a number.
    """
    text = query.get(name) or str(default)
    if not text.isdigit() or int(text) < 1:
        raise invalid(f"{name} is not a number above 0: {text!r}")
    return min(int(text), most)


def choice_of(query: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """One of several words, the first by default.

    Raises
    ------
    ApiError
        422: another word.
    """
    value = query.get(name) or choices[0]
    if value not in choices:
        raise invalid(f"invalid {name} {value!r}: must be one of {', '.join(choices)}")
    return value
