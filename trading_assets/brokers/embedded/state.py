"""The broker's state in memory, and what has changed in it since it was last stored."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from trading_assets.brokers.embedded.accounts import MarginAccount
from trading_assets.brokers.embedded.identities import activity_identity, client_identity
from trading_assets.brokers.embedded.orders import Order
from trading_assets.execution.accounting import Account

_ASSETS = uuid.UUID("6f9e2c1a-7d0b-5f43-9a55-0c6f0a6b2d11")


class ActivityRecord(NamedTuple):
    """Something that happened in an account; `body` is its form in the protocol."""

    id: str
    account: str
    type: str
    at: datetime
    body: dict[str, Any]


class EquityPoint(NamedTuple):
    """What an account was worth at a close, in currency."""

    account: str
    at: datetime
    equity: float
    cash: float


class OrderEvent(NamedTuple):
    """A message for the listeners of an account's stream."""

    account: str
    data: dict[str, Any]


@dataclass
class Changes:
    """What a transaction has to store, and the events to publish afterwards."""

    accounts: set[str] = field(default_factory=set)
    positions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    orders: dict[str, Order] = field(default_factory=dict)
    activities: list[ActivityRecord] = field(default_factory=list)
    equity: list[EquityPoint] = field(default_factory=list)
    events: list[OrderEvent] = field(default_factory=list)
    has_halts: bool = False

    def __bool__(self) -> bool:
        return bool(self.accounts or self.orders or self.activities or self.equity or self.has_halts)


@dataclass
class BrokerState:
    """Time, accounts, open orders by account, halted symbols, and the volume used in the session by account.

    `used` is shares by (account, symbol); `sequence` orders everything that happens.
    """

    time: datetime
    accounts: dict[str, MarginAccount] = field(default_factory=dict)
    orders: dict[str, dict[str, Order]] = field(default_factory=lambda: defaultdict(dict))
    halted: set[str] = field(default_factory=set)
    used: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    sequence: int = 0
    changes: Changes = field(default_factory=Changes)

    def next_sequence(self) -> int:
        """Number of the next thing that happens."""
        self.sequence += 1
        return self.sequence

    def accounts_in_order(self) -> list[MarginAccount]:
        """Accounts by name: the order in which a session happens to them, before and after a restart."""
        return sorted(self.accounts.values(), key=lambda account: account.name)

    def open_orders(self, account: str, symbol: str | None = None) -> Iterator[Order]:
        """Open orders of an account in the order of their submission."""
        for order in list(self.orders[account].values()):
            if (symbol is None or order.symbol == symbol) and order.is_open:
                yield order

    def all_open_orders(self) -> Iterable[Order]:
        """Open orders of all accounts."""
        return [order for orders in self.orders.values() for order in orders.values() if order.is_open]

    def keep(self, order: Order) -> None:
        """Note that an order is new or has changed."""
        self.changes.orders[order.id] = order
        if order.is_open:
            self.orders[order.account][order.id] = order
        else:
            self.orders[order.account].pop(order.id, None)

    def settle(self, account: MarginAccount, symbols: Sequence[str], ledger: Account) -> None:
        """Copy an account's cash and positions from the ledger's arrays."""
        account.settle(symbols, ledger)
        self.changes.accounts.add(account.id)
        self.changes.positions[account.id].update(symbols)

    def record(self, account: str, kind: str, body: dict[str, Any], at: datetime | None = None) -> str:
        """Add an activity; returns its id, which sorts by time and then by sequence."""
        moment = (at or self.time).astimezone(UTC)
        identity = activity_identity(account, kind, self.next_sequence(), moment)
        activity = {"id": identity, "account_id": account, "activity_type": kind, **body}
        self.changes.activities.append(ActivityRecord(identity, account, kind, moment, activity))
        return identity

    def next_client_order_id(self, account: str) -> str:
        """Client order id of the next order, for a client that gives none."""
        return client_identity(account, self.sequence + 1)

    def take_changes(self) -> Changes:
        """Return what has changed, and start a new set of changes."""
        changes, self.changes = self.changes, Changes()
        return changes


def asset_id(symbol: str) -> str:
    """UUID of a symbol, the same everywhere."""
    return str(uuid.uuid5(_ASSETS, symbol))
