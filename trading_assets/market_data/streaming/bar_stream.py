"""The bars of a stream in the lake, complete: what the stream misses comes from history.

The bars up to the last stored one are complete, whatever happens. Nothing that was heard after a connection was made is
written before history has filled what lies before it, and a process that starts asks history for the whole session of
the last stored bar. Also while the stream is well, history is asked for the last minutes again and again: it finds
single bars that were lost, and corrections.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
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
from trading_assets.market_data.streaming.listener import BarListener, Connected, Event, Heard, Trouble
from trading_assets.market_data.streaming.merging import FINAL, marked, merge, nothing
from trading_assets.market_data.streaming.storing import BarStore

_WAIT_SECONDS = 0.1
_OVERLAP = timedelta(minutes=5)
_PASSING = (SourceUnavailableError, SourceFormatError, LakeError, duckdb.Error, psycopg2.Error)


@dataclass(frozen=True, slots=True)
class Batch:
    """A micro-batch that was stored.

    Attributes
    ----------
    heard, filled : int
        Bars of the stream and of history in it.
    added, changed, quarantined : int
        What they did to the table.
    last : datetime or None
        Start of the newest minute in it.
    snapshot : int
        Snapshot of the lake that holds it.
    """

    heard: int
    filled: int
    added: int
    changed: int
    quarantined: int
    last: datetime | None
    snapshot: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to write and to ask.

    Attributes
    ----------
    batch_bars, batch_seconds
        A batch is written when it has so many bars, or when its first bar has waited so long.
    refill_seconds
        Pause between two questions for the history of the last minutes.
    retry_seconds
        Pause after a question or a write that failed.
    """

    batch_bars: int = 5_000
    batch_seconds: float = 5.0
    refill_seconds: float = 120.0
    retry_seconds: float = 5.0


@dataclass
class _Gap:
    """What history still has to fill: symbols by the moment from which on, and by when."""

    spans: list[tuple[datetime, list[str]]] = field(default_factory=list)
    is_new_connection: bool = True
    due: float = 0.0


