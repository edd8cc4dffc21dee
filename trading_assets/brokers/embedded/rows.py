"""The rows of the store: its tables, and accounts and orders to and from them."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from trading_assets.brokers.embedded.accounts import MarginAccount
from trading_assets.brokers.embedded.orders import Order
from trading_assets.execution.models import ExecutionModels
from trading_assets.lake.errors import LakeError

TABLES = """
CREATE TABLE IF NOT EXISTS broker.stores (
    store text PRIMARY KEY, clock timestamptz NOT NULL, halted jsonb NOT NULL DEFAULT '[]');
CREATE TABLE IF NOT EXISTS broker.accounts (
    store text, id text, cash double precision NOT NULL, equity_at_close double precision NOT NULL,
    body jsonb NOT NULL, PRIMARY KEY (store, id));
CREATE TABLE IF NOT EXISTS broker.positions (
    store text, account text, symbol text, quantity double precision NOT NULL, average double precision NOT NULL,
    mark double precision NOT NULL, PRIMARY KEY (store, account, symbol));
CREATE TABLE IF NOT EXISTS broker.orders (
    store text, id text, account text NOT NULL, client_order_id text NOT NULL, sequence bigint NOT NULL,
    symbol text NOT NULL, side text NOT NULL, is_open boolean NOT NULL, submitted_at timestamptz NOT NULL,
    body jsonb NOT NULL, PRIMARY KEY (store, id), UNIQUE (store, account, client_order_id));
CREATE INDEX IF NOT EXISTS orders_by_time ON broker.orders (store, account, submitted_at, sequence);
CREATE INDEX IF NOT EXISTS open_orders ON broker.orders (store) WHERE is_open;
CREATE TABLE IF NOT EXISTS broker.activities (
    store text, account text, id text, type text NOT NULL, at timestamptz NOT NULL, body jsonb NOT NULL,
    PRIMARY KEY (store, account, id));
CREATE TABLE IF NOT EXISTS broker.equity (
    store text, account text, at timestamptz, equity double precision NOT NULL, cash double precision NOT NULL,
    PRIMARY KEY (store, account, at));
"""
_MOMENTS = ("submitted_at", "updated_at", "filled_at", "expired_at", "canceled_at", "failed_at", "replaced_at")
_NUMBERS = ("commission_per_share", "commission_bps", "min_commission", "half_spread_bps", "impact_coefficient")
_COLUMNS = ("cash", "equity_at_close", "positions")


def account_row(store: str, account: MarginAccount) -> tuple[Any, ...]:
    """Row of an account, its positions left out."""
    body = {name: value for name, value in vars(account).items() if name not in _COLUMNS}
    body["costs"] = account.costs.model_dump(mode="json")
    return store, account.id, account.cash, account.equity_at_close, json.dumps(body, default=_text)


def order_row(store: str, order: Order) -> tuple[Any, ...]:
    """Row of an order."""
    return (
        store, order.id, order.account, order.client_order_id, order.sequence, order.symbol, order.side,
        order.is_open, order.submitted_at, json.dumps(vars(order), default=_text),
    )  # fmt: skip


def read_order(body: dict[str, Any]) -> Order:
    """Order of a row's body."""
    values = {name: body[name] for name in (item.name for item in fields(Order))}
    moments = {name: datetime.fromisoformat(values[name]) for name in _MOMENTS if values[name]}
    return Order(**{**values, **moments})


def read_account(body: dict[str, Any]) -> MarginAccount:
    """Account of a row's body and columns, without positions."""
    created_at = datetime.fromisoformat(body["created_at"])
    return MarginAccount(**{**body, "costs": _read_costs(body["name"], body["costs"]), "created_at": created_at})


def _read_costs(account: str, stored: Any) -> ExecutionModels:
    """Execution models of a row's body; a row without kinds has five numbers.

    Raises
    ------
    LakeError
        A kind no longer exists, or its parameters have changed.
    """
    settings = dict(zip(_NUMBERS, stored, strict=True)) if isinstance(stored, list) else stored
    try:
        return ExecutionModels.model_validate(settings)
    except ValidationError as error:
        raise LakeError(
            f"the broker cannot trade in the account {account!r}: its execution models are stored as {settings}, and "
            f"trading_assets/execution/models has no such models; put their files back\n{error}"
        ) from error


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"cannot store a {type(value).__name__}")
