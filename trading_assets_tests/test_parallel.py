"""Work side by side: results in order, one pool for all levels, errors that leave nothing running."""

import threading
import time

import pytest

from trading_assets.parallel import map_ordered


def test_results_come_in_the_order_of_the_items():
    def slower_first(number):
        time.sleep(0.02 * (3 - number))
        return number * 10

    assert list(map_ordered(slower_first, range(4))) == [0, 10, 20, 30]


def test_two_are_computed_at_a_time():
    both = threading.Barrier(2, timeout=10)
    assert list(map_ordered(lambda _: both.wait() >= 0, range(4))) == [True] * 4


def test_no_more_than_the_workers_are_computed_at_a_time_at_all_levels_together():
    lock, running, most = threading.Lock(), set(), []

    def leaf(number):
        with lock:
            running.add(threading.get_ident())
            most.append(len(running))
        time.sleep(0.01)
        with lock:
            running.discard(threading.get_ident())
        return number

    def inner(number):
        return list(map_ordered(leaf, range(number, number + 3)))

    def outer(number):
        return list(map_ordered(inner, range(number, number + 2)))

    found = list(map_ordered(outer, [0, 10, 20]))
    assert found == [[[n, n + 1, n + 2], [n + 1, n + 2, n + 3]] for n in (0, 10, 20)]
    assert max(most) == 2


def test_a_thread_that_has_nothing_left_to_do_helps_one_below():
    threads = set()

    def leaf(_):
        threads.add(threading.get_ident())
        time.sleep(0.05)

    def uneven(number):
        return list(map_ordered(leaf, range(6))) if number else None

    list(map_ordered(uneven, [0, 1]))
    assert len(threads) == 2


def test_one_item_or_one_worker_needs_no_thread():
    here = threading.get_ident()
    assert list(map_ordered(lambda _: threading.get_ident(), [1])) == [here]
    assert list(map_ordered(lambda _: threading.get_ident(), [1, 2], workers=1)) == [here, here]


def test_results_are_handed_out_while_others_are_computed():
    later = threading.Event()
    found = map_ordered(lambda number: number == 0 or later.wait(10), [0, 1])
    assert next(found)
    later.set()
    assert list(found) == [True]


def test_an_error_is_raised_in_its_place_once_nothing_is_running():
    begun, ended = [], []

    def work(number):
        begun.append(number)
        if number == 1:
            msg = "the second one"
            raise ValueError(msg)
        time.sleep(0.05)
        ended.append(number)
        return number

    found = map_ordered(work, range(20))
    assert next(found) == 0
    with pytest.raises(ValueError, match="the second one"):
        next(found)
    assert sorted(begun) == sorted([*ended, 1])
    assert len(begun) < 20
