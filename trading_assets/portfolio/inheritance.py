"""Books that are like another one: what a book inherits, as plain mappings before anything in them is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trading_assets.brokers.factory import SIMULATED
from trading_assets.execution.models import by_role
from trading_assets.suggest import did_you_mean

LIKE = "like"
# A copy of a book does not trade at a broker unless it says so itself.
_NOT_INHERITED = ("broker",)


def with_inheritance(books: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, dict[str, Any]], dict[str, list[str]]]:
    """Settings of books with those that they inherit.

    A book inherits from the book that its key `like` names: mappings are merged key by key, anything else replaces what
    is inherited. Where both are mappings of different kinds (a key `kind`), the book's own replaces the inherited one;
    costs are merged by role.
    The broker is not inherited, and without one neither are the limits at a broker.

    Parameters
    ----------
    books : mapping of str to mapping
        Settings by the name of the book.

    Returns
    -------
    dict of str to dict
        Settings of the books that can be resolved, without `like`.
    dict of str to list of str
        Faults by book: a parent that does not exist, books that are like themselves.
    """
    found, faults = {}, {}
    for name, own in books.items():
        ancestors, fault = _ancestors(name, books)
        if fault:
            faults[name] = [fault]
            continue
        inherited: dict[str, Any] = {}
        for ancestor in reversed(ancestors):
            inherited = merged(inherited, _without(books[ancestor], LIKE, *_NOT_INHERITED))
        values = merged(inherited, _without(own, LIKE))
        if values.get("broker", SIMULATED) == SIMULATED and "live" not in own:
            values.pop("live", None)
        found[name] = values
    return found, faults


def merged(inherited: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Settings over inherited ones; see `with_inheritance`."""
    result = dict(inherited)
    for key, value in own.items():
        before = result.get(key)
        if isinstance(before, str | dict) and isinstance(value, dict):
            result[key] = _merged(*(_FORMS.get(key, _as_it_is)(one) for one in (before, value)))
        else:
            result[key] = value
    return result


def _merged(before: Any, own: dict[str, Any]) -> dict[str, Any]:
    if isinstance(before, dict) and ("kind" not in own or own["kind"] == before.get("kind")):
        return merged(before, own)
    return own


def _as_it_is(value: Any) -> Any:
    return value


# Settings that can be written in two ways are merged in one form.
_FORMS: Mapping[str, Callable[[Any], Any]] = {
    "sizing": lambda value: {"kind": value} if isinstance(value, str) else value,
    "costs": lambda value: by_role(value) if isinstance(value, dict) else value,
}


def _without(settings: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in keys}


def _ancestors(name: str, books: Mapping[str, Mapping[str, Any]]) -> tuple[list[str], str | None]:
    """Parent of a book (`like`), parent of that one, and so on; or why they cannot be resolved."""
    line = [name]
    while (parent := books[line[-1]].get(LIKE)) is not None:
        if parent not in books:
            if len(line) > 1:  # reported at the book that has the fault
                return [], f"{LIKE} {line[1]!r} cannot be used, see there"
            return [], f"{LIKE} is {parent!r}{did_you_mean(parent, books)}; there are {', '.join(books)}"
        if parent in line:
            return [], f"{LIKE} goes round in a circle: {' -> '.join([*line, parent])}"
        line.append(parent)
    return line[1:], None
