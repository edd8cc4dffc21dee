"""Work that runs side by side in threads: one pool for a call and for all calls below it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# DuckDB, Polars and compiled loops work outside Python's lock but have serial stretches of their own: two threads fill
# those, more add memory without adding speed.
WORKERS = 2
_current = threading.local()


def map_ordered(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int = WORKERS
) -> Iterator[Result]:
    """Results of a function for each item, in the order of the items, several being computed at a time.

    Called from a function that itself runs under `map_ordered`, it uses the threads of that outer call, whatever
    `workers` says: nesting never multiplies threads. The calls begin when the first result is taken.

    Parameters
    ----------
    function : callable
        Called in another thread; no result may depend on the order of the calls.
    items : iterable
        What it is called with.
    workers : int
        Largest number of calls at a time.

    Yields
    ------
    object
        One result per item. An error of the function is raised in place of its result, once no call is running any
        more; items not yet begun are then left out.
    """
    wanted = list(items)
    outer: ThreadPoolExecutor | None = getattr(_current, "pool", None)
    if len(wanted) < 2 or workers < 2:  # noqa: PLR2004 - nothing runs side by side
        yield from map(function, wanted)
    elif outer is not None:
        yield from _Calls(function, wanted).results(outer, helpers=workers - 1, takes_part=True)
    else:
        with ThreadPoolExecutor(workers) as pool:
            yield from _Calls(function, wanted).results(pool, helpers=workers, takes_part=False)


class _Calls(Generic[Item, Result]):
    """Calls of one function, each made by the first thread that is free."""

    def __init__(self, function: Callable[[Item], Result], items: Sequence[Item]) -> None:
        self._function = function
        self._answers: list[Future[Result]] = [Future() for _ in items]
        self._waiting = deque(zip(items, self._answers, strict=True))

    def results(self, pool: ThreadPoolExecutor, *, helpers: int, takes_part: bool) -> Iterator[Result]:
        """Results in order, from threads of a pool; a caller that is one of them takes part."""
        running = [pool.submit(self._make, pool) for _ in range(min(helpers, len(self._answers)))]
        try:
            if takes_part:
                self._make(pool)
            for answer in self._answers:
                yield answer.result()
        finally:
            self._waiting.clear()
            wait([one for one in running if not one.cancel()])

    def _make(self, pool: ThreadPoolExecutor) -> None:
        _current.pool = pool
        with suppress(IndexError):  # nothing is left
            while True:
                self._answer(*self._waiting.popleft())

    def _answer(self, item: Item, answer: Future[Result]) -> None:
        try:
            answer.set_result(self._function(item))
        except BaseException as error:  # noqa: BLE001 - raised where the result is taken
            self._waiting.clear()
            answer.set_exception(error)
