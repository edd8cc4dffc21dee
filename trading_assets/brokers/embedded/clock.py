"""The broker's clocks: the real one, one that runs faster, and one that moves only on request."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from trading_assets.desk.clock import now as present


class ClockError(ValueError):
    """A clock that runs by itself was moved, or a clock was moved back."""


class Clock(Protocol):
    """What time it is for the broker; it never goes back, not across a restart of the server either."""

    kind: str

    def resume(self, stored: datetime | None) -> None:
        """Start the clock, not before the time at which the broker stopped last."""

    def now(self) -> datetime:
        """The broker's time in UTC."""

    def move(self, to: datetime) -> None:
        """Move the clock.

        Raises
        ------
        ClockError
            The clock moves by itself, or `to` has passed already.
        """


class RealClock:
    """The time of day."""

    kind = "real"

    def resume(self, stored: datetime | None) -> None:
        """Nothing to do: the time of day is later than anything stored."""

    def now(self) -> datetime:
        """The present in UTC."""
        return present()

    def move(self, to: datetime) -> None:
        """Refuse: this clock moves by itself."""
        raise ClockError(f"cannot move the broker's clock to {to}: it is the real one; use a stepped clock")


class AcceleratedClock:
    """A clock that starts at a moment and runs faster than the real one.

    Parameters
    ----------
    start : datetime.datetime
        Time at which it starts, timezone-aware.
    factor : float
        Seconds of the broker per real second, above 0.
    """

    kind = "accelerated"

    def __init__(self, start: datetime, factor: float) -> None:
        if not factor > 0:
            raise ClockError(f"factor is {factor}: a clock must run forward; use a factor above 0")
        self.factor = factor
        self._origin, self._since = start, present()

    def resume(self, stored: datetime | None) -> None:
        """Start now, at the stored time if that is later than `start`."""
        self._origin, self._since = max(self._origin, stored or self._origin), present()

    def now(self) -> datetime:
        """The broker's time in UTC."""
        return self._origin + (present() - self._since) * self.factor

    def move(self, to: datetime) -> None:
        """Refuse: this clock moves by itself."""
        raise ClockError(f"cannot move the broker's clock to {to}: it runs {self.factor:g} times as fast as the real "
                         "one by itself; use a stepped clock")  # fmt: skip


class SteppedClock:
    """A clock that stands still until it is moved.

    Parameters
    ----------
    start : datetime.datetime
        Time at which it starts, timezone-aware; a stored time that is later wins.
    """

    kind = "stepped"

    def __init__(self, start: datetime) -> None:
        self._now = start

    def resume(self, stored: datetime | None) -> None:
        """Stand at the stored time if that is later."""
        self._now = max(self._now, stored or self._now)

    def now(self) -> datetime:
        """The broker's time in UTC."""
        return self._now

    def move(self, to: datetime) -> None:
        """Stand at `to`.

        Raises
        ------
        ClockError
            `to` has passed already.
        """
        if to < self._now:
            raise ClockError(f"cannot move the broker's clock back from {self._now} to {to}")
        self._now = to
