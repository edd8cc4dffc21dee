"""Sensors of live trading: close a session, rebalance after it, collect fills, and stop what must not go on.

Each looks at every book that has a broker and says for each why it does nothing. What a run does is decided again in
the run itself: a sensor that fires twice, late or not at all cannot send an order twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import dagster as dg

from trading_assets.brokers.accounts import broker_of, time_of
from trading_assets.brokers.errors import BrokerSettingsError, BrokerUnavailableError
from trading_assets.brokers.factory import broker_kind
from trading_assets.brokers.records import ActivityKind
from trading_assets.desk.calendar import next_session, sessions
from trading_assets.desk.clock import last_close, now
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import through_by_month
from trading_assets.lake import LakeFrame
from trading_assets.lake.store.hashing import content_hash
from trading_assets.live.contract import PNL
from trading_assets.live.stage import CLOSE_JOB, POLL_JOB, TRADE_JOB, live_tags
from trading_assets.portfolio.books import Book, books
from trading_assets.portfolio.contract import TARGET_WEIGHTS

_POLL_AT_LEAST_EVERY = timedelta(seconds=60)
_FILLS_SINCE = timedelta(days=5)
_LOST = {"max_daily_loss": "lost {:.2%} since the last close", "max_drawdown": "drawdown of {:.2%}"}
Requests = Iterator[dg.RunRequest | str]


def build_live_sensors(desk: Desk, jobs: Mapping[str, Any]) -> list[dg.SensorDefinition]:
    """Build the sensors of live trading; none where no book has a broker."""
    live = [book for book in desk.part(books).values() if book.live is not None]
    if not live:
        return []

    @dg.sensor(
        name="close_session_sensor",
        job=jobs[CLOSE_JOB],
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=15,
        description="End-of-day reconciliation: when a session has closed and its target weights are there, collects "
        "its fills, closes the book, and compares it with the broker and with the backtest.",
    )
    def close_session_sensor() -> Iterator[dg.RunRequest | dg.SkipReason]:
        yield from _evaluated(live, lambda book: closing_requests(desk, book))

    @dg.sensor(
        name="rebalance_sensor",
        job=jobs[TRADE_JOB],
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=15,
        description="When a session is closed in the books and the market is shut, plans and sends the orders of every "
        "book whose rebalance rule says so, or whose positions have drifted past its threshold.",
    )
    def rebalance_sensor() -> Iterator[dg.RunRequest | dg.SkipReason]:
        yield from _evaluated(live, lambda book: rebalance_requests(desk, book))

    @dg.sensor(
        name="fill_poller",
        job=jobs[POLL_JOB],
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=5,
        description="Collects fills as they arrive: polls the broker every minute, and at once when its stream hints "
        "at one. The stream replays nothing, so its messages are never taken for the truth.",
    )
    def fill_poller(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        polled = json.loads(context.cursor or "{}")
        said = list(_evaluated(live, lambda book: poll_requests(desk, book, polled)))
        requests = [one for one in said if isinstance(one, dg.RunRequest)]
        reason = next((one.skip_message for one in said if isinstance(one, dg.SkipReason)), None)
        return dg.SensorResult(
            run_requests=requests, skip_reason=None if requests else reason, cursor=json.dumps(polled)
        )

    @dg.sensor(
        name="kill_switch",
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=5,
        description="Circuit breaker: stops a book that has lost more than its limits allow, and cancels the open "
        "orders of every book that is stopped.",
    )
    def kill_switch() -> Iterator[dg.SkipReason]:
        for one in _evaluated(live, lambda book: breaker(desk, book)):
            assert isinstance(one, dg.SkipReason)
            yield one

    return [close_session_sensor, rebalance_sensor, fill_poller, kill_switch]


def closing_requests(desk: Desk, book: Book) -> Requests:
    """A run that closes a book up to its last session, once the target weights are there."""
    from trading_assets.live.closing import last_close as recorded_close

    session = _last_session(desk, book)
    known = recorded_close(desk.lake, book.name)
    first = next_session(desk.settings.exchange, known.session) if known else session
    days = sessions(desk.settings.exchange, first, session)
    needed = through_by_month(days, "book", book.name)
    written = desk.lake.written_through(TARGET_WEIGHTS.table, list(needed)) if needed else {}
    missing = [day for key, day in needed.items() if (written.get(key) or date.min) < day]
    if not days:
        yield f"{book.name}: {session} is closed"
    elif missing:
        yield f"{book.name}: the target weights of {missing[0]} are not there yet"
    else:
        yield dg.RunRequest(run_key=f"close {book.name}|{session}", tags=live_tags(book.name, first, session))


def rebalance_requests(desk: Desk, book: Book) -> Requests:
    """A run that sends the orders of the last session, if the book trades after it and there is still time."""
    from trading_assets.live.orders import trades_after
    from trading_assets.live.session import window_of

    moment, session = time_of(desk, book), _last_session(desk, book)
    window = window_of(desk.settings.exchange, session)
    if not window.holds(moment):
        yield f"{book.name}: the market is open; orders of {session} were due before {window.closes:%Y-%m-%d %H:%M} UTC"
        return
    if not _is_closed(desk, book, session):
        yield f"{book.name}: {session} is not closed in the books yet"
        return
    weights = LakeFrame(desk.lake, TARGET_WEIGHTS).read(start=session, end=session, book=book.name)
    if not trades_after(desk, book, session, weights):
        yield f"{book.name}: {session} is no rebalance session and nothing has drifted past the threshold"
        return
    signals = content_hash(weights, key=TARGET_WEIGHTS.key)
    yield dg.RunRequest(run_key=f"{book.name}|{session}|{signals}", tags=live_tags(book.name, session))


def poll_requests(desk: Desk, book: Book, polled: dict[str, dict[str, str]]) -> Requests:
    """A run that collects fills newer than the last one seen; ``polled`` keeps the time of the poll and that fill."""
    from trading_assets.live.fills import day_of, exchange_zone

    moment, known = time_of(desk, book), polled.get(book.name, {})
    broker = broker_of(desk, book)
    hinted = broker.take_hint()
    if known and not hinted and moment - datetime.fromisoformat(known["at"]) < _POLL_AT_LEAST_EVERY:
        yield f"{book.name}: polled less than a minute ago, and the stream has no hint"
        return
    booked = broker.activities(after=(moment - _FILLS_SINCE).date())
    fills = [entry for entry in booked if entry.kind is ActivityKind.FILL]
    newest = max((entry.id for entry in fills), default="")
    polled[book.name] = {"at": moment.isoformat(), "id": max(newest, known.get("id", ""))}
    if newest <= known.get("id", ""):
        yield f"{book.name}: no new fill"
        return
    zone = exchange_zone(desk.settings.exchange)
    for day in sorted({day_of(entry, zone) for entry in fills if entry.id > known.get("id", "")}):
        yield dg.RunRequest(run_key=f"{book.name}|{day}|{newest}", tags=live_tags(book.name, day))


def breaker(desk: Desk, book: Book) -> Iterator[str]:
    """Stop a book beyond its limits, and cancel what a stopped book has open."""
    from trading_assets.live import switch
    from trading_assets.live.closing import last_close as recorded_close

    broker = broker_of(desk, book)
    known, account = recorded_close(desk.lake, book.name), broker.account()
    reason = switch.why_stopped(desk.lake, book.name)
    if known is not None and reason is None:
        reason = _beyond(book, known.equity, known.peak, account.equity)
        if reason:
            switch.stop(desk.lake, now(), book.name, reason)
    if reason is None:
        yield f"{book.name}: within its limits"
        return
    cancelled = broker.cancel_all() if broker.open_orders() else 0
    yield f"{book.name}: {reason}; requested to cancel {cancelled} open orders"


def _beyond(book: Book, before: float, peak: float, equity: float) -> str | None:
    from trading_assets.execution.risk import losses_beyond

    since_close, since_peak = (equity / value - 1 if value > 0 else 0.0 for value in (before, peak))
    for what, loss, limit in losses_beyond(since_close, since_peak, book.live_rules):
        return f"{_LOST[what].format(loss)}, more than {what} {limit:.2%}"
    return None


def _evaluated(
    live: list[Book], evaluate: Callable[[Book], Iterator[dg.RunRequest | str]]
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Requests of all books, or one reason why there are none; a broker that cannot be reached stops only its book."""
    reasons, failures = list[str](), list[str]()
    requested = False
    for book in live:
        try:
            for one in evaluate(book):
                if isinstance(one, str):
                    reasons.append(one)
                else:
                    requested = True
                    yield one
        except BrokerSettingsError as error:
            reasons.append(str(error))
        except BrokerUnavailableError as error:
            # A broker with simulated time runs only when it is started by hand; any other is expected to be available.
            (reasons if broker_kind(book.broker).is_simulated_time else failures).append(str(error))
    if failures:
        raise BrokerUnavailableError("; ".join(failures))
    if not requested:
        yield dg.SkipReason("; ".join(reasons))


def _last_session(desk: Desk, book: Book) -> date:
    return last_close(desk.settings.exchange, time_of(desk, book))


def _is_closed(desk: Desk, book: Book, session: date) -> bool:
    return LakeFrame(desk.lake, PNL).read(["date"], start=session, end=session, book=book.name).height > 0
