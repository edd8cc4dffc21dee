"""One thread for the libraries below estimators.

Linear algebra (BLAS) has one, because the last bits of its sums depend on their number. That limit applies to the
process, while fits run side by side, and threadpoolctl lets one thread at a time change it. So one thread of this
module sets it for all of them, when the first one begins, and lifts it when the last one has ended. OpenMP has a limit
for each thread that calls it: estimators note the number among what they are stored with, and on busy cores the threads
wait for each other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from trading_assets.models.learner import LearnerError


class _Limit:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._limits = ExitStack()
        self._setter = ThreadPoolExecutor(1, thread_name_prefix="linear-algebra")

    def enter(self) -> None:
        with self._lock:
            self._users += 1
            # Set each time, because a library loaded since then has its own number of threads.
            self._setter.submit(self._set).result()

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._setter.submit(self._limits.close).result()

    def _set(self) -> None:
        from threadpoolctl import ThreadpoolController

        blas = ThreadpoolController().select(user_api="blas")
        self._limits.enter_context(blas.limit(limits=1))
        if any(library["num_threads"] != 1 for library in blas.info()):
            raise LearnerError(
                "something else in this process sets the number of threads of linear algebra (threadpoolctl), which "
                "must be 1 while a model is fitted; end it before"
            )


_LIMIT = _Limit()


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one thread for linear algebra and OpenMP.

    Libraries that are used inside must have been imported before.

    Raises
    ------
    LearnerError
        Another thread of the process sets another number of threads for linear algebra.
    """
    from threadpoolctl import threadpool_limits

    try:
        _LIMIT.enter()
        with threadpool_limits(1, user_api="openmp"):
            yield
    finally:
        _LIMIT.leave()
