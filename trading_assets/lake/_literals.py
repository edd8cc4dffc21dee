"""Values as SQL text. DuckDB imports pandas (0.5 to 1 s) at the first bound parameter of a process; text needs none."""

from __future__ import annotations

from datetime import date, datetime


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
