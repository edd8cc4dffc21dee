"""What the desk needs of a broker: the calls of an account, and the facts of a kind of broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, Protocol

from trading_assets.brokers.records import (
    Activity,
    ActivityKind,
    BrokerAccount,
    BrokerOrder,
    BrokerPosition,
    MarketClock,
    Ticket,
)

TimeInForce = Literal["opg", "day"]


class Broker(Protocol):
    """One account at a broker.

    Every method but `submit` changes nothing, or may be repeated: an adapter retries it while the broker is busy, and
    raises a `BrokerError` that names the request. No text form of a broker, of its connection or of an error
    shows a key.
    """

    def account(self) -> BrokerAccount:
        """Number, cash, equity and buying power of the account."""

    def clock(self) -> MarketClock:
        """The broker's time, and when its market opens and closes next."""

    def positions(self) -> dict[str, BrokerPosition]:
        """Positions by symbol."""

    def open_orders(self) -> list[BrokerOrder]:
        """Orders that may still trade."""

    def order_of(self, client_order_id: str) -> BrokerOrder | None:
        """The order with a client order id; None if there is none."""

    def submit(self, ticket: Ticket) -> BrokerOrder:
        """Send an order, once: never again by itself, whatever the answer is.

        Raises
        ------
        OrderRejectedError
            The broker refused it: no order exists. `DuplicateOrderError`: one with its client order id exists already.
        OutcomeUnknownError
            No usable answer came back: look it up by its client order id before anything else.
        BrokerBusyError, UnauthorizedError
            It had no effect.
        """

    def cancel_all(self) -> int:
        """Request the cancellation of every open order; returns how many there were."""

    def activities(self, after: date | None = None) -> Iterator[Activity]:
        """Entries of the account's history from a day on, oldest first; every page of them."""

    def client_order_id(self, order_id: str) -> str | None:
        """Client order id of an order that the broker names by its own id."""

    def untradable(self, symbols: Sequence[str]) -> dict[str, str]:
        """Symbols that the broker does not trade now, and why."""

    def latest_prices(self, symbols: Sequence[str]) -> dict[str, float]:
        """Price of the latest trade of each symbol that has one, in currency per share."""

    def take_hint(self) -> bool:
        """Whether the broker has hinted at a change of an order since the last call; False where it never hints."""

    def close(self) -> None:
        """Release connections and threads."""


@dataclass(frozen=True, slots=True)
class BrokerKind:
    """A kind of broker that a book can name, and how to reach an account of it.

    Attributes
    ----------
    name : str
        What `books.yaml` calls it.
    is_real_money : bool
        Whether its orders spend real money; such an account needs three settings that agree.
    is_simulated_time : bool
        Whether it has a clock of its own instead of the present. It then runs only when it is started by hand.
    times_in_force : tuple of str
        What it takes of "opg" (the opening auction or nothing) and "day" (until the close).
    fractional_times_in_force : tuple of str
        With which of them it takes fractions of a share.
    activity_kinds : mapping of str to ActivityKind
        What the entries of an account's history mean, by the broker's codes; a code that is not there is
        `ActivityKind.OTHER`.
    locate : callable
        From the name of a book, the lake's folder and the environment to the connection of the book's account: a value
        that equals another one only if both lead to the same account with the same keys.
    connect : callable
        From such a connection to the account.
    """

    name: str
    is_real_money: bool
    is_simulated_time: bool
    times_in_force: tuple[TimeInForce, ...]
    fractional_times_in_force: tuple[TimeInForce, ...]
    activity_kinds: Mapping[str, ActivityKind]
    locate: Callable[[str, Path, Mapping[str, str]], Any]
    connect: Callable[[Any], Broker]

    def activity_kind(self, code: str) -> ActivityKind:
        """What an entry with the broker's code does to an account."""
        return self.activity_kinds.get(code, ActivityKind.OTHER)
