"""No more calls a minute than a subscription allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_BURST_SECONDS = 3.0
_MINUTE = 60.0


class Throttle:
    """A bucket of tokens that refills evenly; whoever takes one while there is none waits for it.

    Parameters
    ----------
    per_minute : float
        Tokens a minute, above 0. The bucket holds those of three seconds, and one at least.
    clock, sleep : callable
        Seconds that only grow, and how to wait.
    """

    def __init__(
        self,
        per_minute: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = per_minute / _MINUTE
        self._size = max(1.0, self._rate * _BURST_SECONDS)
        self._clock, self._sleep = clock, sleep
        self._tokens, self._filled_at = self._size, clock()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Take a token, and wait until it is there."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._size, self._tokens + (now - self._filled_at) * self._rate) - 1.0
            self._filled_at = now
            missing = -self._tokens
        if missing > 0:
            self._sleep(missing / self._rate)
