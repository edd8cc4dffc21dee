"""What a broker reports, as plain values: account, clock, positions, orders, entries of its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class ActivityKind(StrEnum):
    """What an entry of an account's history does to it, whatever the broker calls it.

    A fill trades shares. A fee and a dividend are cash. Cash in lieu takes a fraction of a share out for cash, a
    removal (a merger, a delisting) the whole position. Anything else is cash alone.
    """

    FILL = "fill"
    FEE = "fee"
    DIVIDEND = "dividend"
    CASH_IN_LIEU = "cash_in_lieu"
    REMOVAL = "removal"
    OTHER = "other"


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
    """Shares held, signed, and their average price in currency per share."""

    symbol: str
    quantity: float
    average_price: float


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """An order that exists at the broker.

    Attributes
    ----------
    id, client_order_id : str
        The broker's identity of the order, and the one that it was sent with.
    side : {"buy", "sell"}
        Side.
    quantity, filled : float
        Shares ordered and shares traded, not signed.
    status : str
        The broker's word; "rejected" is an order that was accepted and then rejected.
    """

    id: str
    client_order_id: str
    symbol: str
    side: str
    quantity: float
    filled: float
    status: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A market order to send; `quantity` in shares, not signed."""

    client_order_id: str
    symbol: str
    side: str
    quantity: float
    time_in_force: str


@dataclass(frozen=True, slots=True)
class Activity:
    """An entry of the account's history: a fill, or anything else that the broker booked.

    Attributes
    ----------
    id : str
        The broker's identity of the entry; ids sort in the order of booking.
    kind : ActivityKind
        What it does to the account.
    code : str
        What the broker calls that.
    side : str or None
        "buy" or "sell" of a fill.
    quantity : float
        Shares: of a fill not signed, of anything else added to the position (negative is removed).
    price : float or None
        Of a fill, in currency per share.
    amount : float
        Cash received by an entry that is not a fill; negative is paid.
    order_id : str or None
        The broker's identity of the order that was filled.
    at, day : datetime or date, or None
        When it happened: a moment, or only a day.
    description : str or None
        The broker's own words.
    """

    id: str
    kind: ActivityKind
    code: str
    symbol: str | None
    side: str | None
    quantity: float
    price: float | None
    amount: float
    order_id: str | None
    at: datetime | None
    day: date | None
    description: str | None
