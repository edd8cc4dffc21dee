"""Calls of the market data API about companies: corporate actions and news, as they are in the lake.

Nothing is returned before it is known: an action or a wording appears when its `known_at` has passed.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from fractions import Fraction
from typing import Any, NamedTuple

import polars as pl

from trading_assets.brokers.embedded.gate import Answer, Call, Handler
from trading_assets.brokers.embedded.payloads import moment
from trading_assets.brokers.embedded.queries import choice_of, count_of, date_of, end_of, list_of, moment_of
from trading_assets.brokers.embedded.refusals import ApiError
from trading_assets.lake.store.frames import LakeFrame
from trading_assets.market_data.contract import CORPORATE_ACTIONS, NEWS

_MOST_ACTIONS, _MOST_STORIES, _STORIES = 1_000, 50, 10
_IDENTITIES = uuid.UUID("0b0e3f52-58c4-5b0d-8f7e-6d3c7a1f9e44")
_NO_CUSIP = "000000000"
_LARGEST_RATE = 1_000
_STORY = ("id", "published_at", "known_at", "headline", "summary", "text", "author", "url", "publisher", "symbol")


class _Action(NamedTuple):
    symbol: str
    day: date
    kind: str
    value: float

    @property
    def group(self) -> str:
        """Name of its list in the answer."""
        if self.kind == "dividend":
            return "cash_dividends"
        return "forward_splits" if self.value > 1 else "reverse_splits"

    def payload(self) -> dict[str, Any]:
        """An action; the lake knows neither its CUSIP nor when it was paid."""
        day = self.day.isoformat()
        identity = str(uuid.uuid5(_IDENTITIES, f"{self.symbol}|{day}|{self.kind}"))
        common = {"id": identity, "symbol": self.symbol, "process_date": day, "ex_date": day}
        if self.kind == "dividend":
            return {**common, "cusip": _NO_CUSIP, "rate": self.value, "special": False, "foreign": False}
        ratio = Fraction(self.value).limit_denominator(_LARGEST_RATE)
        is_exact = ratio.numerator / ratio.denominator == self.value
        rates = (ratio.numerator, ratio.denominator) if is_exact else (self.value, 1)
        cusips = ("cusip",) if self.value > 1 else ("old_cusip", "new_cusip")
        return {**common, **dict.fromkeys(cusips, _NO_CUSIP), "new_rate": rates[0], "old_rate": rates[1]}


def get_corporate_actions(call: Call) -> Answer:
    """GET /v1/corporate-actions: splits and cash dividends; their day of processing is the ex-date."""
    query, now = call.query, call.broker.state.time
    today = call.broker.market.sessions.day(now)
    start, end = date_of(query, "start") or today, date_of(query, "end") or today
    types = list_of(query, "types")
    rows = LakeFrame(call.broker.market.lake, CORPORATE_ACTIONS).read(
        ["symbol", "ex_date", "kind", "value", "known_at"], start=start, end=end, symbol=list_of(query, "symbols")
    )
    is_descending = choice_of(query, "sort", ("asc", "desc")) == "desc"
    known = rows.filter(pl.col("known_at") <= now).sort("ex_date", "symbol", "kind", descending=is_descending)
    actions = [_Action(*row) for row in known.drop("known_at").rows()]
    actions = [one for one in actions if types is None or one.group.removesuffix("s") in types]
    first, limit = _offset(query.get("page_token")), count_of(query, "limit", 100, _MOST_ACTIONS)
    answer: dict[str, list[dict[str, Any]]] = {}
    for one in actions[first : first + limit]:
        answer.setdefault(one.group, []).append(one.payload())
    return {"corporate_actions": answer, "next_page_token": _next(first + limit, len(actions))}


def get_news(call: Call) -> Answer:
    """GET /v1beta1/news: the last wording of each story that is known by now."""
    query, now = call.query, call.broker.state.time
    start, end = moment_of(query, "start"), min(end_of(query, "end") or now, now)
    symbols = list_of(query, "symbols")
    is_newest_first = choice_of(query, "sort", ("desc", "asc")) == "desc"
    rows = LakeFrame(call.broker.market.lake, NEWS).read(_STORY, end=now.date()).filter(pl.col("known_at") <= now)
    stories = (
        rows.filter(pl.col("known_at") == pl.col("known_at").max().over("id"))
        .group_by("id", "known_at")
        .agg(pl.col("symbol").sort(), pl.exclude("symbol").first())
        .filter(pl.col("known_at") <= end, pl.lit(start).is_null() | (pl.col("known_at") >= (start or end)))
        .sort("known_at", "id", descending=is_newest_first)
    )
    found = [story for story in stories.to_dicts() if symbols is None or set(symbols) & set(story["symbol"])]
    first, limit = _offset(query.get("page_token")), count_of(query, "limit", _STORIES, _MOST_STORIES)
    has_text = query.get("include_content", "").lower() == "true"
    page = [_story(story, has_text=has_text) for story in found[first : first + limit]]
    return {"news": page, "next_page_token": _next(first + limit, len(found))}


def _story(story: dict[str, Any], *, has_text: bool) -> dict[str, Any]:
    identity: str = story["id"]
    published: datetime = story["published_at"]
    return {
        "id": int(identity) if identity.isdigit() else uuid.uuid5(_IDENTITIES, identity).int % 10**9,
        "headline": story["headline"],
        "author": story["author"] or "",
        "created_at": moment(published),
        "updated_at": moment(story["known_at"]),
        "summary": story["summary"] or "",
        "content": (story["text"] or "") if has_text else "",
        "url": story["url"],
        "images": [],
        "symbols": story["symbol"],
        "source": story["publisher"] or "",
    }


def _offset(token: str | None) -> int:
    if token and not token.isdigit():
        raise ApiError(400, None, "invalid page_token")
    return int(token or 0)


def _next(offset: int, count: int) -> str | None:
    return str(offset) if offset < count else None


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/v1/corporate-actions", get_corporate_actions),
    ("GET", "/v1beta1/news", get_news),
]
