"""Identities that the broker gives: UUIDs of what they name, so that the same trading has the same ones in every store.

An account is named by its book, an order by its account and client order id, and what is booked by its place in the
sequence of everything that happens, which is stored with it.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

_ACCOUNTS = uuid.UUID("c5f0b8a4-6a3e-5d0c-8f6b-2e9d4a7c1b35")
_SEQUENCE_BITS, _SEQUENCE_SHIFT = 48, 80
_VERSION_BITS = (0x8 << 76) | (0x2 << 62)
_NAME_BITS = 62


def account_identity(name: str) -> uuid.UUID:
    """Identity of the account with a name."""
    return uuid.uuid5(_ACCOUNTS, name)


def order_identity(account: str, client_order_id: str) -> str:
    """Identity of an order; a client order id is used once in an account."""
    return _derived(account, "order", client_order_id)


def client_identity(account: str, sequence: int) -> str:
    """Client order id of an order that was sent without one, from its place in the sequence of what happens."""
    return _derived(account, "client", sequence)


def execution_identity(order: str, event: str, filled: float, at: datetime) -> str:
    """Identity of an event of an order on the stream; `filled` is the shares that have traded by then."""
    return _derived(order, event, repr(filled), at.astimezone(UTC).isoformat())


def activity_identity(account: str, kind: str, sequence: int, at: datetime) -> str:
    """Identity of an entry of an account's history, which sorts by time and then by sequence.

    Returns
    -------
    str
        Time to the millisecond, two colons, and a UUID that begins with the sequence.
    """
    moment = at.astimezone(UTC)
    name = uuid.UUID(_derived(account, "activity", kind, sequence, moment.isoformat())).int & (2**_NAME_BITS - 1)
    place = (sequence & (2**_SEQUENCE_BITS - 1)) << _SEQUENCE_SHIFT
    return f"{moment:%Y%m%d%H%M%S}{moment.microsecond // 1000:03d}::{uuid.UUID(int=place | _VERSION_BITS | name)}"


def _derived(owner: str, *parts: object) -> str:
    return str(uuid.uuid5(uuid.UUID(owner), "|".join(str(part) for part in parts)))
