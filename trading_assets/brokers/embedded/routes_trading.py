"""Calls of the trading API about the account, orders and positions."""

from __future__ import annotations

from typing import Any

from trading_assets.brokers.embedded.admission import reserved_shares
from trading_assets.brokers.embedded.gate import Answer, Call, Handler, Reply
from trading_assets.brokers.embedded.increments import quantity_of
from trading_assets.brokers.embedded.orders import NUMBERS, TIMES_IN_FORCE, Order, parse_request
from trading_assets.brokers.embedded.payloads import account_payload, number, order_payload, position_payload
from trading_assets.brokers.embedded.queries import choice_of, count_of, list_of, moment_of
from trading_assets.brokers.embedded.refusals import ApiError, invalid, not_found, refused
from trading_assets.brokers.embedded.state import asset_id
from trading_assets.brokers.embedded.store import OrderFilter
from trading_assets.execution.orders import whole_lots

_STATUSES: dict[str, bool | None] = {"open": True, "closed": False, "all": None}
_MOST_ORDERS = 500


def get_account(call: Call) -> Answer:
    """GET /v2/account."""
    long = short = 0.0
    for symbol, held in call.account.positions.items():
        value = held.quantity * _price(call, symbol)
        long, short = (long + value, short) if value > 0 else (long, short + value)
    return account_payload(call.account, long, short)


def get_configurations(call: Call) -> Answer:
    """GET /v2/account/configurations."""
    return call.account.configuration


def patch_configurations(call: Call) -> Answer:
    """PATCH /v2/account/configurations."""
    unknown = sorted(set(call.body) - set(call.account.configuration) - {"max_options_trading_level"})
    if unknown:
        raise invalid(f"unknown configuration: {', '.join(unknown)}")
    changes = {name: value for name, value in call.body.items() if name in call.account.configuration}
    for name, value in changes.items():
        if type(value) is not type(call.account.configuration[name]):
            raise invalid(f"invalid value of {name}: {value!r}")
    call.account.configuration = call.account.configuration | changes
    call.broker.state.changes.accounts.add(call.account.id)
    return call.account.configuration


def post_order(call: Call) -> Answer:
    """POST /v2/orders."""
    request = parse_request(call.body, call.broker.state.next_client_order_id(call.account.id))
    _require_unique(call, request.client_order_id)
    return call.broker.engine.submit(call.account, request)


def get_orders(call: Call) -> Answer:
    """GET /v2/orders."""
    query = call.query
    side = query.get("side") or None
    wanted = OrderFilter(
        is_open=_STATUSES[choice_of(query, "status", tuple(_STATUSES))],
        symbols=list_of(query, "symbols"),
        side=side,
        after=moment_of(query, "after"),
        until=moment_of(query, "until"),
        is_ascending=choice_of(query, "direction", ("desc", "asc")) == "asc",
        limit=count_of(query, "limit", 50, _MOST_ORDERS),
    )
    return [order_payload(order) for order in call.broker.store.orders(call.account.id, wanted)]


def get_order(call: Call) -> Answer:
    """GET /v2/orders/{id}."""
    return order_payload(_order(call))


def get_order_by_client_id(call: Call) -> Answer:
    """GET /v2/orders:by_client_order_id."""
    identity = call.query.get("client_order_id", "")
    order = call.broker.store.order_by_client_id(call.account.id, identity)
    if order is None:
        raise not_found(f"order not found for {identity}")
    return order_payload(order)


def patch_order(call: Call) -> Answer:
    """PATCH /v2/orders/{id}."""
    order = _order(call)
    changes: dict[str, Any] = {}
    for name in ("qty", "limit_price", "stop_price"):
        if call.body.get(name) is not None:
            changes[name] = NUMBERS[name](name, call.body[name])
    if call.body.get("time_in_force"):
        if call.body["time_in_force"] not in TIMES_IN_FORCE:
            raise invalid(f"invalid time_in_force {call.body['time_in_force']!r}")
        changes["time_in_force"] = call.body["time_in_force"]
    if call.body.get("client_order_id"):
        changes["client_order_id"] = str(call.body["client_order_id"])
        _require_unique(call, changes["client_order_id"])
    return call.broker.engine.replace(call.account, order, changes)


def delete_order(call: Call) -> Answer:
    """DELETE /v2/orders/{id}."""
    call.broker.engine.cancel(_order(call))
    return None


