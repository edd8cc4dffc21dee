"""How often Yahoo may be asked: a token bucket for all threads, and the pauses between tries."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Backoff", "Pace", "TokenBucket", "shared_bucket"]


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What time is made of: a clock that only goes forward, sleeping, and chance for jitter, on which no data depend.

    Attributes
    ----------
    monotonic : callable
        Seconds since some moment.
    sleep : callable
        Wait for seconds.
    jitter : random.Random
        Where jitter is drawn.
    """

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: random.Random = field(default_factory=random.SystemRandom)


class TokenBucket:
    """At most `burst` requests at once and `rate` per second over time, counted over all threads.

    Who takes a token that is not there yet reserves it, and waits for it outside of the lock: first come, first served.

    Parameters
    ----------
    rate
        Tokens per second.
    burst
        Most tokens that can be saved up.
    pace
        Clock and sleep.
    """

    def __init__(self, rate: float, burst: int, pace: Pace) -> None:
        self._rate, self._burst, self._pace = rate, burst, pace
        self._lock = threading.Lock()
        self._tokens, self._at = float(burst), pace.monotonic()

    def take(self) -> None:
        """Take one token; wait until it is there."""
        with self._lock:
            self._refill()
            self._tokens -= 1.0
            wait = -self._tokens / self._rate
        if wait > 0:
            self._pace.sleep(wait)

    def hold(self, seconds: float) -> None:
        """Give no token in the next `seconds`, to anyone."""
        with self._lock:
            self._refill()
            self._tokens = min(self._tokens, 1.0 - seconds * self._rate)

    def _refill(self) -> None:
        now = self._pace.monotonic()
        self._tokens = min(float(self._burst), self._tokens + (now - self._at) * self._rate)
        self._at = now


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """Pauses between tries: exponential, with full jitter.

    Full jitter spreads clients that failed together best: https://aws.amazon.com/blogs/architecture
    (Exponential Backoff And Jitter).

    Attributes
    ----------
    retries : int
        Tries after the first.
    first, longest : float
        Upper bound of the first pause and of any pause, seconds.
    """

    retries: int
    first: float = 1.0
    longest: float = 30.0

    def pause(self, attempt: int, pace: Pace) -> float:
        """Seconds to wait after try number `attempt`, counted from 0."""
        return pace.jitter.uniform(0.0, min(self.longest, self.first * 2.0**attempt))


_SHARED: dict[tuple[float, int], TokenBucket] = {}
_SHARED_LOCK = threading.Lock()
_REAL_PACE = Pace()


def shared_bucket(rate: float, burst: int, pace: Pace | None) -> tuple[TokenBucket, Pace]:
    """Return the bucket of this process, or, for a pace of one's own, one of one's own."""
    if pace is not None:
        return TokenBucket(rate, burst, pace), pace
    with _SHARED_LOCK:
        return _SHARED.setdefault((rate, burst), TokenBucket(rate, burst, _REAL_PACE)), _REAL_PACE
