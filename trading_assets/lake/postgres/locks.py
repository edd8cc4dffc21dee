"""Locks of the lake in Postgres: seen by every process on every machine, and freed when their holder dies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any, Literal

import psycopg2.errors

from trading_assets.lake.errors import LakeError
from trading_assets.lake.postgres.sessions import Sessions

EVERYTHING = "*"
CATALOG = "the lake's catalog"
_TIMEOUT = "10min"


@contextmanager
def locked(sessions: Sessions, names: Mapping[str, Literal["shared", "exclusive"]]) -> Iterator[Any]:
    """Hold locks, acquired in the given order, in a separate session; yields a cursor of it.

    Raises
    ------
    LakeError
        Another process has held one of them for ten minutes.
    """
    with sessions.borrow() as cursor:
        cursor.execute(f"SET lock_timeout = '{_TIMEOUT}'")
        try:
            for name, mode in names.items():
                function = "pg_advisory_lock_shared" if mode == "shared" else "pg_advisory_lock"
                cursor.execute(f"SELECT {function}({_key(name)})")
        except psycopg2.errors.LockNotAvailable:
            what = ", ".join(name for name in names if name != EVERYTHING) or "the lake"
            msg = f"another process has been writing {what} for {_TIMEOUT}; run this again"
            raise LakeError(msg) from None
        yield cursor


def _key(name: str) -> int:
    digest = blake2b(f"trading_assets:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
