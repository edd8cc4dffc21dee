"""The sink: sends a session's orders exactly once.

The order of its steps is essential. Every intent is durable in the journal before anything is sent. An intent that an
earlier run may have sent is looked up by its client order id before it is sent again. An order is posted with that id,
so that the broker itself refuses a second one. What the broker has not clearly answered is looked up; what cannot be
looked up stays "unknown", and the next run tries again. Between any two steps the process may be killed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple, Protocol

from trading_assets.brokers.errors import (
    BrokerBusyError,
    BrokerError,
    BrokerUnavailableError,
    DuplicateOrderError,
    OrderRejectedError,
    OutcomeUnknownError,
)
from trading_assets.brokers.records import BrokerOrder, Ticket
from trading_assets.figures import figure
from trading_assets.live.errors import LiveError, SubmissionIncompleteError, TradingBlockedError
from trading_assets.live.orders import client_order_id

_SENDS = 3
_REJECTED = "rejected"
_OPEN = ("intended", "unknown")
# States in which nothing was ever sent: the plan may still change.
_UNSENT = ("dry_run", "blocked")
# States in which an order may be sent (again): the broker has no order of that id.
_SENDABLE = (*_UNSENT, "rejected", *_OPEN)


@dataclass(frozen=True, slots=True)
class Intent:
    """One row of `live.submissions`: an order to send, and the broker's answer."""

    book: str
    date: date
    symbol: str
    intent: str
    attempt: int
    client_order_id: str
    side: str
    quantity: float
    time_in_force: str
    broker: str
    status: str
    reason: str | None
    broker_order_id: str | None
    intended_at: datetime
    answered_at: datetime | None

    @property
    def ticket(self) -> Ticket:
        """What is posted."""
        return Ticket(self.client_order_id, self.symbol, self.side, self.quantity, self.time_in_force)


class Journal(Protocol):
    """Durable memory of a session's intents."""

    def load(self) -> list[Intent]:
        """Intents of the session, from this run and all before."""

    def save(self, intents: Sequence[Intent], *, is_complete: bool = False) -> object:
        """Replace the session's intents; they survive a crash once this returns.

        ``is_complete`` says that none of them is waiting for an answer.
        """


class OrderGateway(Protocol):
    """What the sink needs of a broker; `brokers.protocol.Broker` has the meaning and the errors."""

    def submit(self, ticket: Ticket) -> BrokerOrder:
        """Send an order, once."""

    def order_of(self, client_order_id: str) -> BrokerOrder | None:
        """The order with a client order id."""


class OrderPermit(Protocol):
    """What must hold before the first order of a session is sent."""

    def require(self, pending: Sequence[Intent]) -> None:
        """Raise a `LiveError` with the reasons if these must not be sent."""


class StopSwitch(Protocol):
    """What may stop a session between two of its orders."""

    def why_stopped(self) -> str | None:
        """Why nothing may be sent any more; None while it may."""


class Submitted(NamedTuple):
    """All intents of a session, and those of them that were not known as accepted before."""

    intents: list[Intent]
    new: list[Intent]


