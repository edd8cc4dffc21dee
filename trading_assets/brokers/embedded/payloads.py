"""The wire formats of the trading API: what accounts, orders, positions and assets look like to a client.

Numbers are strings with the exact double in decimal notation, so that a client reads the very number that the broker
computed with.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from trading_assets.brokers.embedded.accounts import MarginAccount, Position
from trading_assets.brokers.embedded.market import Listing
from trading_assets.brokers.embedded.orders import Order
from trading_assets.brokers.embedded.state import asset_id

_VENUES = {"XNYS": "NYSE", "XNAS": "NASDAQ", "ARCX": "ARCA", "XASE": "AMEX", "BATS": "BATS"}


def number(value: float) -> str:
    """A double in decimal notation that reads back as the same double; whole numbers without a point."""
    return format(Decimal(repr(float(value))), "f").removesuffix(".0")


def moment(value: datetime | None) -> str | None:
    """A moment in RFC 3339, UTC."""
    return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def optional(value: float | None) -> str | None:
    """A number that may be missing."""
    return None if value is None else number(value)


def venue(exchange: str) -> str:
    """Alpaca's name of an exchange."""
    return _VENUES.get(exchange, "NYSE")


def order_payload(order: Order) -> dict[str, Any]:
    """An order."""
    return {
        "id": order.id,
        "client_order_id": order.client_order_id,
        "created_at": moment(order.submitted_at),
        "updated_at": moment(order.updated_at),
        "submitted_at": moment(order.submitted_at),
        "filled_at": moment(order.filled_at),
        "expired_at": moment(order.expired_at),
        "canceled_at": moment(order.canceled_at),
        "failed_at": moment(order.failed_at),
        "replaced_at": moment(order.replaced_at),
        "replaced_by": order.replaced_by,
        "replaces": order.replaces,
        "asset_id": asset_id(order.symbol),
        "symbol": order.symbol,
        "asset_class": "us_equity",
        "notional": optional(order.notional),
        "qty": optional(order.qty),
        "filled_qty": number(order.filled_qty),
        "filled_avg_price": number(order.filled_avg_price) if order.filled_qty else None,
        "order_class": "",
        "order_type": order.type,
        "type": order.type,
        "side": order.side,
        "time_in_force": order.time_in_force,
        "limit_price": optional(order.limit_price),
        "stop_price": optional(order.stop_price),
        "status": order.status,
        "extended_hours": False,
        "legs": None,
        "trail_percent": None,
        "trail_price": None,
        "hwm": None,
        "subtag": None,
        "source": None,
    }


def account_payload(account: MarginAccount, long_value: float, short_value: float) -> dict[str, Any]:
    """An account with the market value of its long and its short positions (negative), in currency."""
    equity = account.cash + long_value + short_value
    gross = long_value - short_value
    power = max(account.multiplier * equity - gross, 0.0)
    return {
        "id": account.id,
        "account_number": account.number,
        "status": "ACTIVE",
        "crypto_status": "INACTIVE",
        "currency": "USD",
        "cash": number(account.cash),
        "buying_power": number(power),
        "regt_buying_power": number(power),
        "daytrading_buying_power": "0",
        "non_marginable_buying_power": number(max(account.cash, 0.0)),
        "accrued_fees": "0",
        "pending_transfer_in": "0",
        "pending_transfer_out": "0",
        "portfolio_value": number(equity),
        "equity": number(equity),
        "last_equity": number(account.equity_at_close),
        "long_market_value": number(long_value),
        "short_market_value": number(short_value),
        "position_market_value": number(gross),
        "initial_margin": number(gross / account.multiplier),
        "maintenance_margin": number(gross / account.multiplier),
        "last_maintenance_margin": "0",
        "sma": "0",
        "daytrade_count": 0,
        "multiplier": number(account.multiplier),
        "shorting_enabled": account.multiplier > 1 and not account.configuration["no_shorting"],
        "pattern_day_trader": False,
        "trading_blocked": False,
        "transfers_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": account.configuration["suspend_trade"],
        "created_at": moment(account.created_at),
    }


def position_payload(symbol: str, held: Position, price: float, exchange: str, reserved: float) -> dict[str, Any]:
    """A position at a price; `reserved` is the shares that open orders would close."""
    value, cost = held.quantity * price, held.quantity * held.average
    gain = value - cost
    before = held.mark if held.mark == held.mark else price
    today = held.quantity * (price - before)
    return {
        "asset_id": asset_id(symbol),
        "symbol": symbol,
        "exchange": venue(exchange),
        "asset_class": "us_equity",
        "asset_marginable": True,
        "avg_entry_price": number(held.average),
        "qty": number(held.quantity),
        "qty_available": number(max(abs(held.quantity) - reserved, 0.0) * (1 if held.quantity > 0 else -1)),
        "side": "long" if held.quantity > 0 else "short",
        "market_value": number(value),
        "cost_basis": number(cost),
        "unrealized_pl": number(gain),
        "unrealized_plpc": number(gain / abs(cost) if cost else 0.0),
        "unrealized_intraday_pl": number(today),
        "unrealized_intraday_plpc": number(today / abs(held.quantity * before)),
        "current_price": number(price),
        "lastday_price": number(before),
        "change_today": number(price / before - 1),
    }


def asset_payload(symbol: str, listing: Listing, *, is_active: bool, is_halted: bool) -> dict[str, Any]:
    """An asset."""
    return {
        "id": asset_id(symbol),
        "class": "us_equity",
        "exchange": venue(listing.exchange),
        "symbol": symbol,
        "name": listing.name or symbol,
        "status": "active" if is_active else "inactive",
        "tradable": is_active and not is_halted,
        "marginable": True,
        "maintenance_margin_requirement": 50,
        "shortable": is_active,
        "easy_to_borrow": is_active,
        "fractionable": True,
        "attributes": [],
    }
