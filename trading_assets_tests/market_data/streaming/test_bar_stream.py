"""Bars of the stream are in the lake, once and complete, whatever happens to the connection."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import msgpack
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trading_assets.lake.errors import LakeError
from trading_assets.lake.store.history import snapshots
from trading_assets.market_data.contract import BARS_MINUTE
from trading_assets.market_data.sources import SourceConfigError
from trading_assets.market_data.sources.alpaca import AlpacaSource
from trading_assets.market_data.streaming import storing
from trading_assets.market_data.streaming.listener import BarReceived
from trading_assets_tests.brokers.embedded.markets import DAYS, at
from trading_assets_tests.market_data.streaming.conftest import FAST, SYMBOLS, minute, streaming, wait_for

DAY = DAYS[1]
SLOW = replace(FAST, refill_seconds=1e6)  # asks history only when it connects


def test_bars_are_stored_as_they_come(market):
    with streaming(market, timing=SLOW) as running:
        market.pass_minutes(3)
        wait_for(lambda: market.stored(DAY).height == 6)
    assert market.is_complete(DAY)
    assert set(market.stored(DAY)["feed"]) == {"iex"}
    assert sum(batch.streamed for batch in running.batches) == 6
    assert sum(batch.added for batch in running.batches) == 6
    assert not running.problems


def test_session_so_far_comes_from_history_at_the_start(market):
    market.pass_minutes(30)
    with streaming(market, timing=SLOW) as running:
        wait_for(lambda: market.stored(DAY).height == 60)
    assert [(batch.streamed, batch.backfilled) for batch in running.batches] == [(0, 60)]
    assert market.is_complete(DAY)


def test_bar_that_is_delivered_twice_is_there_once(market, monkeypatch):
    take = AlpacaSource.streamed_bars
    monkeypatch.setattr(AlpacaSource, "streamed_bars", lambda self, bars: take(self, [*bars, *bars]))
    with streaming(market, timing=SLOW):
        market.pass_minutes(2)
        wait_for(lambda: market.stored(DAY).height == 4)
    assert market.is_complete(DAY)


def test_starting_again_changes_nothing(market):
    with streaming(market):
        market.pass_minutes(5)
        wait_for(lambda: market.stored(DAY).height == 10)
    before = snapshots(market.lake, limit=1)
    with streaming(market):
        pass
    assert snapshots(market.lake, limit=1).equals(before)


def test_what_is_held_is_written_at_the_end(market):
    with streaming(market, timing=replace(SLOW, batch_seconds=1e6)) as running:
        market.pass_minutes(2)
        wait_for(lambda: len(running._stream._received) == 4)
        assert market.stored(DAY).is_empty()
    assert market.is_complete(DAY)


def test_many_bars_are_written_at_once_without_waiting(market):
    with streaming(market, timing=replace(SLOW, batch_seconds=1e6, batch_bars=6)):
        market.pass_minutes(3)
        wait_for(lambda: market.stored(DAY).height == 6)


def test_gap_of_a_lost_connection_is_filled(market):
    with streaming(market, timing=SLOW) as running:
        market.pass_minutes(1)
        wait_for(lambda: market.stored(DAY).height == 2)
        market.broker.inject(drop_streams=True)
        market.pass_minutes(4)
        wait_for(lambda: market.is_complete(DAY))
    assert "the connection was lost" in running.problems[0]
    assert sum(batch.backfilled for batch in running.batches) >= 8


def test_single_lost_bars_are_found_while_the_stream_is_well(market):
    with streaming(market) as running:
        market.broker.inject(drop_event=3)
        market.pass_minutes(4)
        wait_for(lambda: market.is_complete(DAY))
    assert sum(batch.streamed for batch in running.batches) == 5


def test_nothing_after_a_gap_is_stored_before_history_has_filled_it(market):
    with streaming(market, timing=SLOW) as running:
        market.pass_minutes(1)
        wait_for(lambda: market.stored(DAY).height == 2)
        market.broker.inject(queue=[{"path": "/v2/stocks/bars", "status": 503}] * 1_000)
        market.broker.inject(drop_streams=True)
        market.pass_minutes(2)
        wait_for(lambda: any("history" in problem for problem in running.problems))
        market.pass_minutes(1)  # received, for the stream is back
        time.sleep(10 * SLOW.batch_seconds)
        assert market.stored(DAY)["ts"].max() == minute(DAY, 0)
        market.broker.clear_faults()
        wait_for(lambda: market.is_complete(DAY))
    assert sum(batch.streamed for batch in running.batches) >= 4


def test_outage_of_history_is_told_once_and_outlasted(market):
    for _ in range(12):
        market.broker.inject(path="/v2/stocks/bars", status=503)
    market.pass_minutes(2)
    with streaming(market) as running:
        wait_for(lambda: market.stored(DAY).height == 4)
    assert len([problem for problem in running.problems if "HTTP 503" in problem]) == 1


def test_history_of_the_day_wins_over_the_stream(market, monkeypatch):
    heard = AlpacaSource.streamed_bars
    wrong = lambda self, bars: heard(self, bars).with_columns(close=pl.col("low"))
    monkeypatch.setattr(AlpacaSource, "streamed_bars", wrong)
    with streaming(market):
        market.pass_minutes(3)
        wait_for(lambda: market.is_complete(DAY) and market.stored(DAY).height == 6)


def test_correction_replaces_the_bar_of_its_minute(market):
    def correction(number, close):
        at_minute = msgpack.Timestamp.from_datetime(minute(DAY, number))
        return BarReceived(
            {"T": "u", "S": "AAA", "t": at_minute, "o": 9.0, "h": 9.0, "l": 1.0, "c": close, "v": 7}, is_correction=True
        )

    with streaming(market, timing=SLOW) as running:
        market.pass_minutes(2)
        wait_for(lambda: market.stored(DAY).height == 4)
        running._stream._listener.events.put(correction(0, 5.0))
        wait_for(lambda: market.stored(DAY)["close"][0] == 5.0)
        assert market.stored(DAY).height == 4
        market.broker.inject(drop_streams=True)  # history is asked, and knows better
        wait_for(lambda: market.is_complete(DAY))


def test_bars_outside_of_the_session_are_not_stored(market):
    early = msgpack.Timestamp.from_datetime(minute(DAY, -5))
    with streaming(market, timing=SLOW) as running:
        bar = {"T": "b", "S": "AAA", "t": early, "o": 9.0, "h": 9.0, "l": 1.0, "c": 9.0, "v": 7}
        running._stream._listener.events.put(BarReceived(bar, is_correction=False))
        market.pass_minutes(1)
        wait_for(lambda: market.stored(DAY).height == 2)
    assert market.is_complete(DAY)


def test_batch_that_cannot_be_written_is_kept_and_tried_again(market, monkeypatch):
    write, failures = storing.replace, iter(range(3))

    def failing(*args, **options):
        if next(failures, None) is not None:
            raise LakeError("no disk")
        return write(*args, **options)

    monkeypatch.setattr(storing, "replace", failing)
    with streaming(market, timing=SLOW) as running:
        market.pass_minutes(2)
        wait_for(lambda: market.is_complete(DAY) and market.stored(DAY).height == 4)
    assert "no disk" in running.problems[0]
    assert "are kept" in running.problems[0]


def test_bars_after_the_close_are_those_of_the_next_session(market):
    market.broker.advance(at(DAY, "15:58"))
    with streaming(market):
        market.broker.advance(at(DAYS[2], "09:33"))
        wait_for(lambda: market.is_complete(DAY) and market.is_complete(DAYS[2]))
    assert market.stored(DAY).height == 2 * 390
    assert market.stored(DAYS[2]).height == 2 * 3


def test_sessions_that_were_missed_are_filled_at_the_start(market):
    with streaming(market):
        market.pass_minutes(5)
        wait_for(lambda: market.stored(DAY).height == 10)
    market.broker.advance(at(DAYS[4], "10:00"))
    with streaming(market):
        wait_for(lambda: all(market.is_complete(day) for day in DAYS[1:5]))
    assert market.stored(DAYS[3]).height == 2 * 390


@pytest.mark.parametrize(
    ("keys", "hint"), [(("PKX", "wrong"), "ALPACA_KEY_ID and ALPACA_SECRET_KEY"), (("", ""), "needs keys")]
)
def test_wrong_keys_end_it_with_what_to_do(market, keys, hint):
    market.keys = market.keys._replace(key_id=keys[0], secret=keys[1])
    running = streaming(market)
    with pytest.raises(SourceConfigError, match=hint), running:
        wait_for(lambda: running.error is not None)


def test_feed_without_a_subscription_ends_it(market):
    market.broker.inject(path="/v2/sip", status=409)
    running = streaming(market, feed="sip")
    with pytest.raises(SourceConfigError, match="'iex', which is free"), running:
        wait_for(lambda: running.error is not None)


def test_second_stream_waits_until_the_first_has_gone(market):
    with streaming(market) as first:
        second = streaming(market)
        second._thread.start()
        wait_for(lambda: any("connection limit" in problem for problem in second.problems))
        first.stop()
        market.pass_minutes(2)
        wait_for(
            lambda: sum(batch.streamed + batch.backfilled for batch in second.batches) > 0 or market.is_complete(DAY)
        )
        second.stop()


def test_without_symbols_it_does_not_start(market):
    running = streaming(market, symbols=[])
    with pytest.raises(SourceConfigError, match="--symbols"), running:
        wait_for(lambda: running.error is not None)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(["minute", "minute", "drop", "lose", "restart"]), min_size=3, max_size=10), st.integers()
)
def test_no_bar_is_lost_or_double_wherever_the_connection_drops(market, story, seed):
    chance = random.Random(seed)
    day = market.next_session()
    running = streaming(market)
    running.__enter__()
    for event in story:
        if event == "minute":
            market.pass_minutes(chance.randint(1, 3))
        elif event == "drop":
            market.broker.inject(drop_streams=True)
        elif event == "lose":
            market.broker.inject(drop_event=chance.randint(1, 3))
        else:
            running.stop()
            running = streaming(market)
            running.__enter__()
        time.sleep(chance.choice([0.0, 0.02, 0.1]))
    wait_for(lambda: market.is_complete(day))
    running.stop()
    market.broker.clear_faults()
    stored = market.stored(day)
    assert stored.equals(market.history(day))
    assert stored.select(BARS_MINUTE.key).is_unique().all()
    assert set(stored["symbol"]) <= set(SYMBOLS)
