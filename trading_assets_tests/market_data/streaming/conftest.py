"""An embedded broker whose clock a test moves, and a stream of its bars into a lake."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Self

import polars as pl
import pytest

from trading_assets.brokers.alpaca.connection import KEY_VARIABLES
from trading_assets.brokers.embedded.clock import SteppedClock
from trading_assets.brokers.embedded.server import AccountKeys, RunningBroker, start_broker
from trading_assets.lake import Lake
from trading_assets.lake.store.frames import LakeFrame
from trading_assets.market_data.contract import BARS_MINUTE
from trading_assets.market_data.sources._limiter import Timing
from trading_assets.market_data.sources.alpaca import AlpacaParameters, AlpacaSource
from trading_assets.market_data.streaming import listener
from trading_assets.market_data.streaming.bar_stream import BarStream, StreamTiming
from trading_assets_tests.brokers.embedded.markets import DAYS, FREE, at, steady, write_market

FAST = StreamTiming(batch_seconds=0.05, refill_seconds=0.3, retry_seconds=0.05)
SYMBOLS = ["AAA", "BBB"]
_numbers = itertools.count()


class Market:
    """A broker over a lake, whose time goes on by minutes and by sessions."""

    def __init__(self, lake: Lake, broker: RunningBroker, keys: AccountKeys) -> None:
        self.lake, self.broker, self.keys = lake, broker, keys

    def next_session(self, time: str = "09:30") -> date:
        """Go to the next session."""
        day = next(day for day in DAYS if at(day, "09:30") > self.broker.now())
        self.broker.advance(at(day, time))
        return day

    def pass_minutes(self, count: int = 1) -> None:
        self.broker.advance(self.broker.now() + timedelta(minutes=count))

    def source(self, **parameters) -> AlpacaSource:
        wanted = {"url": self.broker.url, "requests_per_minute": 60_000, **parameters}
        environment = dict(zip(KEY_VARIABLES, (self.keys.key_id, self.keys.secret), strict=True))
        timing = Timing(sleep=lambda seconds: time.sleep(min(seconds, 0.001)))
        return AlpacaSource(AlpacaParameters(**wanted), environment=environment, timing=timing)

    def history(self, day: date) -> pl.DataFrame:
        """What the broker tells of the minutes of a session."""
        rows = self.source().minute_bars(SYMBOLS, at(day, "00:00"), at(day, "23:59"))
        return rows.select(list(BARS_MINUTE.schema))

    def stored(self, day: date) -> pl.DataFrame:
        """What the lake has of the minutes of a session."""
        return LakeFrame(self.lake, BARS_MINUTE).read(start=day, end=day)

    def is_complete(self, day: date) -> bool:
        """Whether the lake has exactly what the broker tells."""
        return self.stored(day).equals(self.history(day))


@pytest.fixture
def market(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Iterator[Market]:
    """A market at the open of the second session."""
    monkeypatch.setattr(listener, "_FIRST_PAUSE_SECONDS", 0.02)
    write_market(lake, [*steady("AAA"), *steady("BBB", 50.0)])
    clock = SteppedClock(at(DAYS[1], "09:30"))
    with start_broker(lake, "XNYS", clock=clock, name=f"stream-{next(_numbers)}") as broker:
        keys = broker.create_account("main", cash=1e5, costs=FREE, max_participation=0.1, lot_size=1.0)
        yield Market(lake, broker, keys)


class Running:
    """A stream in a thread, with what it has told."""

    def __init__(self, stream_of: Callable[..., BarStream]) -> None:
        self.batches, self.problems, self.error = [], [], None
        self.stop_event = threading.Event()
        self._stream = stream_of(on_batch=self.batches.append, on_problem=self.problems.append)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self._stream.run(self.stop_event)
        except Exception as error:  # noqa: BLE001 - the test sees it
            self.error = error

    def __enter__(self) -> Self:
        self._thread.start()
        wait_for(lambda: self._stream._confirmed is not None or self.error is not None)
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def stop(self) -> None:
        self.stop_event.set()
        self._thread.join(20)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error


def streaming(market: Market, *, timing: StreamTiming = FAST, symbols=SYMBOLS, **parameters) -> Running:
    """A stream of a market's bars into its lake, running once it has asked history for the first time."""
    source = market.source(**parameters)
    return Running(lambda **options: BarStream(market.lake, source, symbols, timing=timing, **options))


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def minute(day: date, number: int) -> datetime:
    return at(day, "09:30") + timedelta(minutes=number)
