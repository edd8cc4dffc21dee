"""The broker as a whole: clock, market, matching engine, store and streams.

Everything happens in the server's one thread. A call first lets the clock catch up, then has its effect in memory, and
what changed is stored in one transaction; only then is it published. When storing fails, memory is read again
from the store, so that the two never differ.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from trading_assets.brokers.embedded.accounts import MarginAccount, Position
from trading_assets.brokers.embedded.clock import Clock
from trading_assets.brokers.embedded.engine import MatchingEngine
from trading_assets.brokers.embedded.faults import Faults
from trading_assets.brokers.embedded.identities import account_identity
from trading_assets.brokers.embedded.market import LakeMarket
from trading_assets.brokers.embedded.matching import compile_rules
from trading_assets.brokers.embedded.refusals import ApiError, not_found
from trading_assets.brokers.embedded.sessions import TradingCalendar
from trading_assets.brokers.embedded.state import Changes
from trading_assets.brokers.embedded.store import Store
from trading_assets.brokers.embedded.stream import Streams
from trading_assets.execution.models import ExecutionModels
from trading_assets.lake import Lake

_CALLS_KEPT = 10_000


class EmbeddedBroker:
    """A broker over a lake.

    Parameters
    ----------
    lake : Lake
        Prices, and the Postgres that keeps the accounts.
    exchange : str
        Calendar code of the exchange.
    clock : Clock
        What time it is.
    name : str
        Name of the store.
    """

    def __init__(self, lake: Lake, exchange: str, clock: Clock, name: str) -> None:
        self.clock = clock
        self.faults = Faults()
        self.streams = Streams()
        self.calls: list[dict[str, Any]] = []
        self.store = Store(lake.postgres, name)
        self.market = LakeMarket(lake, TradingCalendar(exchange))
        try:
            clock.resume(self.store.clock())
            self.load()
        except BaseException:
            self.store.close()  # lets another process serve it
            raise

    def load(self) -> None:
        """Discard what is in memory and read the store."""
        time = self.store.clock() or self.clock.now()
        session = self.market.sessions.at(time)
        self.state = self.store.load(time, session.open if session else None)
        self.market.refresh()
        self.engine = MatchingEngine(self.state, self.market, self.faults)

    @contextmanager
    def transaction(self, *, keeps_time: bool = False) -> Iterator[None]:
        """Store what changes inside, all or nothing, and publish it to the streams afterwards.

        Parameters
        ----------
        keeps_time : bool
            Store the time even if nothing else changes.
        """
        try:
            yield
            changes = self.state.take_changes()
            if changes or keeps_time:
                self.store.write(self.state, changes)
        except ApiError:
            if self.state.changes:
                self.load()
            raise
        except BaseException:
            self.load()
            raise
        self._publish(changes)

    def catch_up(self) -> None:
        """Apply all events that the clock has passed."""
        now = self.clock.now()
        if now > self.state.time:
            with self.transaction():
                self.engine.advance(now)

    def step(self, to: datetime) -> None:
        """Move a stepped clock and apply all events in between, as one transaction."""
        self.catch_up()
        self.clock.move(to)
        with self.transaction(keeps_time=True):
            self.market.refresh()
            self.engine.advance(to)

    def create_account(
        self,
        name: str,
        *,
        cash: float,
        costs: ExecutionModels,
        max_participation: float,
        lot_size: float,
        multiplier: float,
        borrowing: float,
    ) -> tuple[MarginAccount, str]:
        """Open an account, or give an existing one new keys and rules; it keeps its money.

        Returns
        -------
        tuple of MarginAccount and str
            The account and its secret, which cannot be read later.
        """
        secret = secrets.token_urlsafe(30)
        account = self.account_named(name)
        if account is None:
            identity = account_identity(name)
            account = MarginAccount(
                str(identity), name, f"PA{identity.int % 10**9:09d}", "", "", is_revoked=False, cash=cash,
                equity_at_close=cash, multiplier=multiplier, borrowing=borrowing, max_participation=max_participation,
                lot_size=lot_size, costs=costs, created_at=self.state.time,
            )  # fmt: skip
        account.multiplier, account.borrowing = multiplier, borrowing
        account.max_participation, account.lot_size, account.costs = max_participation, lot_size, costs
        compile_rules(account.rules())
        account.key_id = account.key_id or "PK" + secrets.token_hex(9).upper()
        account.secret_hash, account.is_revoked = _hash(secret), False
        self.state.accounts[account.id] = account
        self.state.changes.accounts.add(account.id)
        return account, secret

    def account_named(self, name: str) -> MarginAccount | None:
        """An account by its name."""
        return next((account for account in self.state.accounts.values() if account.name == name), None)

    def authenticate(self, key_id: str | None, secret: str | None) -> MarginAccount:
        """The account of a pair of keys.

        Raises
        ------
        ApiError
            401: unknown, wrong or revoked.
        """
        for account in self.state.accounts.values():
            if key_id == account.key_id and not account.is_revoked:
                if hmac.compare_digest(_hash(secret or ""), account.secret_hash):
                    return account
                break
        raise ApiError(401, None, "unauthorized")

    def tamper(self, name: str, cash: float | None, positions: Mapping[str, float] | None) -> None:
        """Change what an account holds without its owner's knowledge.

        Raises
        ------
        ApiError
            404: there is no such account.
        """
        account = self.require(name)
        if cash is not None:
            account.cash = cash
        for symbol, quantity in (positions or {}).items():
            price = self.market.price(symbol, self.state.time) or 0.0
            position = account.positions.setdefault(symbol, Position(0.0, price, price))
            position.quantity = quantity
            if quantity == 0:
                del account.positions[symbol]
            self.state.changes.positions[account.id].add(symbol)
        self.state.changes.accounts.add(account.id)

    def require(self, name: str) -> MarginAccount:
        """An account by its name.

        Raises
        ------
        ApiError
            404: there is none.
        """
        account = self.account_named(name)
        if account is None:
            known = ", ".join(sorted(a.name for a in self.state.accounts.values())) or "none"
            raise not_found(f"the broker has no account {name!r}; it has {known}")
        return account

    def note_call(self, call: dict[str, Any]) -> None:
        """Remember a call, for `calls` of the control API."""
        self.calls.append(call)
        del self.calls[:-_CALLS_KEPT]

    def _publish(self, changes: Changes) -> None:
        for event in changes.events:
            if not self.faults.takes_event():
                self.streams.publish(event)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
