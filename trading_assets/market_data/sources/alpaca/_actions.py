"""Reading Alpaca's corporate actions as splits and dividends, and as delistings and renames.

None of Alpaca's dates is that of the announcement: `record_date` and `payable_date` are set in it, and `process_date`
is the day on which Alpaca books the action, mostly the payable date, weeks after the ex-date. An action therefore
counts as known from midnight UTC at the start of its ex-date: after the close of the previous session, the latest
moment at which it can have become known.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

import polars as pl

from trading_assets.market_data.sources.protocol import CORPORATE_ACTIONS_SCHEMA, LISTINGS_SCHEMA

ACTION_TYPES: Final = ("forward_split", "reverse_split", "stock_dividend", "cash_dividend")
LISTING_TYPES: Final = ("name_change", "worthless_removal", "cash_merger", "stock_merger", "stock_and_cash_merger")

_INSTANT: Final = pl.Datetime("us", "UTC")
_SPLITS: Final = ("forward_splits", "reverse_splits", "stock_dividends")
# Holders of a removed name received nothing; what those of a merged one received depends on prices that are not sent.
_DELISTINGS: Final[Mapping[str, tuple[str, str, float | None]]] = {
    "worthless_removals": ("symbol", "process_date", -1.0),
    "cash_mergers": ("acquiree_symbol", "effective_date", None),
    "stock_mergers": ("acquiree_symbol", "effective_date", None),
    "stock_and_cash_mergers": ("acquiree_symbol", "effective_date", None),
}

Pages = Iterable[Mapping[str, Any]]


class _Action(NamedTuple):
    symbol: Any
    day: Any
    kind: str
    value: float | None
    item: dict[str, Any]


def read_actions(pages: Pages, symbols: Sequence[str], start: date, end: date, source: str) -> pl.DataFrame:
    """Read splits and cash dividends of symbols with an ex-date in a window, in `CORPORATE_ACTIONS_SCHEMA`.

    A stock dividend is a split: a rate of 0.05 gives 1.05 new shares per old share. Dividends of one ex-date, for
    instance a regular and a special one, are added; splits are multiplied.
    """
    rows = [_action(kind, item) for kind, item in _items(pages) if kind in {*_SPLITS, "cash_dividends"}]
    frame = _frame([(row.symbol, row.day, row.kind, row.value, None, row.item) for row in rows])
    combined = (
        frame.filter(pl.col("symbol").is_in(symbols), pl.col("date").is_between(start, end))
        .group_by("symbol", "date", "kind", maintain_order=True)
        .agg(
            value=pl.when(pl.col("kind").first() == "split").then(pl.col("value").product()).otherwise(
                pl.col("value").sum()
            ),
            is_unreadable=pl.col("value").is_null().any(),
            raw=pl.col("raw").first(),
        )
    )  # fmt: skip
    return (
        combined.with_columns(
            value=pl.when(~pl.col("is_unreadable")).then("value"),
            raw=pl.when("is_unreadable").then("raw"),
            ex_date="date",
            known_at=_known_at(),
            source=pl.lit(source),
        )
        .select(*CORPORATE_ACTIONS_SCHEMA)
        .sort("symbol", "ex_date", "kind")
    )


def read_listings(pages: Pages, symbols: Sequence[str], start: date, end: date, source: str) -> pl.DataFrame:
    """Read the renames and delistings of symbols that are dated in a window, in `LISTINGS_SCHEMA`."""
    rows: list[tuple[Any, ...]] = []
    for kind, item in _items(pages):
        if kind == "name_changes" and item.get("new_symbol") != item.get("old_symbol"):
            rows.append(
                (item.get("new_symbol"), item.get("process_date"), "rename", None, item.get("old_symbol"), item)
            )
        elif kind in _DELISTINGS:
            symbol, day, value = _DELISTINGS[kind]
            rows.append((item.get(symbol), item.get(day), "delisting", value, None, item))
    concerns = pl.col("symbol").is_in(symbols) | pl.col("other_symbol").is_in(symbols).fill_null(value=False)
    return (
        _frame(rows)
        .filter(concerns, pl.col("date").is_between(start, end))
        .unique(["symbol", "date", "kind"], keep="first", maintain_order=True)
        .with_columns(known_at=_known_at(), source=pl.lit(source), raw=pl.lit(None, dtype=pl.String))
        .select(*LISTINGS_SCHEMA)
        .sort("symbol", "date", "kind")
    )


def _items(pages: Pages) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield each action once, with its type: pages that shift while they are read repeat some."""
    seen: set[str] = set()
    for page in pages:
        for kind, items in page.items():
            for item in items or ():
                identity = str(item.get("id"))
                if identity == "None" or identity not in seen:
                    seen.add(identity)
                    yield kind, item


def _action(kind: str, item: dict[str, Any]) -> _Action:
    if kind == "cash_dividends":
        return _Action(item.get("symbol"), item.get("ex_date"), "dividend", _number(item.get("rate")), item)
    if kind == "stock_dividends":
        rate = _number(item.get("rate"))
        return _Action(item.get("symbol"), item.get("ex_date"), "split", None if rate is None else 1.0 + rate, item)
    new, old = _number(item.get("new_rate")), _number(item.get("old_rate"))
    ratio = new / old if new and old else None
    return _Action(item.get("symbol"), item.get("ex_date"), "split", ratio, item)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _frame(rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    symbols, days, kinds, values, others, items = zip(*rows, strict=True) if rows else ((),) * 6
    text = pl.String
    return pl.DataFrame(
        [
            pl.Series("symbol", symbols, dtype=text, strict=False),
            pl.Series("date", days, dtype=text, strict=False).str.to_date("%Y-%m-%d", strict=False),
            pl.Series("kind", kinds, dtype=text),
            pl.Series("value", values, dtype=pl.Float64),
            pl.Series("other_symbol", others, dtype=text, strict=False),
            pl.Series("raw", [json.dumps(item) for item in items], dtype=text),
        ]
    )


def _known_at() -> pl.Expr:
    return pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(_INSTANT)
