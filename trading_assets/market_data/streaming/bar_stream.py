"""Writing the bars of a stream to the lake without gaps: what the stream misses is backfilled from history.

The bars up to the last stored one are complete, whatever happens. No bar that arrives after a connection was made is
written before history has filled the time before it, and a process that starts requests the whole session of the last
stored bar. While the stream runs, the last minutes are requested repeatedly: that finds single lost bars, and
corrections.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import psycopg2

from trading_assets.desk.calendar import exchange_timezone
from trading_assets.lake import Lake
from trading_assets.lake.errors import LakeError
from trading_assets.market_data.sources.alpaca import AlpacaSource
from trading_assets.market_data.sources.errors import PartialAnswerError, SourceFormatError, SourceUnavailableError
from trading_assets.market_data.streaming.listener import (
    BarListener,
    BarReceived,
    ConnectionFailed,
    Event,
    Subscribed,
)
from trading_assets.market_data.streaming.merging import FINAL, marked, merge, no_bars
from trading_assets.market_data.streaming.storing import BarStore

_WAIT_SECONDS = 0.1
_OVERLAP = timedelta(minutes=5)
_RETRYABLE = (SourceUnavailableError, SourceFormatError, LakeError, duckdb.Error, psycopg2.Error)


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A micro-batch that was stored.

    Attributes
    ----------
    streamed, backfilled : int
        Bars from the stream and from history in it.
    added, changed, quarantined : int
        Changes of the table.
    last : datetime or None
        Start of the newest minute in it.
    snapshot : int
        Snapshot of the lake that holds it.
    """

    streamed: int
    backfilled: int
    added: int
    changed: int
    quarantined: int
    last: datetime | None
    snapshot: int


@dataclass(frozen=True, slots=True)
class StreamTiming:
    """How often to write, and how often to request history.

    Attributes
    ----------
    batch_bars, batch_seconds
        A batch is written when it has this many bars, or when its first bar has waited this long.
    refill_seconds
        Pause between two requests for the history of the last minutes.
    retry_seconds
        Pause after a request or a write that failed.
    """

    batch_bars: int = 5_000
    batch_seconds: float = 5.0
    refill_seconds: float = 120.0
    retry_seconds: float = 5.0


@dataclass
class _Gap:
    """A span that history still has to fill, and when to try next."""

    is_new_connection: bool = True
    due: float = 0.0