class BarStream:
    """Minute bars of symbols from Alpaca's stream into `market_data.bars_minute`.

    Parameters
    ----------
    lake : Lake
        Where to write.
    source : AlpacaSource
        Stream and history.
    symbols : sequence of str
        Names to listen to.
    pace : Pace
        How often to write and to ask.
    on_batch : callable
        Is told of every batch that was stored.
    on_trouble : callable
        Is told, in words, what went wrong and is tried again; once per reason until it works again.
    """

    def __init__(
        self,
        lake: Lake,
        source: AlpacaSource,
        symbols: Sequence[str],
        *,
        pace: Pace | None = None,
        on_batch: Callable[[Batch], None] = lambda _: None,
        on_trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._source = source
        self._symbols = list(dict.fromkeys(symbols))
        self._pace = pace or Pace()
        self._on_batch, self._on_trouble = on_batch, on_trouble
        self._store = BarStore(lake)
        self._listener = BarListener(source, self._symbols)
        self._heard: list[Heard] = []
        self._count = 0
        self._held = nothing()
        self._held_since: float | None = None
        self._gap: _Gap | None = None
        self._confirmed: datetime | None = None
        self._refill_at = float("inf")
        self._troubles: set[str] = set()
        self._write_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Listen and write until told to stop; what is held then is written.

        Raises
        ------
        SourceConfigError
            Keys, feed or symbols are wrong.
        """
        self._listener.start()
        try:
            while not stop.is_set():
                self._take(_WAIT_SECONDS)
                self._fill_when_due()
                self._write_when_due()
        finally:
            self._listener.stop()
            self._finish()

    def _take(self, seconds: float) -> None:
        """Take over what was heard, and wait for it at most so long."""
        for event in _available(self._listener.events, seconds):
            if isinstance(event, Heard):
                self._heard.append(event)
                self._held_since = self._held_since or time.monotonic()
            elif isinstance(event, Connected):
                self._gap = _Gap()
            elif isinstance(event, Trouble):
                self._complain(f"the stream: {event.reason}; trying again")
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
        except _PASSING as error:
            self._complain(f"history: {error}")
            self._gap.due = time.monotonic() + self._pace.retry_seconds

    def _fill(self) -> None:
        """Take from history what lies before the present; the gap is closed once all of it was answered."""
        present = self._source.market_time()
        self._take_over()  # what was heard before the question is older than its answer
        for since, symbols in self._spans(present):
            try:
                rows = self._source.minute_bars(symbols, since, present)
            except PartialAnswerError as partial:
                self._hold(marked(partial.rows, is_final=True))
                passing = [error for error in partial.failures.values() if error.retryable]
                if passing:
                    raise passing[0] from None
                self._complain(f"history: {partial}")
            else:
                self._hold(marked(rows, is_final=True))
        self._confirmed, self._gap = present, None
        self._refill_at = time.monotonic() + self._pace.refill_seconds

    def _spans(self, present: datetime) -> Iterable[tuple[datetime, list[str]]]:
        """From when on history is asked for, with the symbols it is asked for."""
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
        """Write what is held, if there is enough of it and nothing before it is missing."""
        now = time.monotonic()
        if (self._gap is not None and self._gap.is_new_connection) or now < self._write_at:
            return
        has_waited = self._held_since is not None and now - self._held_since >= self._pace.batch_seconds
        if has_waited or len(self._heard) + self._held.height >= self._pace.batch_bars:
            try:
                self._write()
            except _PASSING as error:
                self._complain(f"the lake: {error}; {self._held.height} bars are kept")
                self._write_at = time.monotonic() + self._pace.retry_seconds

    def _write(self) -> None:
        self._take_over()
        bars, filled = self._held, int(self._held[FINAL].sum())
        if bars.height:
            stored = self._store.write(bars)
            if stored.disturbed:
                # Another writer's bars of these sessions were written over: history knows them.
                self._doubt(min(stored.disturbed))
            self._troubles.clear()
            if stored.added or stored.changed or self._count:
                last = bars["ts"].max()
                self._on_batch(
                    Batch(
                        self._count, filled, stored.added, stored.changed, stored.quarantined,
                        last if isinstance(last, datetime) else None, stored.snapshot,
                    )
                )  # fmt: skip
        self._held, self._held_since, self._count = nothing(), None, 0

    def _doubt(self, day: date) -> None:
        """Let history be asked again for everything from a session on."""
        begin = datetime.combine(day, time_of_day(), UTC)
        self._confirmed = min(self._confirmed or begin, begin)
        self._gap = self._gap or _Gap(is_new_connection=False)

    def _take_over(self) -> None:
        """Read what was heard into what is held."""
        heard, self._heard = self._heard, []
        self._count += len(heard)
        for is_correction in (False, True):
            bars = [one.bar for one in heard if one.is_correction == is_correction]
            self._hold(marked(self._source.streamed_bars(bars), is_final=is_correction))

    def _hold(self, bars: pl.DataFrame) -> None:
        readable = bars.drop_nulls(["symbol", "ts"])
        if readable.height:
            self._held = merge(self._held, readable)
            self._held_since = self._held_since or time.monotonic()

    def _finish(self) -> None:
        """Write what is held; while a gap is open, only bars of its session, which the next start asks for again."""
        self._heard.extend(event for event in _available(self._listener.events, 0.0) if isinstance(event, Heard))
        self._take_over()
        if self._gap is not None and self._gap.is_new_connection:
            begun = self._confirmed.date() if self._confirmed else date.min
            self._held = self._held.filter(pl.col("date") <= begun)
        self._write()

    def _complain(self, trouble: str) -> None:
        if trouble not in self._troubles:
            self._troubles.add(trouble)
            self._on_trouble(trouble)


def _available(events: queue.SimpleQueue[Event], seconds: float) -> Iterable[Event]:
    """Events that are there; waits for the first one."""
    try:
        yield events.get(timeout=seconds) if seconds else events.get_nowait()
        while True:
            yield events.get_nowait()
    except queue.Empty:
        return
