"""An adapter of a broker whose account is a JSON file: orders are written into it, and read back with their outcome.

The file holds `number`, `cash`, `equity`, `buying_power`, `is_blocked`, `clock`, `positions` by symbol, lists of
`orders` and `activities`, and `prices` and `untradable` by symbol.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from trading_assets.brokers.errors import (
    BrokerSettingsError,
    BrokerUnavailableError,
    DuplicateOrderError,
    OutcomeUnknownError,
)
from trading_assets.brokers.protocol import BrokerKind
from trading_assets.brokers.records import (
    Activity,
    ActivityKind,
    BrokerAccount,
    BrokerOrder,
    BrokerPosition,
    MarketClock,
    Ticket,
)
from trading_assets.figures import figure
from trading_assets.files import write_atomically

NAME = "template"
ACTIVITY_KINDS = {"TRADE": ActivityKind.FILL, "COMMISSION": ActivityKind.FEE, "DIVIDEND": ActivityKind.DIVIDEND}

_OPEN = ("accepted", "partially_filled")
_QUESTION_ATTEMPTS = 3
_PAUSE_SECONDS = 0.2
_NOT_UNIQUE = 1  # a vendor's own number of this refusal
Answer = TypeVar("Answer")


class FileBroker:
    """One account; `brokers.protocol.Broker` has the meaning of each call.

    Parameters
    ----------
    path : pathlib.Path
        The account's file. A vendor's connection has an address and keys, and hides the keys from ``repr``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def account(self) -> BrokerAccount:
        """Number, cash, equity and buying power: the cash must agree with the positions and activities."""
        return self._read(
            "its account",
            lambda found: BrokerAccount(
                str(found["number"]),
                float(found["cash"]),
                float(found["equity"]),
                float(found["buying_power"]),
                bool(found["is_blocked"]),
            ),
        )

    def clock(self) -> MarketClock:
        """The vendor's time: orders wait while it differs from this machine's by more than a minute."""
        return self._read(
            "the clock",
            lambda found: MarketClock(
                datetime.fromisoformat(found["clock"]["now"]),
                bool(found["clock"]["is_open"]),
                datetime.fromisoformat(found["clock"]["next_open"]),
                datetime.fromisoformat(found["clock"]["next_close"]),
            ),
        )

    def positions(self) -> dict[str, BrokerPosition]:
        """Positions by symbol, negative for short: compared with the desk's own account before every session."""
        return self._read(
            "the positions",
            lambda found: {
                symbol: BrokerPosition(symbol, float(held["quantity"]), float(held["average_price"]))
                for symbol, held in found["positions"].items()
            },
        )

    def open_orders(self) -> list[BrokerOrder]:
        """Orders that may still trade, those of others included: one that the desk did not send blocks trading."""
        return self._read(
            "the open orders", lambda found: [_order(item) for item in found["orders"] if item["status"] in _OPEN]
        )

    def order_of(self, client_order_id: str) -> BrokerOrder | None:
        """The order with a client order id in any state: looked up whenever the answer to `submit` was lost."""
        return self._read(
            f"the order {client_order_id}",
            lambda found: next(
                (_order(item) for item in found["orders"] if item["client_order_id"] == client_order_id), None
            ),
        )

    def submit(self, ticket: Ticket) -> BrokerOrder:
        """Send an order, once. Without unique client order ids a vendor cannot be traded with exactly once."""
        order = {
            "id": f"{NAME}-{ticket.client_order_id}",
            "client_order_id": ticket.client_order_id,
            "symbol": ticket.symbol,
            "side": ticket.side,
            "quantity": ticket.quantity,
            "filled": 0.0,
            "status": "accepted",
            "time_in_force": ticket.time_in_force,
        }
        asked = f"{NAME} broker, asked to {ticket.side} {figure(ticket.quantity)} {ticket.symbol}"
        try:
            with self._changed() as found:
                if any(item["client_order_id"] == ticket.client_order_id for item in found["orders"]):
                    raise DuplicateOrderError(f"{asked}: the client order id must be unique", _NOT_UNIQUE)
                found["orders"].append(order)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise OutcomeUnknownError(
                f"{asked}: {type(error).__name__}; whether the order exists is not known yet"
            ) from None
        return _order(order)

    def cancel_all(self) -> int:
        """Request the cancellation of every open order; returns how many there were."""
        try:
            with self._changed() as found:
                cancelled = [item for item in found["orders"] if item["status"] in _OPEN]
                for item in cancelled:
                    item["status"] = "canceled"
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._unavailable("to cancel all orders", error) from None
        return len(cancelled)

    def activities(self, after: date | None = None) -> Iterator[Activity]:
        """All that the vendor has booked since a day: positions and cash of the desk's own account are their sum."""
        found = self._read("the activities", lambda found: [_activity(item) for item in found["activities"]])
        for entry in sorted(found, key=lambda entry: entry.id):
            if after is None or entry.day is None or entry.day >= after:
                yield entry

    def client_order_id(self, order_id: str) -> str | None:
        """Client order id of an order by the vendor's id: it shows whether a fill is of an order of this desk."""
        return self._read(
            f"the order {order_id}",
            lambda found: next((item["client_order_id"] for item in found["orders"] if item["id"] == order_id), None),
        )

    def untradable(self, symbols: Sequence[str]) -> dict[str, str]:
        """Symbols that do not trade now, and why, in words that end with what to do."""
        return self._read(
            "the untradable symbols",
            lambda found: {name: str(found["untradable"][name]) for name in symbols if name in found["untradable"]},
        )

    def latest_prices(self, symbols: Sequence[str]) -> dict[str, float]:
        """Newest prices, for the price collar; a symbol without one is left out."""
        return self._read(
            "the latest prices",
            lambda found: {name: float(found["prices"][name]) for name in symbols if name in found["prices"]},
        )

    def take_hint(self) -> bool:
        """A file sends no hints: the desk polls every minute. A vendor's stream of order updates goes here."""
        return False

    def close(self) -> None:
        """A file keeps nothing open."""

    def _read(self, what: str, of: Callable[[Any], Answer]) -> Answer:
        """Read the account; retried while the vendor is busy."""

        def once() -> Answer:
            try:
                return of(json.loads(self.path.read_text()))
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise self._unavailable(f"asked for {what}", error) from None

        attempts = Retrying(
            retry=retry_if_exception_type(BrokerUnavailableError),
            stop=stop_after_attempt(_QUESTION_ATTEMPTS),
            wait=wait_exponential(_PAUSE_SECONDS, exp_base=4),
            reraise=True,
        )
        return attempts(once)

    @contextmanager
    def _changed(self) -> Iterator[Any]:
        """The account to change; what is inside happens in whole or, if it raises, not at all."""
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found = json.loads(self.path.read_text())
            yield found
            write_atomically(self.path, json.dumps(found))

    def _unavailable(self, asked: str, error: Exception) -> BrokerUnavailableError:
        return BrokerUnavailableError(f"{NAME} broker, {asked}: {self.path} cannot be read ({type(error).__name__})")


