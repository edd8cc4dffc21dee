"""Transactions that are tried again while other writers conflict with them."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Protocol, TypeVar

import duckdb

from trading_assets.lake.errors import LakeError

MAX_ATTEMPTS = 40
_CONFLICT = re.compile(
    r"conflict|could not serialize|deadlock|has been altered|already exists|was created|retry count", re.IGNORECASE
)
T = TypeVar("T")


class _HasCursor(Protocol):
    writing: threading.RLock

    def cursor(self) -> duckdb.DuckDBPyConnection: ...


def with_retries(lake: _HasCursor, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
    """Run a transaction again, with jitter, while other writers conflict with it.

    Threads of a process run theirs one after the other, whatever the tables: where two transactions of one DuckDB
    commit at the same time, DuckLake may fail with a table or a schema that it does not find.

    Raises
    ------
    LakeError
        All attempts met a conflict.
    """
    jitter = random.SystemRandom()  # spreads writers out; no result depends on it
    for attempt in range(MAX_ATTEMPTS):
        with lake.writing, closing(lake.cursor()) as cursor:
            try:
                return work(cursor)
            except duckdb.Error as error:
                if not _CONFLICT.search(str(error)):
                    raise
        time.sleep(jitter.uniform(0.01, 0.05) * min(attempt + 1, 20))
    msg = f"gave up after {MAX_ATTEMPTS} attempts because other writers kept changing the same rows; run it again"
    raise LakeError(msg)


def roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    """End a transaction that has failed, whether its COMMIT has already ended it or not."""
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:
        return
