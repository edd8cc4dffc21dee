"""One run at a time on a lake by commands; what the daemon and the web UI start is queued by Dagster."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO

from trading_assets.desk.clock import now
from trading_assets.desk.settings import Settings
from trading_assets.errors import TradingAssetsError

FILE_NAME = "run.lock"


class AlreadyRunningError(TradingAssetsError):
    """Another command works on the lake; the message says which process and since when."""


@contextmanager
def only_run(settings: Settings, command: str) -> Iterator[None]:
    """Let no other command run on a lake meanwhile.

    The lock is the kernel's, so it ends with the process that holds it, however that ends: a file that is left by a
    killed process stops nobody.

    Raises
    ------
    AlreadyRunningError
        Another command holds it.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / FILE_NAME).open("a+") as file:
        _lock(settings, file, fcntl.LOCK_EX)
        file.truncate(0)
        json.dump({"pid": os.getpid(), "command": command, "since": now().isoformat()}, file)
        file.flush()
        yield
        file.truncate(0)


def require_idle(settings: Settings) -> None:
    """Refuse a lake that another command runs on, before anything is imported or read for a run.

    Raises
    ------
    AlreadyRunningError
        A command runs on it.
    """
    if (settings.home / FILE_NAME).exists():
        with (settings.home / FILE_NAME).open() as file:
            _lock(settings, file, fcntl.LOCK_SH)


def _lock(settings: Settings, file: IO[str], kind: int) -> None:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AlreadyRunningError(_in_words(settings, file)) from None


def _in_words(settings: Settings, file: IO[str]) -> str:
    file.seek(0)
    try:
        holder = json.loads(file.read())
        since = datetime.fromisoformat(holder["since"]).astimezone()
    except (ValueError, KeyError):  # it has just taken the lock, or is about to free it
        return f"another command runs on the lake in {settings.home}; try again once it has ended"
    pid = holder["pid"]
    return (
        f"trading-assets {holder['command']} runs on the lake in {settings.home} already: process {pid}, since "
        f"{since:%Y-%m-%d %H:%M:%S}; wait until it has ended, or end it with: kill {pid}"
    )
