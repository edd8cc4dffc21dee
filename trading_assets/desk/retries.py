"""Errors that a retry can cure become Dagster retries; all others fail at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from trading_assets.errors import RetryableError

MAX_RETRIES = 3


@contextmanager
def retry_when_not_ready(seconds: float) -> Iterator[None]:
    """Ask Dagster to run the step again when an upstream partition, a source or a broker is not there yet.

    The last try fails with the error itself, so that the person who started the run sees what was missing.

    Parameters
    ----------
    seconds : float
        Pause before the next try.
    """
    try:
        yield
    except RetryableError as error:
        if dg.AssetExecutionContext.get().retry_number >= MAX_RETRIES:
            raise
        raise dg.RetryRequested(max_retries=MAX_RETRIES, seconds_to_wait=seconds) from error
