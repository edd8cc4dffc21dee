"""Orders: what a client may request, and the state of an order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from trading_assets.brokers.embedded.increments import amount_of, price_of, quantity_of
from trading_assets.brokers.embedded.refusals import invalid
from trading_assets.execution.orders import in_fractions, whole_lots

OPEN_STATUSES = ("accepted", "new", "partially_filled", "pending_new")
TYPES = ("market", "limit", "stop", "stop_limit")
TIMES_IN_FORCE = ("day", "gtc", "opg", "cls", "ioc", "fok")
NUMBERS: dict[str, Callable[[str, Any], float]] = {
    "qty": quantity_of, "notional": amount_of, "limit_price": price_of, "stop_price": price_of,
}  # fmt: skip


class OrderRequest(NamedTuple):
    """A valid request for an order; quantities in shares, prices in currency per share, `notional` in currency."""

    symbol: str
    side: str
    type: str
    time_in_force: str
    qty: float | None
    notional: float | None
    limit_price: float | None
    stop_price: float | None
    client_order_id: str


@dataclass
class Order:
    """An order of an account and its outcome; `filled_avg_price` is 0 before the first fill."""

    id: str
    account: str
    client_order_id: str
    sequence: int
    symbol: str
    side: str
    type: str
    time_in_force: str
    qty: float | None
    notional: float | None
    limit_price: float | None
    stop_price: float | None
    status: str
    submitted_at: datetime
    updated_at: datetime
    filled_qty: float = 0.0
    filled_avg_price: float = 0.0
    is_triggered: bool = False
    filled_at: datetime | None = None
    expired_at: datetime | None = None
    canceled_at: datetime | None = None
    failed_at: datetime | None = None
    replaced_at: datetime | None = None
    replaced_by: str | None = None
    replaces: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can still trade."""
        return self.status in OPEN_STATUSES

    @property
    def sign(self) -> float:
        """1 to buy, -1 to sell."""
        return 1.0 if self.side == "buy" else -1.0

    @property
    def works_as(self) -> str:
        """Market or limit; a stop whose price has not been reached is neither: its own type."""
        if self.type == "stop":
            return "market" if self.is_triggered else "stop"
        if self.type == "stop_limit":
            return "limit" if self.is_triggered else "stop_limit"
        return self.type

    def remaining(self, price: float) -> float:
        """Shares still to trade, not signed; those of a notional order at a price."""
        if self.qty is not None:
            return in_fractions(self.qty - self.filled_qty)
        return whole_lots(max((self.notional or 0.0) - self.filled_qty * self.filled_avg_price, 0.0) / price, 0.0)

    def fill(self, quantity: float, price: float, moment: datetime, *, is_complete: bool) -> None:
        """Add a fill of shares, not signed, at a price."""
        before = self.filled_qty
        self.filled_qty = in_fractions(before + quantity)
        average = (before * self.filled_avg_price + quantity * price) / self.filled_qty
        self.filled_avg_price = average if before else price
        if is_complete and self.qty is not None:
            self.filled_qty = self.qty
        self.status = "filled" if is_complete else "partially_filled"
        self.filled_at = self.updated_at = moment

    def end(self, status: str, moment: datetime) -> None:
        """Close the order: canceled, expired, rejected or replaced."""
        self.status = status
        self.updated_at = moment
        setattr(self, {"rejected": "failed_at"}.get(status, f"{status}_at"), moment)


def parse_request(body: Mapping[str, Any], client_order_id: str) -> OrderRequest:
    """Read the body of POST /v2/orders.

    Parameters
    ----------
    body : mapping
        The decoded JSON.
    client_order_id : str
        Identity of the order if the body has none.

    Raises
    ------
    ApiError
        422; the message names the field.
    """
    symbol = body.get("symbol")
    if not isinstance(symbol, str) or not symbol:
        raise invalid("symbol is required")
    side = _choice(body, "side", ("buy", "sell"))
    kind = _choice(body, "type", TYPES)
    time_in_force = _choice(body, "time_in_force", TIMES_IN_FORCE)
    if body.get("order_class") not in {None, "", "simple"}:
        raise invalid(f"order_class {body['order_class']} is not supported: send simple orders")
    if body.get("extended_hours"):
        raise invalid("extended_hours is not supported: there are no prices outside of the session")
    numbers = {name: None if body.get(name) is None else read(name, body[name]) for name, read in NUMBERS.items()}
    request = OrderRequest(
        symbol=symbol,
        side=side,
        type=kind,
        time_in_force=time_in_force,
        qty=numbers["qty"],
        notional=numbers["notional"],
        limit_price=numbers["limit_price"],
        stop_price=numbers["stop_price"],
        client_order_id=str(body.get("client_order_id") or client_order_id),
    )
    check_request(request)
    return request


def check_request(request: OrderRequest) -> None:
    """Check the fields of an order against each other.

    Raises
    ------
    ApiError
        422; the message names the field.
    """
    if (request.qty is None) == (request.notional is None):
        raise invalid("qty or notional is required, and not both")
    if len(request.client_order_id) > 128:  # noqa: PLR2004 - the protocol's limit
        raise invalid("client_order_id must be no more than 128 characters")
    _check_prices(request)
    if request.notional is not None and (request.type, request.time_in_force) != ("market", "day"):
        raise invalid("notional orders must be market orders with time_in_force day")
    if request.qty is not None and request.qty % 1 and request.time_in_force != "day":
        raise invalid("fractional orders must be DAY orders")
    if request.time_in_force in {"opg", "cls"} and request.type not in {"market", "limit"}:
        raise invalid(f"time_in_force {request.time_in_force} is for market and limit orders only")
    if request.time_in_force in {"ioc", "fok"} and request.type.startswith("stop"):
        raise invalid(f"time_in_force {request.time_in_force} is for market and limit orders only")


def _check_prices(request: OrderRequest) -> None:
    for name, types in (("limit_price", ("limit", "stop_limit")), ("stop_price", ("stop", "stop_limit"))):
        value = getattr(request, name)
        if request.type in types and value is None:
            raise invalid(f"{request.type} orders require {name.replace('_', ' ')}")
        if request.type not in types and value is not None:
            raise invalid(f"{request.type} orders must not have {name.replace('_', ' ')}")


def _choice(body: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    value = body.get(name)
    if value not in choices:
        raise invalid(f"invalid {name} {value!r}: must be one of {', '.join(choices)}")
    return str(value)
