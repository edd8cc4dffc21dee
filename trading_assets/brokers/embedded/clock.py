"""The broker's clocks: the real one, one that runs faster, and one that moves only on request."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from trading_assets.desk.clock import now as present
from trading_assets.errors import TradingAssetsError

_MOMENT = "%Y-%m-%dT%H:%M:%S"


class ClockError(TradingAssetsError, ValueError):
    """A clock cannot start at the wanted time, a clock that runs by itself was moved, or a clock was moved back."""


class Clock(Protocol):
    """What time it is for the broker; it never goes back, not across a restart of the server either."""

    kind: str

    def resume(self, stored: datetime | None) -> None:
        """Start the clock, not before the time at which the broker stopped last.

        Raises
        ------
        ClockError
            There is no time to start at, or one that the accounts have passed.
        """

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
        """Refuse accounts that have traded past the present."""
        if stored is not None and stored > present():
            raise _passed("the real clock", present(), stored, "use a stepped or an accelerated clock")

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
    start : datetime.datetime or None
        Time at which it starts, timezone-aware; None goes on from the stored time.
    factor : float
        Seconds of the broker per real second, above 0.
    is_exact : bool
        Refuse a stored time that is later than `start`, rather than start there.
    """

    kind = "accelerated"

    def __init__(self, start: datetime | None, factor: float, *, is_exact: bool = False) -> None:
        if not factor > 0:
            raise ClockError(f"factor is {factor}: a clock must run forward; use a factor above 0")
        self.factor = factor
        self._start, self._is_exact = start, is_exact
        self._origin, self._since = start or present(), present()

    def resume(self, stored: datetime | None) -> None:
        """Start now, at the stored time if that is later than `start`."""
        self._origin, self._since = _first_moment(self._start, stored, is_exact=self._is_exact), present()

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
    start : datetime.datetime or None
        Time at which it starts, timezone-aware; a stored time that is later wins, and is taken where there is none.
    is_exact : bool
        Refuse a stored time that is later than `start`, rather than start there.
    """

    kind = "stepped"

    def __init__(self, start: datetime | None, *, is_exact: bool = False) -> None:
        self._start, self._is_exact = start, is_exact
        self._now = start or present()

    def resume(self, stored: datetime | None) -> None:
        """Stand at the stored time if that is later."""
        self._now = _first_moment(self._start, stored, is_exact=self._is_exact)

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


def _first_moment(start: datetime | None, stored: datetime | None, *, is_exact: bool) -> datetime:
    """Where a clock starts: not before the stored time.

    Raises
    ------
    ClockError
        Neither time is known, or `start` has passed and is to be met exactly.
    """
    if start is None and stored is None:
        raise ClockError(
            "the broker has never run on this lake, so there is no time to go on from; give one with --start, for "
            "instance --start 2013-01-02T21:00:00"
        )
    if start is None or stored is None or stored <= start:
        return start or stored  # type: ignore[return-value]
    if is_exact:
        raise _passed("the clock", start, stored, "leave --start out to go on from there, or start later")
    return stored


def _passed(what: str, start: datetime, stored: datetime, remedy: str) -> ClockError:
    return ClockError(
        f"cannot start {what} at {start:{_MOMENT}} UTC: the broker's accounts have traded until {stored:{_MOMENT}} UTC "
        f"and what has happened is not undone; {remedy}, or use another lake (--home DIR)"
    )
