"""Screens: those that Yahoo predefines, by name, and queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trading_assets.market_data.sources.errors import SourceConfigError

__all__ = ["read_screen"]


def read_screen(query: str | Mapping[str, Any]) -> Any:
    """Return a screen in the form that yfinance takes.

    Raises
    ------
    SourceConfigError
        Yahoo has no screen of that name, or the query is invalid.
    """
    import yfinance as yf  # type: ignore[import-untyped]

    if isinstance(query, str):
        if query not in yf.PREDEFINED_SCREENER_QUERIES:
            raise SourceConfigError(
                f"setting source.yahoo.screen: yahoo has no screen {query!r}; "
                f"use one of {', '.join(sorted(yf.PREDEFINED_SCREENER_QUERIES))}, or a query."
            )
        return query
    try:
        return _query(query)
    except (KeyError, TypeError, ValueError) as error:
        raise SourceConfigError(
            f"setting source.yahoo.screen is not a valid query ({error}); write "
            "{operator: and, operands: [{operator: gt, operands: [intradaymarketcap, 2000000000]}, ...]}."
        ) from None


def _query(query: Mapping[str, Any]) -> Any:
    import yfinance as yf

    operands = [_query(item) if isinstance(item, Mapping) else item for item in query["operands"]]
    return yf.EquityQuery(query["operator"], operands)
