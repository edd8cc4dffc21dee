"""The rate limit of remote sources, as laws."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.market_data.sources._limiter import RateLimiter, Timing, shared_limiter

RATES = st.floats(0.1, 50)
BURSTS = st.integers(1, 20)


class Clock:
    def __init__(self):
        self.now = 0.0

    def timing(self):
        return Timing(monotonic=lambda: self.now, sleep=self.sleep)

    def sleep(self, seconds):
        assert seconds > 0
        self.now += seconds


@given(rate=RATES, burst=BURSTS, gaps=st.lists(st.floats(0, 5), min_size=1, max_size=60))
def test_never_more_than_burst_and_rate_times_time(rate, burst, gaps):
    clock = Clock()
    limiter = RateLimiter(rate, burst, clock.timing())
    acquired = []
    for gap in gaps:
        clock.now += gap
        limiter.acquire()
        acquired.append(clock.now)
    for first, begin in enumerate(acquired):
        for last in range(first, len(acquired)):
            assert last - first + 1 <= burst + rate * (acquired[last] - begin) + 1e-6


@given(rate=RATES, burst=BURSTS, count=st.integers(1, 60))
def test_nobody_waits_longer_than_the_rate_demands(rate, burst, count):
    clock = Clock()
    limiter = RateLimiter(rate, burst, clock.timing())
    for _ in range(count):
        limiter.acquire()
    assert clock.now == pytest.approx(max(0, count - burst) / rate)


@given(rate=RATES, burst=BURSTS, seconds=st.floats(0, 100), acquired=st.integers(0, 30))
def test_a_hold_lets_nobody_through_before_its_end(rate, burst, seconds, acquired):
    clock = Clock()
    limiter = RateLimiter(rate, burst, clock.timing())
    for _ in range(acquired):
        limiter.acquire()
    began = clock.now
    limiter.hold(seconds)
    limiter.acquire()
    assert clock.now >= began + seconds - 1e-6


def test_threads_share_the_tokens():
    waits, lock = [], threading.Lock()

    def sleep(seconds):
        with lock:
            waits.append(seconds)

    limiter = RateLimiter(2.0, 5, Timing(monotonic=lambda: 0.0, sleep=sleep))
    threads = [threading.Thread(target=lambda: [limiter.acquire() for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # 40 requests, 5 at once, the others half a second apart
    assert sorted(waits) == pytest.approx([number / 2 for number in range(1, 36)])


def test_sources_of_one_process_share_a_limiter_unless_they_have_their_own_timing():
    one, _ = shared_limiter(2.0, 5, None)
    assert shared_limiter(2.0, 5, None)[0] is one
    assert shared_limiter(2.0, 5, Timing())[0] is not one
