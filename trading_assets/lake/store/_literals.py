"""Values as SQL text, since DuckDB imports pandas (0.5 to 1 s) at the first bound parameter of a process."""

from __future__ import annotations

from datetime import date, datetime

_FEW = 32


def literal(value: str | date) -> str:
    """SQL literal of a text, a day or a moment."""
    if isinstance(value, datetime):
        return f"TIMESTAMPTZ '{value.isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"DATE '{value}'"
    return "'" + value.replace("'", "''") + "'"


def literals(values: tuple[str | date, ...] | list[str] | list[date]) -> str:
    """SQL literals, separated by commas."""
    return ", ".join(literal(value) for value in values)


def one_of(column: str, values: tuple[str, ...] | list[str]) -> str:
    """SQL predicate that is true where a column has one of some values.

    With a few values DuckDB skips files and row groups that hold none of them; with hundreds it makes one comparison
    for each, in every row group and row.
    """
    if not values:
        return "FALSE"
    if len(values) <= _FEW:
        return f'"{column}" IN ({literals(values)})'
    return f'"{column}" IN (SELECT unnest([{literals(values)}]))'