def _order(item: Mapping[str, Any]) -> BrokerOrder:
    return BrokerOrder(
        str(item["id"]), str(item["client_order_id"]), str(item["symbol"]), str(item["side"]), float(item["quantity"]),
        float(item["filled"]), str(item["status"]),
    )  # fmt: skip


def _activity(item: Mapping[str, Any]) -> Activity:
    """An entry in the desk's terms: the vendor's code becomes an `ActivityKind`."""
    moment = item.get("at")
    return Activity(
        id=str(item["id"]),
        kind=ACTIVITY_KINDS.get(item["type"], ActivityKind.OTHER),
        code=str(item["type"]),
        symbol=item.get("symbol"),
        side=item.get("side"),
        quantity=float(item.get("quantity") or 0.0),
        price=float(item["price"]) if item.get("price") else None,
        amount=float(item.get("amount") or 0.0),
        order_id=item.get("order_id"),
        at=datetime.fromisoformat(moment) if moment else None,
        day=date.fromisoformat(item["day"]),
        description=item.get("description"),
    )


def locate(book: str, home: Path, environment: Mapping[str, str]) -> Path:
    """The file of a book's account, in the lake's folder; a vendor's keys come from the environment.

    Raises
    ------
    BrokerSettingsError
        There is none.
    """
    del environment
    path = home / NAME / f"{book}.json"
    if not path.is_file():
        raise BrokerSettingsError(f"book {book!r} trades at the broker {NAME!r}, but there is no account {path}")
    return path


KINDS = (
    BrokerKind(
        name=NAME,
        is_real_money=False,
        is_simulated_time=True,  # the clock of the file; False where the vendor's time is the present
        times_in_force=("opg", "day"),
        fractional_times_in_force=("day",),
        activity_kinds=ACTIVITY_KINDS,
        locate=locate,
        connect=FileBroker,
    ),
)
