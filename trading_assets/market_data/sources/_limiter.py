"""The rate limit of a remote source: a token bucket that all threads of a process share.

`limits` (5.8) counts requests in windows but does not wait; `pyrate-limiter` (4.5) waits, but by `time.sleep` alone,
with a background thread, and it cannot be paused. After a refusal every thread has to pause: `RateLimiter.hold`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["RateLimiter", "Timing", "shared_limiter"]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """The clock by which limits are kept and pauses made; tests pass one that does not wait.

    Attributes
    ----------
    monotonic : callable
        Seconds since an arbitrary moment; never runs backwards.
    sleep : callable
        Waits for a number of seconds.
    """

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class RateLimiter:
    """At most `burst` requests at once and `per_second` over time, counted over all threads.

    A thread that takes a token which is not there yet reserves it and waits outside the lock: first come, first served.

    Parameters
    ----------
    per_second : float
        Tokens that are added per second, above 0.
    burst : float
        Most tokens that can be saved up, at least 1.
    timing : Timing
        Clock and sleep.
    """

    def __init__(self, per_second: float, burst: float, timing: Timing) -> None:
        self._per_second, self._burst, self._timing = per_second, burst, timing
        self._lock = threading.Lock()
        self._tokens, self._filled_at = burst, timing.monotonic()

    def acquire(self) -> None:
        """Take one token, and wait until it is there."""
        with self._lock:
            self._refill()
            self._tokens -= 1.0
            wait = -self._tokens / self._per_second
        if wait > 0:
            self._timing.sleep(wait)

    def hold(self, seconds: float) -> None:
        """Hand out no token to any thread for a number of seconds."""
        with self._lock:
            self._refill()
            self._tokens = min(self._tokens, 1.0 - seconds * self._per_second)

    def _refill(self) -> None:
        now = self._timing.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now


_REAL_TIMING = Timing()
_SHARED: dict[tuple[float, float], RateLimiter] = {}
_SHARED_LOCK = threading.Lock()


def shared_limiter(per_second: float, burst: float, timing: Timing | None) -> tuple[RateLimiter, Timing]:
    """Return the limiter that all sources of this process share for a rate, or a new one for another timing."""
    if timing is not None:
        return RateLimiter(per_second, burst, timing), timing
    with _SHARED_LOCK:
        limiter = _SHARED.setdefault((per_second, burst), RateLimiter(per_second, burst, _REAL_TIMING))
    return limiter, _REAL_TIMING
