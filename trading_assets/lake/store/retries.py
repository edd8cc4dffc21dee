"""Transactions that are retried while other writers conflict with them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Protocol, TypeVar

import duckdb

from trading_assets.lake.errors import LakeError

MAX_ATTEMPTS = 40
_FIRST_SECONDS, _LONGEST_SECONDS = 0.04, 1.0
_CONFLICT = re.compile(
    r"conflict|could not serialize|deadlock|has been altered|already exists|was created|retry count", re.IGNORECASE
)
T = TypeVar("T")


class _HasCursor(Protocol):
    writing: threading.RLock

    def cursor(self) -> duckdb.DuckDBPyConnection: ...


def with_retries(lake: _HasCursor, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
    """Run a transaction; repeat it while other writers conflict with it, after pauses of random, growing length.

    Threads of a process run their transactions one after the other, whatever the tables: if two transactions of one
    DuckDB commit at the same time, DuckLake may fail with a table or a schema that it does not find.

    Parameters
    ----------
    lake : Lake
        The lake.
    work : callable
        The transaction; called with a new cursor for each attempt.

    Raises
    ------
    LakeError
        All attempts met a conflict.
    """
    from tenacity import RetryError, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

    attempts = Retrying(
        retry=retry_if_exception(_is_conflict),
        wait=wait_random_exponential(multiplier=_FIRST_SECONDS, max=_LONGEST_SECONDS),
        stop=stop_after_attempt(MAX_ATTEMPTS),
    )

    def attempt() -> T:
        with lake.writing, closing(lake.cursor()) as cursor:
            return work(cursor)

    try:
        return attempts(attempt)
    except RetryError:
        msg = f"gave up after {MAX_ATTEMPTS} attempts because other writers kept changing the same rows; run it again"
        raise LakeError(msg) from None


def _is_conflict(error: BaseException) -> bool:
    return isinstance(error, duckdb.Error) and bool(_CONFLICT.search(str(error)))


def roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    """End a transaction that has failed, whether its COMMIT has already ended it or not."""
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:
        return