@dataclass(frozen=True)
class Sink:
    """Sends the orders of one session of one book; only one may do so at a time.

    Attributes
    ----------
    gateway : OrderGateway
        The broker.
    journal : Journal
        Where intents are kept.
    permit : OrderPermit
        Checked once, before the first order is sent.
    switch : StopSwitch
        Checked before each order.
    now : callable
        The time.
    pause : callable
        Waits a number of seconds.
    seconds_between : float
        Least time between the starts of two submissions.
    timer : callable
        Seconds of a monotonic clock, to measure that interval.
    """

    gateway: OrderGateway
    journal: Journal
    permit: OrderPermit
    switch: StopSwitch
    now: Callable[[], datetime]
    pause: Callable[[float], None] = time.sleep
    seconds_between: float = 0.0
    timer: Callable[[], float] = time.monotonic

    def submit(self, planned: Sequence[Intent], *, retry_rejected: bool = False) -> Submitted:
        """Send what is planned and not yet sent; running again sends none twice.

        Parameters
        ----------
        planned : sequence of Intent
            The session's orders. An intent that the journal knows is taken from there.
        retry_rejected : bool
            Whether orders that the broker rejected after accepting them are sent again, as a next attempt.

        Returns
        -------
        Submitted
            All intents of the session, accepted or rejected.

        Raises
        ------
        TradingBlockedError
            Nothing (more) may be sent; what was sent before is in the journal.
        SubmissionIncompleteError, BrokerError
            An answer is missing, or the broker is unavailable; the next run continues where this one stopped.
        """
        stored = [item for item in self.journal.load() if item.status not in _UNSENT]
        known = {item.client_order_id: self._resolved(item) for item in stored}
        again = self._next_attempts(stored) if retry_rejected else []
        new = {item.client_order_id: item for item in (*planned, *again)}
        settled = {name: item for name, item in known.items() if item.status != "rejected" or name not in new}
        intents = new | settled
        pending = sorted((item for item in intents.values() if item.status in _SENDABLE), key=_reducing_first)
        if pending:
            self._require_permit(intents, pending)
            intents |= _marked(pending, "intended", None, None)
            self._keep(intents)
            self._send_all(intents, [item.client_order_id for item in pending])
        else:
            self._keep(intents, is_complete=True)
        before = {item.client_order_id for item in stored if item.status == "accepted"}
        sent = list(intents.values())
        return Submitted(sent, [item for item in sent if item.client_order_id not in before])

    def _require_permit(self, intents: Mapping[str, Intent], pending: Sequence[Intent]) -> None:
        """Require that orders may be sent; otherwise record them as blocked."""
        try:
            self._require_running()
            self.permit.require(pending)
        except TradingBlockedError as error:
            self._keep({**intents, **_marked(pending, "blocked", str(error), self.now())})
            raise

    def _require_running(self) -> None:
        if reason := self.switch.why_stopped():
            raise TradingBlockedError(reason)

    def _send_all(self, intents: dict[str, Intent], pending: Sequence[str]) -> None:
        """Send the pending intents in their order and record what is known of each, whatever happens."""
        trouble: LiveError | BrokerError | None = None
        is_complete = False
        next_start = self.timer()
        try:
            for name in pending:
                if (left := next_start - self.timer()) > 0:
                    self.pause(left)
                if reason := self.switch.why_stopped():
                    trouble = TradingBlockedError(reason)
                    break
                waits_for = _unsettled_closing(intents, intents[name])
                if waits_for:
                    intents[name] = waits_for
                    continue
                next_start = self.timer() + self.seconds_between
                try:
                    intents[name] = self._sent(intents[name])
                except BrokerError as error:
                    trouble = error
                    break
            is_complete = trouble is None and not any(item.status in _OPEN for item in intents.values())
        finally:
            self._keep(intents, is_complete=is_complete)
        if trouble:
            left = sum(intents[name].status in _OPEN for name in pending)
            raise type(trouble)(f"{trouble}; {left} orders of the session were not sent") from None
        unknown = [item.symbol for item in intents.values() if item.status == "unknown"]
        if unknown:
            raise SubmissionIncompleteError(
                f"the broker has not answered for {', '.join(sorted(unknown)[:5])}; materialise this partition again: "
                "it looks them up by their client order ids and sends none twice"
            )

    def _resolved(self, intent: Intent) -> Intent:
        """Look up an intent that an earlier run may have sent."""
        if intent.status not in _OPEN:
            return intent
        found = self.gateway.order_of(intent.client_order_id)
        return self._accepted(intent, found) if found else intent

    def _next_attempts(self, stored: Sequence[Intent]) -> list[Intent]:
        """Intents that repeat orders which the broker accepted and then rejected without a fill."""
        latest = {(item.symbol, item.intent): item for item in sorted(stored, key=lambda item: item.attempt)}
        again = []
        for item in latest.values():
            order = self.gateway.order_of(item.client_order_id) if item.status == "accepted" else None
            if order is not None and order.status == _REJECTED and not order.filled:
                again.append(next_attempt(item, self.now()))
        return again

    def _sent(self, intent: Intent) -> Intent:
        """Send one order until the broker's answer is clear; look it up whenever it is not."""
        refusal: DuplicateOrderError | None = None
        for attempt in range(_SENDS):
            if attempt:
                self.pause(2.0**attempt / 4)
            refusal = None
            try:
                return self._accepted(intent, self.gateway.submit(intent.ticket))
            except DuplicateOrderError as error:
                found, refusal = self._looked_up(intent), error
                if found:
                    return found
            except OrderRejectedError as error:
                return self._rejected(intent, error)
            except BrokerBusyError:
                continue
            except OutcomeUnknownError:
                found = self._looked_up(intent)
                if found:
                    return found
        if refusal:  # its code means any invalid request, and there is no such order
            return self._rejected(intent, refusal)
        return replace(intent, status="unknown", reason="the broker did not answer")

    def _looked_up(self, intent: Intent) -> Intent | None:
        """The intent as the broker knows it, "unknown" if it does not answer, None if there is no such order."""
        try:
            found = self.gateway.order_of(intent.client_order_id)
        except BrokerUnavailableError as error:
            return replace(intent, status="unknown", reason=str(error))
        return self._accepted(intent, found) if found else None

    def _rejected(self, intent: Intent, error: OrderRejectedError) -> Intent:
        return replace(intent, status="rejected", reason=str(error), answered_at=self.now())

    def _accepted(self, intent: Intent, order: BrokerOrder) -> Intent:
        same = (order.symbol, order.side, order.quantity) == (intent.symbol, intent.side, intent.quantity)
        if not same:
            raise TradingBlockedError(
                f"the broker has an order {intent.client_order_id} to {order.side} {figure(order.quantity)} "
                f"{order.symbol}, but the plan of {intent.date} says {intent.side} {figure(intent.quantity)} "
                f"{intent.symbol}: look at both"
            )
        return replace(intent, status="accepted", reason=None, broker_order_id=order.id, answered_at=self.now())

    def _keep(self, intents: Mapping[str, Intent], *, is_complete: bool = False) -> None:
        self.journal.save(list(intents.values()), is_complete=is_complete)


