"""Books, bars and entries of an account that unit tests of live trading are made of."""

from __future__ import annotations

from datetime import date
from typing import Any

from trading_assets.brokers.alpaca.answers import ACTIVITY_KINDS
from trading_assets.brokers.records import Activity, ActivityKind
from trading_assets.portfolio.books import Book, load_books
from trading_assets_tests.execution.examples import models

FREE = models()
MONDAY, TUESDAY = date(2021, 3, 1), date(2021, 3, 2)


def a_book(*, live: dict[str, Any] | None = None, **values: Any) -> Book:
    """The package's own book, renamed and changed."""
    book = load_books()["main"]
    rules = book.live_rules.model_copy(update=live)
    wide = {"name": "desk", "start": None, "gross_leverage": 10.0, "max_weight": 10.0, "max_participation": 0.1}
    return book.with_values(**(wide | {"live": rules} | values))


def fill(number: int, symbol: str, side: str, quantity: float, price: float, day: date = TUESDAY) -> Activity:
    """A fill as the broker reports it."""
    identity = f"{day:%Y%m%d}::{number:06d}"
    return Activity(identity, ActivityKind.FILL, "FILL", symbol, side, quantity, price, 0.0, "order", None, day, None)


def entry(number: int, code: str, amount: float, symbol: str | None = None, quantity: float = 0.0) -> Activity:
    """Anything else that the broker books, by Alpaca's code."""
    kind = ACTIVITY_KINDS.get(code, ActivityKind.OTHER)
    return Activity(
        f"20210302::{number:06d}", kind, code, symbol, None, quantity, None, amount, None, None, TUESDAY, None
    )
