"""Faults on demand: what a broker and the network to it can do wrong, for tests of the client."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import Any

from trading_assets.execution.orders import whole_lots

_MESSAGE = "a fault has no {}; it takes {}"


class FaultError(ValueError):
    """There is no such fault."""


@dataclass
class InjectedFault:
    """One fault, used up by the first call that it fits.

    Attributes
    ----------
    method, path : str
        HTTP method ("" for any) and regular expression of the path from its start.
    status : int or None
        HTTP status to answer with; the answer of the call itself where it is None.
    body : dict or str or None
        Body of that answer; a text is sent as it is.
    when : {"before", "after"}
        Whether the call has its effect after the fault, if the fault lets it, or before it.
    delay : float
        Seconds to wait.
    drop : bool
        Close the connection without an answer.
    non_json : bool
        Answer with a page of HTML.
    headers : dict
        Headers of the answer.
    """

    method: str = ""
    path: str = ""
    status: int | None = None
    body: Any = None
    when: str = "before"
    delay: float = 0.0
    drop: bool = False
    non_json: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def fits(self, method: str, path: str) -> bool:
        """Whether a call is affected."""
        return self.method.upper() in {"", method} and re.match(self.path, path) is not None


@dataclass
class Faults:
    """All pending faults.

    Attributes
    ----------
    partial_fill : float or None
        Part of the next fill that happens, above 0 and below 1.
    reject : int
        Number of next orders that are accepted and then rejected.
    drop_event : int
        Number of next events that the stream loses.
    outage : bool
        Every call is answered 503.
    clock_skew : float
        Seconds by which the clock that clients see is ahead.
    """

    queue: list[InjectedFault] = field(default_factory=list)
    partial_fill: float | None = None
    reject: int = 0
    drop_event: int = 0
    outage: bool = False
    clock_skew: float = 0.0

    def inject(self, wanted: dict[str, Any]) -> None:
        """Add a fault, several of them in a list named "queue", or set one of the lasting ones.

        Raises
        ------
        FaultError
            There is no such fault.
        """
        for one in wanted.pop("queue", ()):
            self.inject(one)
        lasting = {item.name for item in fields(self)} - {"queue"}
        known = lasting | {item.name for item in fields(InjectedFault)}
        unknown = sorted(set(wanted) - known)
        if unknown:
            raise FaultError(_MESSAGE.format(", ".join(unknown), ", ".join(sorted(known))))
        if wanted.get("when", "before") not in {"before", "after"}:
            raise FaultError(f"when is {wanted['when']!r}; a fault happens before or after the effect")
        for name in lasting & set(wanted):
            setattr(self, name, type(getattr(self, name) or 0.0)(wanted[name]))
        single = {name: value for name, value in wanted.items() if name not in lasting}
        if single:
            self.queue.append(InjectedFault(**single))

    def clear(self) -> None:
        """Everything works again."""
        for item in fields(self):
            setattr(self, item.name, getattr(Faults(), item.name))

    def take(self, method: str, path: str) -> InjectedFault | None:
        """The fault of a call, the oldest that fits."""
        for index, fault in enumerate(self.queue):
            if fault.fits(method, path):
                return self.queue.pop(index)
        return None

    def part_of(self, shares: float, lot_size: float) -> float:
        """The part of a fill that happens, in whole lots."""
        if self.partial_fill is None or shares == 0.0:
            return shares
        part, self.partial_fill = self.partial_fill, None
        return float(whole_lots(shares * part, float(lot_size)))

    def takes_reject(self) -> bool:
        """Whether this order is one to reject."""
        self.reject, hit = max(self.reject - 1, 0), self.reject > 0
        return hit

    def takes_event(self) -> bool:
        """Whether this event is one to lose."""
        self.drop_event, hit = max(self.drop_event - 1, 0), self.drop_event > 0
        return hit
