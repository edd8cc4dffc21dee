"""The rate limit and the pauses, as laws."""

import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.market_data.sources.yahoo._rate import Backoff, Pace, TokenBucket, shared_bucket

RATES = st.floats(0.1, 50)
BURSTS = st.integers(1, 20)


class Clock:
    def __init__(self):
        self.now = 0.0

    def pace(self):
        return Pace(monotonic=lambda: self.now, sleep=self.sleep, jitter=random.Random(0))

    def sleep(self, seconds):
        assert seconds > 0
        self.now += seconds


@given(rate=RATES, burst=BURSTS, gaps=st.lists(st.floats(0, 5), min_size=1, max_size=60))
def test_never_more_than_burst_and_rate_times_time(rate, burst, gaps):
    clock = Clock()
    bucket = TokenBucket(rate, burst, clock.pace())
    taken = []
    for gap in gaps:
        clock.now += gap
        bucket.take()
        taken.append(clock.now)
    for first, begin in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + rate * (taken[last] - begin) + 1e-6


@given(rate=RATES, burst=BURSTS, count=st.integers(1, 60))
def test_nobody_waits_longer_than_the_rate_demands(rate, burst, count):
    clock = Clock()
    bucket = TokenBucket(rate, burst, clock.pace())
    for _ in range(count):
        bucket.take()
    assert clock.now == pytest.approx(max(0, count - burst) / rate)


@given(rate=RATES, burst=BURSTS, seconds=st.floats(0, 100), taken=st.integers(0, 30))
def test_a_hold_lets_nobody_through_before_its_end(rate, burst, seconds, taken):
    clock = Clock()
    bucket = TokenBucket(rate, burst, clock.pace())
    for _ in range(taken):
        bucket.take()
    began = clock.now
    bucket.hold(seconds)
    bucket.take()
    assert clock.now >= began + seconds - 1e-6


def test_threads_share_the_tokens():
    waits, lock = [], threading.Lock()

    def sleep(seconds):
        with lock:
            waits.append(seconds)

    bucket = TokenBucket(2.0, 5, Pace(monotonic=lambda: 0.0, sleep=sleep, jitter=random.Random(0)))
    threads = [threading.Thread(target=lambda: [bucket.take() for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # 40 takers, 5 at once, the others half a second apart
    assert sorted(waits) == pytest.approx([number / 2 for number in range(1, 36)])


@given(attempt=st.integers(0, 40), seed=st.integers(0, 2**32))
def test_jitter_is_between_nothing_and_the_bound(attempt, seed):
    backoff = Backoff(retries=4, first=1.0, longest=30.0)
    pause = backoff.pause(attempt, Pace(jitter=random.Random(seed)))
    assert 0 <= pause <= min(30.0, 2.0**attempt)


def test_jitter_fills_its_range():
    pace = Pace(jitter=random.Random(1))
    drawn = [Backoff(retries=4).pause(3, pace) for _ in range(200)]
    assert min(drawn) < 1
    assert max(drawn) > 7


def test_sources_of_one_process_share_one_bucket_unless_time_is_their_own():
    one, _ = shared_bucket(2.0, 5, None)
    assert shared_bucket(2.0, 5, None)[0] is one
    assert shared_bucket(2.0, 5, Pace())[0] is not one
