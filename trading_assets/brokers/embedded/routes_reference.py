"""Calls of the trading API about assets, time, activities and the history of an account."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from trading_assets.brokers.embedded.gate import Answer, Call, Handler
from trading_assets.brokers.embedded.payloads import asset_payload, venue
from trading_assets.brokers.embedded.queries import (
    choice_of,
    count_of,
    date_of,
    end_of,
    list_of,
    moment_of,
)
from trading_assets.brokers.embedded.refusals import invalid, not_found
from trading_assets.brokers.embedded.sessions import wall_time
from trading_assets.brokers.embedded.state import asset_id
from trading_assets.brokers.embedded.store import ActivityFilter

_PAGE = 100
_DAYS = {"D": 1, "W": 7, "M": 31, "A": 366, "Y": 366}


def get_assets(call: Call) -> Answer:
    """GET /v2/assets: what is or has been listed by now."""
    broker, query = call.broker, call.query
    day = broker.market.sessions.day(broker.state.time)
    found = []
    for symbol, listing in sorted(broker.market.listings().items()):
        is_active = listing.is_active(day)
        status = "active" if is_active else "inactive"
        if (
            listing.is_known(day)
            and query.get("status") in {None, "", status}
            and query.get("asset_class") in {None, "", "us_equity"}
            and query.get("exchange") in {None, "", venue(listing.exchange)}
        ):
            halted = symbol in broker.state.halted
            found.append(asset_payload(symbol, listing, is_active=is_active, is_halted=halted))
    return found


def get_asset(call: Call) -> Answer:
    """GET /v2/assets/{symbol or id}."""
    broker, wanted = call.broker, call.path["symbol"]
    day = broker.market.sessions.day(broker.state.time)
    listings = broker.market.listings()
    symbol = wanted if wanted in listings else next((s for s in listings if asset_id(s) == wanted), wanted)
    listing = listings.get(symbol)
    if listing is None or not listing.is_known(day):
        raise not_found(f"asset not found for {wanted}")
    halted = symbol in broker.state.halted
    return asset_payload(symbol, listing, is_active=listing.is_active(day), is_halted=halted)


def get_clock(call: Call) -> Answer:
    """GET /v2/clock."""
    sessions, now = call.broker.market.sessions, call.broker.state.time
    told = now + timedelta(seconds=call.broker.faults.clock_skew)
    return {
        "timestamp": told.astimezone(sessions.zone).isoformat(),
        "is_open": sessions.at(now) is not None,
        "next_open": sessions.next(now).open.astimezone(sessions.zone).isoformat(),
        "next_close": sessions.next_close(now).astimezone(sessions.zone).isoformat(),
    }


def get_calendar(call: Call) -> Answer:
    """GET /v2/calendar."""
    sessions = call.broker.market.sessions
    today = sessions.day(call.broker.state.time)
    start = date_of(call.query, "start") or date(today.year, 1, 1)
    end = date_of(call.query, "end") or date(today.year, 12, 31)
    found = []
    for session in sessions.between(start, end):
        opened, closed = wall_time(session, sessions.zone)
        found.append({"date": session.date.isoformat(), "open": opened, "close": closed,
                      "session_open": "0400", "session_close": "2000"})  # fmt: skip
    return found


def get_activities(call: Call) -> Answer:
    """GET /v2/account/activities and /v2/account/activities/{type}."""
    query, kind = call.query, call.path.get("activity_type")
    after, until = moment_of(query, "after"), moment_of(query, "until")
    day = date_of(query, "date")
    if day is not None:
        if after or until:
            raise invalid("date cannot be combined with after or until")
        zone = call.broker.market.sessions.zone
        after = datetime.combine(day, time(), zone) - timedelta(microseconds=1)
        until = datetime.combine(day + timedelta(days=1), time(), zone)
    wanted = ActivityFilter(
        types=[kind] if kind else list_of(query, "activity_types"),
        after=after,
        until=until,
        token=query.get("page_token") or None,
        is_ascending=choice_of(query, "direction", ("desc", "asc")) == "asc",
        size=count_of(query, "page_size", _PAGE, _PAGE),
    )
    return call.broker.store.activities(call.account.id, wanted)


def get_portfolio_history(call: Call) -> Answer:
    """GET /v2/account/portfolio/history: equity at the closes."""
    broker, query = call.broker, call.query
    if query.get("timeframe") not in {None, "", "1D"}:
        raise invalid("timeframe must be 1D: the broker keeps the equity at the closes")
    end = min(end_of(query, "end") or end_of(query, "date_end") or broker.state.time, broker.state.time)
    start = moment_of(query, "start") or end - _period(query.get("period") or "1M")
    points = broker.store.equity(call.account.id, start, end)
    base = points[0][1] if points else call.account.equity_at_close
    return {
        "timestamp": [int(at.timestamp()) for at, _ in points],
        "equity": [equity for _, equity in points],
        "profit_loss": [equity - base for _, equity in points],
        "profit_loss_pct": [equity / base - 1 if base else 0.0 for _, equity in points],
        "base_value": base,
        "base_value_asof": _day(points[0][0]) if points else None,
        "timeframe": "1D",
    }


def _period(text: str) -> timedelta:
    count, unit = text[:-1], text[-1:]
    if not count.isdigit() or unit not in _DAYS:
        raise invalid(f"invalid period {text!r}: a number and D, W, M or A, for instance 1M")
    return timedelta(days=int(count) * _DAYS[unit])


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/v2/assets", get_assets),
    ("GET", "/v2/assets/{symbol:path}", get_asset),
    ("GET", "/v2/clock", get_clock),
    ("GET", "/v2/calendar", get_calendar),
    ("GET", "/v2/account/activities", get_activities),
    ("GET", "/v2/account/activities/{activity_type}", get_activities),
    ("GET", "/v2/account/portfolio/history", get_portfolio_history),
]
