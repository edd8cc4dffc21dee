"""JSON schemas of the files that a person writes, for editors that complete and check them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trading_assets.desk.settings import settings_schema
from trading_assets.portfolio.books import books_schema
from trading_assets.portfolio.sizing import Sizing, shipped_sizings


def json_schemas(known: Mapping[str, type[Sizing]] | None = None) -> dict[str, dict[str, Any]]:
    """JSON schemas of ``books.yaml`` and ``settings.yaml`` by the name of the schema's file.

    Parameters
    ----------
    known : mapping of str to type of Sizing, optional
        Sizings that a book can name, by kind; by default those of the package.
    """
    return {
        "books.schema.json": books_schema(known or shipped_sizings()),
        "settings.schema.json": settings_schema(),
    }