def delete_orders(call: Call) -> Answer | Reply:
    """DELETE /v2/orders."""
    cancelled = list(call.broker.state.open_orders(call.account.id))
    for order in cancelled:
        call.broker.engine.cancel(order)
    return Reply(207, [{"id": order.id, "status": 200, "body": order_payload(order)} for order in cancelled])


def get_positions(call: Call) -> Answer:
    """GET /v2/positions."""
    return [_position(call, symbol) for symbol in sorted(call.account.positions)]


def get_position(call: Call) -> Answer:
    """GET /v2/positions/{symbol or asset id}."""
    return _position(call, _held_symbol(call))


def delete_position(call: Call) -> Answer:
    """DELETE /v2/positions/{symbol or asset id}."""
    return _close(call, _held_symbol(call), call.query)


def delete_positions(call: Call) -> Answer | Reply:
    """DELETE /v2/positions."""
    if call.query.get("cancel_orders", "").lower() == "true":
        delete_orders(call)
    replies = []
    for symbol in sorted(call.account.positions):
        try:
            replies.append({"symbol": symbol, "status": 200, "body": _close(call, symbol, {})})
        except ApiError as error:
            replies.append({"symbol": symbol, "status": error.status, "body": {**error.body, "symbol": symbol}})
    return Reply(207, replies)


def _order(call: Call) -> Order:
    identity = call.path["order_id"]
    found = call.broker.state.orders[call.account.id].get(identity)
    found = found or call.broker.store.order(call.account.id, identity)
    if found is None:
        raise not_found(f"order not found for {identity}")
    return found


def _require_unique(call: Call, client_order_id: str) -> None:
    if call.broker.store.order_by_client_id(call.account.id, client_order_id) is not None:
        raise invalid("client_order_id must be unique")


def _held_symbol(call: Call) -> str:
    wanted = call.path["symbol"]
    for symbol in call.account.positions:
        if wanted in {symbol, asset_id(symbol)}:
            return symbol
    raise not_found("position does not exist")


def _position(call: Call, symbol: str) -> dict[str, Any]:
    listing = call.broker.market.listings().get(symbol)
    reserved = reserved_shares(call.broker.state, call.account, symbol)
    exchange = listing.exchange if listing else ""
    return position_payload(symbol, call.account.positions[symbol], _price(call, symbol), exchange, reserved)


def _price(call: Call, symbol: str) -> float:
    price = call.broker.market.price(symbol, call.broker.state.time)
    return call.account.positions[symbol].mark if price is None else price


def _close(call: Call, symbol: str, query: dict[str, str]) -> Answer:
    """Send a market order that closes a position or a part of it."""
    held = call.account.quantity(symbol)
    shares = abs(held)
    if query.get("qty"):
        shares = quantity_of("qty", query["qty"])
    elif query.get("percentage"):
        part = _percentage(query["percentage"]) / 100
        shares = shares * part if part != 1 else shares
        shares = whole_lots(shares, 0.0 if call.account.trades_fractions else 1.0)
    if shares <= 0 or shares > abs(held):
        raise refused(f"cannot close {number(shares)} of {number(abs(held))} shares of {symbol}")
    body = {
        "symbol": symbol,
        "qty": shares,
        "side": "sell" if held > 0 else "buy",
        "type": "market",
        "time_in_force": "day",
    }
    identity = call.broker.state.next_client_order_id(call.account.id)
    return call.broker.engine.submit(call.account, parse_request(body, identity))


def _percentage(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 < found < float("inf"):
        raise invalid(f"percentage must be a number > 0, not {text!r}")
    return found


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/v2/account", get_account),
    ("GET", "/v2/account/configurations", get_configurations),
    ("PATCH", "/v2/account/configurations", patch_configurations),
    ("POST", "/v2/orders", post_order),
    ("GET", "/v2/orders", get_orders),
    ("DELETE", "/v2/orders", delete_orders),
    ("GET", "/v2/orders:by_client_order_id", get_order_by_client_id),
    ("GET", "/v2/orders/{order_id}", get_order),
    ("PATCH", "/v2/orders/{order_id}", patch_order),
    ("DELETE", "/v2/orders/{order_id}", delete_order),
    ("GET", "/v2/positions", get_positions),
    ("DELETE", "/v2/positions", delete_positions),
    ("GET", "/v2/positions/{symbol:path}", get_position),
    ("DELETE", "/v2/positions/{symbol:path}", delete_position),
]
