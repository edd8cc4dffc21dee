"""Repeating a request to a remote source while its failure may pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from trading_assets.market_data.sources._limiter import Timing
from trading_assets.market_data.sources.errors import SourceError

__all__ = ["PassingFailureError", "with_retries"]

T = TypeVar("T")
# Seconds: upper bounds of the first pause and of any pause.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0


class PassingFailureError(Exception):
    """A request failed in a way that repeating it may cure.

    Parameters
    ----------
    error : SourceError
        What is raised if the last attempt fails in this way too.
    retry_after : float
        Seconds to wait, as the source requested; 0 if it did not.
    """

    def __init__(self, error: SourceError, retry_after: float = 0.0) -> None:
        self.error, self.retry_after = error, retry_after
        super().__init__(str(error))


def with_retries(
    request: Callable[[], T],
    *,
    attempts: int,
    timing: Timing,
    before_pause: Callable[[SourceError, float], None] = lambda _error, _seconds: None,
) -> T:
    """Call a request again while it raises `PassingFailureError`; any other error ends it at once.

    The pauses grow exponentially with full jitter, which spreads clients that failed together best
    (https://aws.amazon.com/blogs/architecture, Exponential Backoff And Jitter), and last at least as long as the
    source requested.

    Parameters
    ----------
    request : callable
        One attempt.
    attempts : int
        Most attempts, the first included.
    timing : Timing
        How to wait.
    before_pause : callable
        Called with the error and the seconds of each pause.

    Raises
    ------
    SourceError
        The error of the last attempt.
    """
    backoff = wait_random_exponential(multiplier=_FIRST_PAUSE, max=_LONGEST_PAUSE)
    retrying = Retrying(
        retry=retry_if_exception_type(PassingFailureError),
        stop=stop_after_attempt(attempts),
        wait=lambda state: max(backoff(state), _failure(state).retry_after),
        before_sleep=lambda state: before_pause(_failure(state).error, state.upcoming_sleep),
        sleep=timing.sleep,
        reraise=True,
    )
    try:
        return retrying(request)
    except PassingFailureError as last:
        # Without the chain, which may name a proxy with its password.
        raise last.error from None


def _failure(state: RetryCallState) -> PassingFailureError:
    failure = state.outcome.exception() if state.outcome else None
    if not isinstance(failure, PassingFailureError):
        raise TypeError(f"only a passing failure is repeated, not {failure!r}")
    return failure
