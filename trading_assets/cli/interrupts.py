"""Ctrl-C and a request to end: one line, then the process is gone within seconds, whatever its threads compute.

Python runs signal handlers in the main thread, between two of its own instructions: while that thread trains a model in
C code, or waits for threads that do, nothing happens for minutes. What the operating system writes to a pipe at once
(`signal.set_wakeup_fd`) is read by a thread of its own here, which ends the process without unwinding it. That loses
nothing: a write to the lake is one transaction, a file is moved to its place when it is whole.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "asked to end"}
_CLEANING_SECONDS = 1.5
_before_end: list[Callable[[], object]] = []
_left_to_command = threading.Event()
_is_ending = threading.Event()


@contextmanager
def ends_at_once() -> Iterator[None]:
    """End the process within seconds of Ctrl-C (exit code 130) or of a request to end (143)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    read, write = os.pipe()
    os.set_blocking(write, False)
    _left_to_command.clear()
    # A handler has to be there for the pipe to be written to; what happens is done by the thread.
    before = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
    old = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    watcher = threading.Thread(target=_watch, args=(read,), name="interrupts", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        if _is_ending.is_set():  # this thread fails because the other one takes everything down
            time.sleep(60)
        signal.set_wakeup_fd(old)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(write)
        watcher.join()


def leave_to_command() -> None:
    """Leave these signals to the command from now on, which waits for them itself and ends in order."""
    _left_to_command.set()


@contextmanager
def before_end(clean: Callable[[], object]) -> Iterator[None]:
    """Call a function before the process ends by a signal; it has a second and a half."""
    _before_end.append(clean)
    try:
        yield
    finally:
        _before_end.remove(clean)


def _watch(pipe: int) -> None:
    while numbers := os.read(pipe, 64):
        found = [signal.Signals(number) for number in numbers if number in _SIGNALS]
        if found and not _left_to_command.is_set():
            _end(found[0])
    os.close(pipe)


def _end(number: signal.Signals) -> None:
    _is_ending.set()
    os.write(2, f"{_WORDS[number]}: what was finished is kept, and the same command goes on from there\n".encode())
    silence = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):  # the other threads fail now, each with a traceback of its own
        os.dup2(silence, descriptor)
    cleaning = threading.Thread(target=_clean, daemon=True)
    cleaning.start()
    cleaning.join(_CLEANING_SECONDS)
    _kill_children()
    os._exit(128 + number)


def _clean() -> None:
    from trading_assets.lake.postgres.url import release_held

    for one in (*reversed(_before_end), release_held):
        with suppress(Exception):
            one()


def _kill_children() -> None:
    """Kill what this process started, but for a ``pg_ctl`` that is stopping the server: it ends by itself."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if child.name() not in {"pg_ctl", "postgres"}:
                child.kill()
