"""Calls of the market data API: bars, quotes and trades of the past, the latest ones, and snapshots."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time
from itertools import islice
from typing import Any

from trading_assets.brokers.embedded.gate import Answer, Call, Handler
from trading_assets.brokers.embedded.history import (
    History,
    Row,
    quote_payload,
    timeframe_of,
    trade_payload,
)
from trading_assets.brokers.embedded.queries import choice_of, count_of, end_of, list_of, moment_of
from trading_assets.brokers.embedded.refusals import ApiError

_MOST_ROWS = 10_000
_ROWS = 1_000
_SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/]*")  # for instance BRK.B, not BRK-B


def get_bars(call: Call) -> Answer:
    """GET /v2/stocks/bars."""
    timeframe = timeframe_of(call.query.get("timeframe"))
    is_adjusted = choice_of(call.query, "adjustment", ("raw", "split")) == "split"
    history, (start, end) = _history(call), _span(call)
    return _page(call, "bars", lambda symbols: history.bars(symbols, timeframe, start, end, is_adjusted=is_adjusted))


def get_quotes(call: Call) -> Answer:
    """GET /v2/stocks/quotes."""
    history, (start, end) = _history(call), _span(call)
    return _page(call, "quotes", lambda symbols: history.quotes(symbols, start, end))


def get_trades(call: Call) -> Answer:
    """GET /v2/stocks/trades."""
    history, (start, end) = _history(call), _span(call)
    return _page(call, "trades", lambda symbols: history.trades(symbols, start, end))


def get_latest_bars(call: Call) -> Answer:
    """GET /v2/stocks/bars/latest: the last complete minute."""
    history = _history(call)
    bars = {symbol: history.minute_bar(symbol) for symbol in _symbols(call)}
    return {"bars": {symbol: bar for symbol, bar in bars.items() if bar is not None}}


def get_latest_quotes(call: Call) -> Answer:
    """GET /v2/stocks/quotes/latest."""
    return {"quotes": _latest(call, _quote)}


def get_latest_trades(call: Call) -> Answer:
    """GET /v2/stocks/trades/latest."""
    return {"trades": _latest(call, _trade)}


def get_snapshots(call: Call) -> Answer:
    """GET /v2/stocks/snapshots."""
    history, trades, quotes = _history(call), _latest(call, _trade), _latest(call, _quote)
    found = {}
    for symbol in trades:
        day, day_before = history.days(symbol)
        found[symbol] = {
            "latestTrade": trades[symbol],
            "latestQuote": quotes[symbol],
            "minuteBar": history.minute_bar(symbol),
            "dailyBar": day,
            "prevDailyBar": day_before,
        }
    return found


def _history(call: Call) -> History:
    return History(call.broker.market, call.broker.state.time, call.account.costs.slippage.half_spread)


def _symbols(call: Call) -> list[str]:
    symbols = list_of(call.query, "symbols")
    if symbols is None:
        raise ApiError(400, None, "symbols is required")
    found = sorted({symbol.strip() for symbol in symbols})
    wrong = [symbol for symbol in found if not _SYMBOL.fullmatch(symbol)]
    if wrong:
        raise ApiError(400, None, f"invalid symbol: {wrong[0]}")
    return found


def _span(call: Call) -> tuple[datetime, datetime]:
    """The requested span: from the start of today at the exchange until now by default."""
    now, zone = call.broker.state.time, call.broker.market.sessions.zone
    today = datetime.combine(now.astimezone(zone).date(), time(), zone).astimezone(UTC)
    end = min(end_of(call.query, "end") or now, now)
    return moment_of(call.query, "start") or today, end


def _page(call: Call, name: str, read: Callable[[list[str]], Iterable[Row]]) -> Answer:
    """One page of rows, symbol by symbol; the token of the next one names the last row of this."""
    is_descending = choice_of(call.query, "sort", ("asc", "desc")) == "desc"
    limit = count_of(call.query, "limit", _ROWS, _MOST_ROWS)
    symbol_seen, seen = _decoded(call.query.get("page_token"))
    rows = read([symbol for symbol in _symbols(call) if symbol >= symbol_seen])
    if is_descending:
        rows = sorted(sorted(rows, key=lambda row: row[1], reverse=True), key=lambda row: row[0])
    fresh = (row for row in rows if seen is None or row[0] != symbol_seen or _is_after(row[1], seen, is_descending))
    found = list(islice(fresh, limit + 1))
    answer: dict[str, list[dict[str, Any]]] = {}
    for symbol, _, row in found[:limit]:
        answer.setdefault(symbol, []).append(row)
    token = _encoded(found[limit - 1]) if len(found) > limit else None
    return {name: answer, "next_page_token": token}


def _is_after(at: datetime, seen: datetime, is_descending: bool) -> bool:
    return at < seen if is_descending else at > seen


def _encoded(row: Row) -> str:
    return base64.urlsafe_b64encode(f"{row[0]}|{row[1].isoformat()}".encode()).decode()


def _decoded(token: str | None) -> tuple[str, datetime | None]:
    if not token:
        return "", None
    try:
        symbol, _, at = base64.urlsafe_b64decode(token).decode().rpartition("|")
        return symbol, datetime.fromisoformat(at)
    except (ValueError, binascii.Error):
        raise ApiError(400, None, "invalid page_token") from None


def _latest(call: Call, payload: Callable[[History, datetime, float], dict[str, Any]]) -> dict[str, dict[str, Any]]:
    history = _history(call)
    prices = {symbol: history.last_price(symbol) for symbol in _symbols(call)}
    return {symbol: payload(history, *found) for symbol, found in prices.items() if found is not None}


def _quote(history: History, at: datetime, price: float) -> dict[str, Any]:
    return quote_payload(at, price, history.half_spread(price))


def _trade(_: History, at: datetime, price: float) -> dict[str, Any]:
    return trade_payload(at, price, 1)


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/v2/stocks/bars", get_bars),
    ("GET", "/v2/stocks/quotes", get_quotes),
    ("GET", "/v2/stocks/trades", get_trades),
    ("GET", "/v2/stocks/bars/latest", get_latest_bars),
    ("GET", "/v2/stocks/quotes/latest", get_latest_quotes),
    ("GET", "/v2/stocks/trades/latest", get_latest_trades),
    ("GET", "/v2/stocks/snapshots", get_snapshots),
]
