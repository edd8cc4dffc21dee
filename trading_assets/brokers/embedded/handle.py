"""The handle on a running broker, for the process that started it or has its control token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

import requests

from trading_assets.brokers.embedded.control import TOKEN_HEADER
from trading_assets.errors import TradingAssetsError
from trading_assets.execution.models import ExecutionModels


class Server(Protocol):
    """What the handle needs of a server in its own process."""

    def stop(self) -> None:
        """End it and wait until it has ended."""

    def wait(self) -> None:
        """Wait until it has ended."""


class BrokerServerError(TradingAssetsError):
    """The broker refused a control call, or could not be started."""


class AccountKeys(NamedTuple):
    """What a client needs to use an account."""

    key_id: str
    secret: str
    account_number: str


@dataclass
class RunningBroker:
    """A handle on a running broker, in this process or another; every method is a call of its control API.

    Attributes
    ----------
    url : str
        Where clients find it, without a slash at the end; websockets at the same place with `ws`.
    control_token : str
        What the control API asks for.
    server : Server or None
        The server, where it runs in this process.
    session : requests.Session
        What sends the calls.
    """

    url: str
    control_token: str
    server: Server | None = field(default=None, repr=False, compare=False)
    session: requests.Session = field(default_factory=requests.Session, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.session.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def create_account(
        self,
        name: str,
        *,
        cash: float,
        costs: ExecutionModels,
        max_participation: float,
        lot_size: float,
        multiplier: float = 2.0,
        borrowing: float = 0.0,
    ) -> AccountKeys:
        """Open an account; an existing one of this name keeps its money and gets a new secret and these rules.

        Parameters
        ----------
        name : str
            Name of the account, for instance of the book that trades in it.
        cash : float
            Cash of a new account, in currency.
        costs, max_participation, lot_size
            As in a book.
        multiplier : float
            Largest exposure of positions and orders, as a multiple of equity; 1 is a cash account without shorts.
        borrowing : float
            Part of the equity at the last close that buys may spend beyond the cash.
        """
        body = {
            "name": name,
            "cash": cash,
            "costs": costs.model_dump(mode="json"),
            "max_participation": max_participation,
            "lot_size": lot_size,
            "multiplier": multiplier,
            "borrowing": borrowing,
        }
        return AccountKeys(**self._call("POST", "accounts", body))

    def now(self) -> datetime:
        """The broker's time in UTC."""
        return datetime.fromisoformat(self._call("GET", "clock")["now"])

    def advance(self, to: datetime) -> datetime:
        """Move a stepped clock; everything in between has happened when this returns. Returns the new time."""
        return datetime.fromisoformat(self._call("POST", "clock", {"to": to.isoformat()})["now"])

    def inject(self, **fault: Any) -> None:
        """Inject a fault; the fields of `faults.InjectedFault` and `faults.Faults` say what."""
        self._call("POST", "faults", fault)

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._call("DELETE", "faults")

    def halt(self, symbol: str) -> None:
        """Stop the trading of a symbol."""
        self._call("POST", "halts", {"symbol": symbol})

    def resume(self, symbol: str) -> None:
        """Let a halted symbol trade again."""
        self._call("DELETE", "halts", {"symbol": symbol})

    def calls(self) -> list[dict[str, Any]]:
        """Calls received since the start: method, path, query and client_order_id, the oldest first."""
        found: list[dict[str, Any]] = self._call("GET", "calls")
        return found

    def restart(self) -> None:
        """Make the broker discard its memory and its streams, and reload its store."""
        self._call("POST", "restart")

    def tamper(self, name: str, *, cash: float | None = None, positions: Mapping[str, float] | None = None) -> None:
        """Set cash, or shares by symbol, of an account."""
        self._call("POST", "tamper", {"name": name, "cash": cash, "positions": dict(positions or {})})

    def revoke(self, name: str) -> None:
        """Revoke the keys of an account."""
        self._call("POST", "revoke", {"name": name})

    def wait(self) -> None:
        """Wait until the server that this process started ends."""
        if self.server is not None:
            self.server.wait()

    def stop(self) -> None:
        """End the server that this process started."""
        if self.server is not None:
            self.server.stop()
        self.session.close()

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {TOKEN_HEADER: self.control_token}
        url = f"{self.url}/_broker/{path}"
        try:
            reply = self.session.request(method, url, json=body, headers=headers, timeout=600)
        except requests.ConnectionError as error:
            raise BrokerServerError(
                f"no broker answers at {self.url}: start it with 'trading-assets broker'"
            ) from error
        if not reply.ok:
            raise BrokerServerError(f"the broker refused {method} {path}: {reply.text}")
        return reply.json() if reply.content else None