def next_attempt(intent: Intent, now: datetime) -> Intent:
    """The intent to send an order again that the broker had accepted and then rejected."""
    attempt = intent.attempt + 1
    return replace(
        intent,
        attempt=attempt,
        client_order_id=client_order_id(intent.book, intent.date, intent.symbol, intent.intent, attempt),
        status="intended",
        reason=None,
        broker_order_id=None,
        intended_at=now,
        answered_at=None,
    )


def _reducing_first(intent: Intent) -> tuple[bool, str]:
    """Order of sending: orders that close positions come first, since they free buying power for the others."""
    return (not intent.intent.endswith("_to_close"), intent.symbol)


def _unsettled_closing(intents: Mapping[str, Intent], opening: Intent) -> Intent | None:
    """The intent to open a position, if it has to wait for the order that closes the opposite one; None otherwise.

    Sent alone, it would close a part of that position, and the shares would be missing when the other order is sent.
    """
    if opening.intent.endswith("_to_close"):
        return None
    same = [item for item in intents.values() if (item.symbol, item.side) == (opening.symbol, opening.side)]
    closing = max(
        (item for item in same if item.intent.endswith("_to_close")), key=lambda item: item.attempt, default=None
    )
    if closing is None or closing.status == "accepted":
        return None
    if closing.status == "rejected":
        return replace(opening, status="blocked", reason="the order that closes the position was rejected")
    return opening


def _marked(intents: Iterable[Intent], status: str, reason: str | None, at: datetime | None) -> dict[str, Intent]:
    return {item.client_order_id: replace(item, status=status, reason=reason, answered_at=at) for item in intents}
