"""Reading Alpaca's news, one row per story and symbol, and its latest quotes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from trading_assets.market_data.sources.alpaca._bars import read_moments
from trading_assets.market_data.sources.protocol import NEWS_SCHEMA, QUOTES_SCHEMA


def read_news(
    pages: Iterable[Sequence[Mapping[str, Any]]], symbols: Sequence[str], start: date, end: date, source: str
) -> pl.DataFrame:
    """Read the stories that mention symbols and became known in a window of days in UTC, in `NEWS_SCHEMA`.

    The delivered wording of a story is known from `updated_at`. The text keeps its HTML.
    """
    wanted = set(symbols)
    named = [
        (symbol, story)
        for page in pages
        for story in page
        for symbol in dict.fromkeys(story.get("symbols") or ())
        if symbol in wanted
    ]
    stories = [story for _, story in named]
    texts = {
        "headline": "headline",
        "summary": "summary",
        "text": "content",
        "author": "author",
        "url": "url",
        "publisher": "source",
    }
    frame = pl.DataFrame(
        [
            pl.Series("symbol", [symbol for symbol, _ in named], dtype=pl.String),
            pl.Series("id", [story.get("id") for story in stories], dtype=pl.String, strict=False),
            read_moments("published_at", [story.get("created_at") for story in stories]),
            read_moments("updated_at", [story.get("updated_at") for story in stories]),
            *(
                pl.Series(name, [story.get(key) for story in stories], dtype=pl.String, strict=False)
                for name, key in texts.items()
            ),
        ]
    )
    return (
        frame.with_columns(
            *(pl.when(pl.col(name) != "").then(name).alias(name) for name in texts if name != "headline"),
            known_at=pl.max_horizontal("published_at", "updated_at"),
            source=pl.lit(source),
            raw=pl.lit(None, dtype=pl.String),
        )
        .with_columns(date=pl.col("known_at").dt.date())
        .filter(pl.col("date").is_between(start, end))
        .unique(["symbol", "id", "known_at"], keep="first", maintain_order=True)
        .select(*NEWS_SCHEMA)
        .sort("symbol", "known_at", "id")
    )


def read_quotes(pages: Iterable[Mapping[str, Mapping[str, Any]]], source: str, feed: str) -> pl.DataFrame:
    """Read the latest quotes, in `QUOTES_SCHEMA`; Alpaca sends 0 where there is no bid or ask."""
    named = [(symbol, quote) for page in pages for symbol, quote in page.items() if quote]
    keys = {"bid": "bp", "bid_size": "bs", "ask": "ap", "ask_size": "as"}
    frame = pl.DataFrame(
        [
            pl.Series("symbol", [symbol for symbol, _ in named], dtype=pl.String),
            read_moments("ts", [quote.get("t") for _, quote in named]),
            *(
                pl.Series(name, [quote.get(key) for _, quote in named], dtype=pl.Float64, strict=False)
                for name, key in keys.items()
            ),
        ]
    )
    return (
        frame.with_columns(
            *(pl.when(pl.col(name) > 0).then(name).alias(name) for name in ("bid", "ask")),
            feed=pl.lit(feed),
            source=pl.lit(source),
            raw=pl.lit(None, dtype=pl.String),
        )
        .select(*QUOTES_SCHEMA)
        .sort("symbol")
    )
