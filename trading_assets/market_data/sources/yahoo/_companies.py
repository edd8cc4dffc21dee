"""What Yahoo knows about companies today: profiles, quotes, and the span in which a symbol is listed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import polars as pl

from trading_assets.market_data.sources.errors import (
    NoDataError,
    SourceError,
    SourceFormatError,
    UnknownSymbolError,
)
from trading_assets.market_data.sources.protocol import COMPANIES_SCHEMA, QUOTES_SCHEMA, SYMBOLS_SCHEMA
from trading_assets.market_data.sources.yahoo._client import Client, check_symbol
from trading_assets.market_data.sources.yahoo._prices import NAME, check_market, origin
from trading_assets.market_data.sources.yahoo._windows import YahooMarket

__all__ = ["Answers", "company", "listing", "listing_of_quote", "quote_row", "quotes_by_symbol"]

# Quotes by symbol, and the errors of the symbols without one.
Answers = tuple[dict[str, dict[str, Any]], dict[str, SourceError]]

_QUOTES: Final = "https://query1.finance.yahoo.com/v7/finance/quote"
_SUMMARY: Final = "https://query2.finance.yahoo.com/v10/finance/quoteSummary"
_PROFILE: Final = "assetProfile,price,defaultKeyStatistics"


def quotes_by_symbol(client: Client, symbols: Sequence[str], batch_size: int) -> Answers:
    """Request quotes, many symbols at once; Yahoo leaves out those that it does not know."""
    failures: dict[str, SourceError] = {}
    for symbol in symbols:
        try:
            check_symbol(symbol)
        except UnknownSymbolError as error:
            failures[symbol] = error
    requested = [symbol for symbol in symbols if symbol not in failures]
    found: dict[str, dict[str, Any]] = {}
    for first in range(0, len(requested), batch_size):
        batch = ",".join(requested[first : first + batch_size])
        body = client.get(batch, _QUOTES, {"symbols": batch, "formatted": "false"})
        found |= {str(quote.get("symbol")): quote for quote in _results(body, "quoteResponse", batch)}
    answered = {symbol: found[symbol.upper()] for symbol in requested if symbol.upper() in found}
    for symbol in set(requested) - set(answered):
        failures[symbol] = UnknownSymbolError(
            f"yahoo has no quote of {symbol}; correct the spelling or remove it from the universe.", [symbol]
        )
    return answered, failures


def quote_row(symbol: str, quote: Mapping[str, Any], market: YahooMarket) -> pl.DataFrame:
    """Return best bid and ask of a symbol; `ts` is its last trade, the only time that Yahoo reports.

    Sizes stay null: Yahoo does not document whether it counts shares or round lots.
    """
    traded = _seconds(quote.get("regularMarketTime"))
    if traded is None:
        raise NoDataError(f"yahoo's quote of {symbol} has no time of its last trade; try again later.")
    scale = check_market(symbol, quote.get("exchangeTimezoneName"), quote.get("currency"), market)
    values = {side: _positive(quote.get(side), scale) for side in ("bid", "ask")}
    frame = pl.DataFrame({"ts": [traded], **{side: [value] for side, value in values.items()}})
    sizes = {name: pl.lit(None, dtype=pl.Float64) for name in ("bid_size", "ask_size")}
    return frame.with_columns(**sizes, **origin(symbol)).select(*QUOTES_SCHEMA).cast(QUOTES_SCHEMA)


def listing_of_quote(symbol: str, quote: Mapping[str, Any], market: YahooMarket) -> pl.DataFrame | None:
    """Return the listing of a symbol from its quote; None if the quote lacks the span."""
    check_market(symbol, quote.get("exchangeTimezoneName"), quote.get("currency"), market)
    milliseconds = quote.get("firstTradeDateMilliseconds")
    first = None if milliseconds is None else _seconds(milliseconds / 1000)
    last = _seconds(quote.get("regularMarketTime"))
    if first is None or last is None:
        return None
    return _listing(symbol, quote.get("longName") or quote.get("shortName"), first, last, market)


def listing(client: Client, symbol: str, market: YahooMarket) -> pl.DataFrame:
    """Return the listing of a symbol from its whole history."""
    chart = client.whole_history(symbol)
    check_market(symbol, chart.timezone, chart.currency, market)
    months = chart.rows.filter(pl.col("close").is_not_null())["ts"].to_list()
    first = chart.first_trade or (months[0] if months else None)
    last = chart.last_trade or (months[-1] if months else None)
    if first is None or last is None:
        raise NoDataError(f"yahoo knows {symbol} but not when it traded; remove it from the universe.")
    return _listing(symbol, chart.name, first, last, market)


def company(client: Client, symbol: str, now: datetime) -> pl.DataFrame:
    """Return the profile of a company as of `now`; what Yahoo lacks, for instance the sector of a fund, is null."""
    check_symbol(symbol)
    body = client.get(symbol, f"{_SUMMARY}/{symbol}", {"modules": _PROFILE, "formatted": "false"})
    found = _results(body, "quoteSummary", symbol)
    if not found:
        raise NoDataError(f"yahoo has no profile of {symbol}; try again later.")
    profile, price, statistics = (found[0].get(module) or {} for module in _PROFILE.split(","))
    row = {
        "known_on": now.astimezone(UTC).date(),
        "name": price.get("longName") or price.get("shortName"),
        "sector": profile.get("sector"),
        "industry": profile.get("industry"),
        "country": profile.get("country"),
        "market_cap": _number(price.get("marketCap")),
        "shares_outstanding": _number(statistics.get("sharesOutstanding")),
        "officers": _officers(profile.get("companyOfficers")),
    }
    schema = {name: COMPANIES_SCHEMA[name] for name in row}
    return pl.DataFrame([row], schema=schema).with_columns(**origin(symbol)).select(*COMPANIES_SCHEMA)


def _listing(symbol: str, name: str | None, first: datetime, last: datetime, market: YahooMarket) -> pl.DataFrame:
    traded = market.day(last)
    # A session still in progress has no bar yet.
    ended = market.ended(market.begun(traded - timedelta(days=14), traded))
    values = {
        "symbol": symbol,
        "name": name,
        "exchange": market.exchange,
        "currency": market.currency,
        "first_session": market.day(first),
        "last_session": ended[-1] if ended else traded,
        "delisted_on": None,
        "source": NAME,
    }
    return pl.DataFrame([values], schema=SYMBOLS_SCHEMA)


def _results(body: Mapping[str, Any], root: str, symbols: str) -> list[dict[str, Any]]:
    answer = body.get(root)
    if not isinstance(answer, Mapping) or not isinstance(answer.get("result"), list):
        raise SourceFormatError(f"yahoo's answer for {symbols} has no {root}.result; update the package yfinance.")
    return [entry for entry in answer["result"] if isinstance(entry, dict)]


def _officers(officers: Any) -> str | None:
    if not officers:
        return None
    listed = [
        {"name": officer.get("name"), "title": officer.get("title"), "year_born": officer.get("yearBorn")}
        for officer in officers
    ]
    return json.dumps(listed, ensure_ascii=False)


def _number(value: Any) -> float | None:
    """The value of a number, which some modules wrap together with its text."""
    plain = value.get("raw") if isinstance(value, Mapping) else value
    return float(plain) if isinstance(plain, int | float) else None


def _positive(value: Any, scale: float) -> float | None:
    number = _number(value)
    return number * scale if number is not None and number > 0 else None


def _seconds(value: Any) -> datetime | None:
    number = _number(value)
    return None if number is None else datetime.fromtimestamp(number, UTC)
