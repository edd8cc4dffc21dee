"""Serving: what people and programs read from a desk.

What lives here: the queries by name (`queries`) that commands and reports read, each a frame of declared columns.
What to put here: queries that an API or a page needs.
What not: commands (`trading_assets.cli`), anything that writes to the lake.
"""

from trading_assets.serving.queries import QUERIES, Query, QueryParameterError

__all__ = ["QUERIES", "Query", "QueryParameterError"]
