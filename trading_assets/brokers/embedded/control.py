"""The control API below `/_broker/`: accounts, clock, halts, faults and what was called, for operators and tests.

It answers on loopback only and asks for the token that the server was started with, in the header `X-Broker-Token`.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from fastapi import Request, Response

from trading_assets.brokers.embedded.broker import EmbeddedBroker
from trading_assets.brokers.embedded.clock import ClockError
from trading_assets.brokers.embedded.faults import FaultError
from trading_assets.brokers.embedded.gate import Answer, Reply, as_response
from trading_assets.brokers.embedded.payloads import moment
from trading_assets.brokers.embedded.refusals import ApiError, invalid
from trading_assets.execution.models import ExecutionModels

TOKEN_HEADER = "X-Broker-Token"  # noqa: S105 - the name of a header
Action = Callable[[EmbeddedBroker, dict[str, Any]], Answer]


def create_account(broker: EmbeddedBroker, body: dict[str, Any]) -> Answer:
    """POST /_broker/accounts."""
    names = ("cash", "max_participation", "lot_size", "multiplier", "borrowing")
    values = {name: float(body[name]) for name in names}
    with broker.transaction():
        costs = ExecutionModels.model_validate(body["costs"])
        account, secret = broker.create_account(body["name"], costs=costs, **values)
    return {"key_id": account.key_id, "secret": secret, "account_number": account.number}


def get_clock(broker: EmbeddedBroker, _: dict[str, Any]) -> Answer:
    """GET /_broker/clock."""
    broker.catch_up()
    return {"now": moment(broker.state.time), "kind": broker.clock.kind}


def move_clock(broker: EmbeddedBroker, body: dict[str, Any]) -> Answer:
    """POST /_broker/clock."""
    to = datetime.fromisoformat(body["to"])
    if to.tzinfo is None:
        raise invalid(f"{body['to']} has no time zone: say which moment it is")
    broker.step(to)
    # Published now, so that a client that subscribes after this call receives nothing from the time passed.
    broker.streams.data.advance(broker.market, broker.state.time, broker.faults)
    return get_clock(broker, {})


def halt(broker: EmbeddedBroker, body: dict[str, Any]) -> Answer:
    """POST /_broker/halts: a halted symbol does not trade."""
    return _set_halt(broker, body["symbol"], is_halted=True)


def resume(broker: EmbeddedBroker, body: dict[str, Any]) -> Answer:
    """DELETE /_broker/halts."""
    return _set_halt(broker, body["symbol"], is_halted=False)


def revoke(broker: EmbeddedBroker, body: dict[str, Any]) -> Answer:
    """POST /_broker/revoke: the keys of an account stop working until it is created again."""
    account = broker.require(body["name"])
    with broker.transaction():
        account.is_revoked = True
        broker.state.changes.accounts.add(account.id)
    return None


def tamper(broker: EmbeddedBroker, body: dict[str, Any]) -> Answer:
    """POST /_broker/tamper: set cash or positions of an account."""
    with broker.transaction():
        broker.tamper(body["name"], body.get("cash"), body.get("positions"))
    return None


def inject(broker: EmbeddedBroker, body: dict[str, Any]) -> Answer:
    """POST /_broker/faults; `drop_streams` closes all streams at once."""
    if body.pop("drop_streams", False):
        broker.streams.disconnect()
    broker.faults.inject(body)
    return None


def clear_faults(broker: EmbeddedBroker, _: dict[str, Any]) -> Answer:
    """DELETE /_broker/faults."""
    broker.faults.clear()
    return None


def restart(broker: EmbeddedBroker, _: dict[str, Any]) -> Answer:
    """POST /_broker/restart: forget everything in memory, end all streams, read the store."""
    broker.catch_up()
    broker.streams.disconnect()
    broker.load()
    return None


def get_calls(broker: EmbeddedBroker, _: dict[str, Any]) -> Answer:
    """GET /_broker/calls."""
    return list(broker.calls)


ACTIONS: list[tuple[str, str, Action]] = [
    ("POST", "accounts", create_account),
    ("GET", "clock", get_clock),
    ("POST", "clock", move_clock),
    ("POST", "halts", halt),
    ("DELETE", "halts", resume),
    ("POST", "revoke", revoke),
    ("POST", "tamper", tamper),
    ("POST", "faults", inject),
    ("DELETE", "faults", clear_faults),
    ("POST", "restart", restart),
    ("GET", "calls", get_calls),
]


def endpoint(broker: EmbeddedBroker, token: str, action: Action) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of an action, for callers that have the token."""

    async def respond(request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get(TOKEN_HEADER, "").encode(), token.encode()):
            return as_response(Reply(401, {"message": f"{TOKEN_HEADER} is missing or wrong"}))
        try:
            body = await request.json() if await request.body() else {}
            return as_response(action(broker, body))
        except ApiError as error:
            return as_response(Reply(error.status, error.body))
        except KeyError as error:
            return as_response(Reply(422, {"message": f"the request lacks {error}"}))
        except (ClockError, FaultError, TypeError, ValueError) as error:
            return as_response(Reply(422, {"message": str(error)}))

    return respond


def _set_halt(broker: EmbeddedBroker, symbol: str, *, is_halted: bool) -> Answer:
    broker.catch_up()
    with broker.transaction():
        (broker.state.halted.add if is_halted else broker.state.halted.discard)(symbol)
        broker.state.changes.has_halts = True
    return None
