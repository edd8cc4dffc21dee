"""A violation of point-in-time rules in words."""

from collections.abc import Mapping

_LATER = {"cut": "is removed", "poison": "is falsified"}


def in_words(violation: Mapping[str, object]) -> str:
    """Describe which column is wrong, when, and its first row.

    Parameters
    ----------
    violation
        Row of `lookahead_violations` or `warmup_violations`, or any row: names and values are then listed.
    """
    if "first_key" not in violation:
        return ", ".join(f"{name} {value}" for name, value in violation.items())
    column, cut, mode = (violation[name] for name in ("column", "cut", "mode"))
    if mode in _LATER:
        what = f"{column} looks ahead: values up to {cut} change when what became known later {_LATER[str(mode)]}"
    else:
        rows = str(mode).split("+", maxsplit=1)[0]
        what = f"{column} reads more than the {rows} rows before its own that it declares: values of {cut} change"
        what += " without the rows before them"
    first = f"{violation['first_key']}: {violation['value_full']} becomes {violation['value_cut']}"
    return f"{what} ({violation['count']} row(s), first {first})"