class BarStream:
    """Writes minute bars of symbols from Alpaca's stream to `market_data.bars_minute`.

    Parameters
    ----------
    lake : Lake
        Where to write.
    source : AlpacaSource
        Stream and history.
    symbols : sequence of str
        Symbols to subscribe to.
    timing : StreamTiming
        How often to write and to request history.
    on_batch : callable
        Called with every batch that was stored.
    on_problem : callable
        Called with a message about a failure that is retried; once per message until a write succeeds.
    """

    def __init__(
        self,
        lake: Lake,
        source: AlpacaSource,
        symbols: Sequence[str],
        *,
        timing: StreamTiming | None = None,
        on_batch: Callable[[StoredBatch], None] = lambda _: None,
        on_problem: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._source = source
        self._symbols = list(dict.fromkeys(symbols))
        self._timing = timing or StreamTiming()
        self._on_batch, self._on_problem = on_batch, on_problem
        self._store = BarStore(lake)
        self._listener = BarListener(source, self._symbols)
        self._received: list[BarReceived] = []
        self._streamed = 0
        self._held = no_bars()
        self._held_since: float | None = None
        self._gap: _Gap | None = None
        self._confirmed: datetime | None = None
        self._refill_at = float("inf")
        self._problems: set[str] = set()
        self._write_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Listen and write until `stop` is set, then write the bars that are held.

        Raises
        ------
        SourceConfigError
            Keys, feed or symbols are wrong.
        """
        self._listener.start()
        try:
            while not stop.is_set():
                self._take_events(_WAIT_SECONDS)
                self._fill_when_due()
                self._write_when_due()
        finally:
            self._listener.stop()
            self._finish()

    def _take_events(self, seconds: float) -> None:
        """Take the events of the listener, and wait for the first at most this long."""
        for event in _available(self._listener.events, seconds):
            if isinstance(event, BarReceived):
                self._received.append(event)
                self._held_since = self._held_since or time.monotonic()
            elif isinstance(event, Subscribed):
                self._gap = _Gap()
            elif isinstance(event, ConnectionFailed):
                self._report(f"the stream: {event.reason}; trying again")
            else:
                raise event.error

    def _fill_when_due(self) -> None:
        now = time.monotonic()
        if self._gap is None and now >= self._refill_at:
            self._gap = _Gap(is_new_connection=False)
        if self._gap is None or now < self._gap.due:
            return
        try:
            self._fill()
        except _RETRYABLE as error:
            self._report(f"history: {error}")
            self._gap.due = time.monotonic() + self._timing.retry_seconds

    def _fill(self) -> None:
        """Request history up to the present; the gap is closed once all of it was answered."""
        present = self._source.market_time()
        self._hold_received()  # bars received before the request are older than its answer
        for since, symbols in self._spans(present):
            try:
                rows = self._source.minute_bars(symbols, since, present)
            except PartialAnswerError as partial:
                self._hold(marked(partial.rows, is_final=True))
                retryable = [error for error in partial.failures.values() if error.retryable]
                if retryable:
                    raise retryable[0] from None
                self._report(f"history: {partial}")
            else:
                self._hold(marked(rows, is_final=True))
        self._confirmed, self._gap = present, None
        self._refill_at = time.monotonic() + self._timing.refill_seconds

    def _spans(self, present: datetime) -> Iterable[tuple[datetime, list[str]]]:
        """Start of each request for history, with its symbols."""
        if self._confirmed is not None:
            return [(self._confirmed - _OVERLAP, self._symbols)]
        zone = ZoneInfo(exchange_timezone(self._source.parameters.exchange))
        today, stored = present.astimezone(zone).date(), self._store.last_sessions(self._symbols)
        by_day: dict[date, list[str]] = {}
        for symbol in self._symbols:
            by_day.setdefault(stored.get(symbol, today), []).append(symbol)
        return [
            (datetime.combine(day, time_of_day(), zone).astimezone(UTC), symbols)
            for day, symbols in sorted(by_day.items())
        ]

    def _write_when_due(self) -> None:
        """Write the bars that are held if there are enough of them and none before them is missing."""
        now = time.monotonic()
        if (self._gap is not None and self._gap.is_new_connection) or now < self._write_at:
            return
        has_waited = self._held_since is not None and now - self._held_since >= self._timing.batch_seconds
        if has_waited or len(self._received) + self._held.height >= self._timing.batch_bars:
            try:
                self._write()
            except _RETRYABLE as error:
                self._report(f"the lake: {error}; {self._held.height} bars are kept")
                self._write_at = time.monotonic() + self._timing.retry_seconds

    def _write(self) -> None:
        self._hold_received()
        bars, backfilled = self._held, int(self._held[FINAL].sum())
        if bars.height:
            stored = self._store.write(bars)
            if stored.overwritten:
                # Bars of another writer are gone from these sessions: history has them.
                self._refill_from(min(stored.overwritten))
            self._problems.clear()
            if stored.added or stored.changed or self._streamed:
                last = bars["ts"].max()
                self._on_batch(
                    StoredBatch(
                        self._streamed, backfilled, stored.added, stored.changed, stored.quarantined,
                        last if isinstance(last, datetime) else None, stored.snapshot,
                    )
                )  # fmt: skip
        self._held, self._held_since, self._streamed = no_bars(), None, 0

    def _refill_from(self, day: date) -> None:
        """Request history again from a session on."""
        begin = datetime.combine(day, time_of_day(), UTC)
        self._confirmed = min(self._confirmed or begin, begin)
        self._gap = self._gap or _Gap(is_new_connection=False)

    def _hold_received(self) -> None:
        """Read the received bars and hold them until the next write."""
        received, self._received = self._received, []
        self._streamed += len(received)
        for is_correction in (False, True):
            bars = [one.bar for one in received if one.is_correction == is_correction]
            self._hold(marked(self._source.streamed_bars(bars), is_final=is_correction))

    def _hold(self, bars: pl.DataFrame) -> None:
        readable = bars.drop_nulls(["symbol", "ts"])
        if readable.height:
            self._held = merge(self._held, readable)
            self._held_since = self._held_since or time.monotonic()

    def _finish(self) -> None:
        """Write the bars that are held; with an open gap only those of its session, which the next start requests."""
        self._received.extend(
            event for event in _available(self._listener.events, 0.0) if isinstance(event, BarReceived)
        )
        self._hold_received()
        if self._gap is not None and self._gap.is_new_connection:
            begun = self._confirmed.date() if self._confirmed else date.min
            self._held = self._held.filter(pl.col("date") <= begun)
        self._write()

    def _report(self, problem: str) -> None:
        if problem not in self._problems:
            self._problems.add(problem)
            self._on_problem(problem)


def _available(events: queue.SimpleQueue[Event], seconds: float) -> Iterable[Event]:
    """Yield the events in the queue, after waiting for the first one."""
    try:
        yield events.get(timeout=seconds) if seconds else events.get_nowait()
        while True:
            yield events.get_nowait()
    except queue.Empty:
        return
