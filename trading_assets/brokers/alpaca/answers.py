"""Reading what Alpaca answers: orders, positions and entries of an account's history."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from trading_assets.brokers.records import Activity, ActivityKind, BrokerOrder

# https://docs.alpaca.markets/docs/account-activities
ACTIVITY_KINDS = {
    "FILL": ActivityKind.FILL,
    **dict.fromkeys(("FEE", "CFEE", "PTC"), ActivityKind.FEE),
    **dict.fromkeys(("DIV", "DIVCGL", "DIVCGS", "DIVNRA", "DIVROC", "DIVTXEX"), ActivityKind.DIVIDEND),
    "CIL": ActivityKind.CASH_IN_LIEU,
    "MA": ActivityKind.REMOVAL,
}


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
    code = str(item["activity_type"])
    moment = item.get("transaction_time")
    day = item.get("date")
    return Activity(
        id=str(item["id"]),
        kind=ACTIVITY_KINDS.get(code, ActivityKind.OTHER),
        code=code,
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
