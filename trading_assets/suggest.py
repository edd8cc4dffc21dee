"""Suggestions for a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: object, choices: Iterable[str], *, limit: int = 1) -> str:
    """The closest of the names that exist, as the end of an error message.

    Parameters
    ----------
    name : object
        What was given; upper and lower case count as equal.
    choices : iterable of str
        Names that exist.
    limit : int
        Largest number of names to suggest.

    Returns
    -------
    str
        ``" (did you mean 'x'?)"`` or ``" (did you mean 'x' or 'y'?)"``; empty where nothing is close.

    Examples
    --------
    >>> "unknown setting 'sed'" + did_you_mean("sed", ["seed", "start"])
    "unknown setting 'sed' (did you mean 'seed'?)"
    """
    by_case = {choice.casefold(): choice for choice in choices}
    near = get_close_matches(str(name).casefold(), by_case, n=limit)
    return f" (did you mean {' or '.join(repr(by_case[match]) for match in near)}?)" if near else ""
