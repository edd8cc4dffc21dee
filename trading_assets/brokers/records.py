"""What a broker says, as plain values: account, clock, positions, orders, entries of its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class BrokerAccount:
    """An account as the broker sees it; money in its currency."""

    number: str
    cash: float
    equity: float
    buying_power: float
    is_blocked: bool


@dataclass(frozen=True, slots=True)
class MarketClock:
    """The broker's clock and the market's hours around it, timezone-aware."""

    now: datetime
    is_open: bool
    next_open: datetime
    next_close: datetime


@dataclass(frozen=True, slots=True)
class BrokerPosition:
    """Shares held, signed, and their average price."""

    symbol: str
    quantity: float
    average_price: float


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """An order that exists at the broker."""

    id: str
    client_order_id: str
    symbol: str
    side: str
    quantity: float
    filled: float
    status: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """An order to send."""

    client_order_id: str
    symbol: str
    side: str
    quantity: float
    time_in_force: str


@dataclass(frozen=True, slots=True)
class Activity:
    """An entry of the account's history: a fill, or anything else that the broker booked."""

    id: str
    kind: str
    symbol: str | None
    side: str | None
    quantity: float
    price: float | None
    amount: float
    order_id: str | None
    at: datetime | None
    day: date | None
    description: str | None


def order_of_answer(found: Any) -> BrokerOrder:
    """An order from alpaca-py's."""
    return BrokerOrder(
        id=str(found.id),
        client_order_id=found.client_order_id,
        symbol=found.symbol,
        side=str(found.side.value),
        quantity=float(found.qty or 0.0),
        filled=float(found.filled_qty or 0.0),
        status=str(found.status.value),
    )


def activity_of_answer(item: dict[str, Any]) -> Activity:
    """An entry from its JSON: alpaca-py has no model of it."""
    kind = str(item["activity_type"])
    moment = item.get("transaction_time")
    day = item.get("date")
    return Activity(
        id=str(item["id"]),
        kind=kind,
        symbol=item.get("symbol") or None,
        side=_side(item.get("side")),
        quantity=float(item.get("qty") or 0.0),
        price=float(item["price"]) if item.get("price") else None,
        amount=float(item.get("net_amount") or 0.0),
        order_id=item.get("order_id"),
        at=datetime.fromisoformat(moment) if moment else None,
        day=date.fromisoformat(str(day)[:10]) if day else None,
        description=item.get("description"),
    )


def _side(side: str | None) -> str | None:
    return "sell" if side and side.startswith("sell") else side


def signed_quantity(quantity: float, side: str) -> float:
    """Shares with a sign: some answers give it, some only the side."""
    return -abs(quantity) if side == "short" else quantity
