"""A program that sends a session's orders and is killed on the way: one process per life, forked from this one.

It reads a line of JSON per life and answers with the names of the steps that the life reached and how it ended.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from trading_assets.brokers.alpaca.adapter import AlpacaBroker
from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import Settings
from trading_assets.lake.store._connecting import import_extensions
from trading_assets.live import submissions, switch
from trading_assets.live.submissions import LakeJournal
from trading_assets_tests.live._crashes import Stepping, Steps

_GATEWAY = ("submit", "order_of", "clock", "account", "positions", "open_orders", "latest_prices", "untradable")


class Submitter:
    """The program, for a test.

    Parameters
    ----------
    folder : pathlib.Path
        Where lives write the steps that they reach.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def live(self, settings: dict[str, Any], killed_at: int | None = None) -> tuple[list[str], int]:
        """Send once; returns the names of the steps and the exit status, minus the signal if it was killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        reached, order = self._folder / "reached", self._folder / "life.pickle"
        reached.write_text("")
        order.write_bytes(pickle.dumps({**settings, "killed_at": killed_at, "reached": reached}))
        self._process.stdin.write(f"{json.dumps(str(order))}\n")
        self._process.stdin.flush()
        status = json.loads(self._process.stdout.readline())
        return reached.read_text().split("\n")[:-1], status

    def close(self) -> None:
        self._process.communicate("")


class _WrittenSteps(Steps):
    """Steps that leave their names in a file, because the process may not live to tell."""

    def __init__(self, path: Path, killed_at: int | None) -> None:
        super().__init__({} if killed_at is None else {killed_at: lambda: os.kill(os.getpid(), signal.SIGKILL)})
        self._path = path

    def reach(self, name: str) -> None:
        with self._path.open("a") as file:
            file.write(f"{name}\n")
        super().reach(name)


class _SteppingJournal(Stepping):
    """A journal whose lock is a step as well."""

    @contextmanager
    def alone(self):
        with self._inner.alone():
            self._steps.reach("alone")
            yield


def _send(settings: dict[str, Any]) -> None:
    steps = _WrittenSteps(settings["reached"], settings["killed_at"])
    submissions.LakeJournal = lambda *values: _SteppingJournal(LakeJournal(*values), steps, ("load", "save"))
    decisions = Stepping(SimpleNamespace(**vars(switch)), steps, ("why_stopped", "record"))
    switch.why_stopped, switch.record = decisions.why_stopped, decisions.record
    broker = Stepping(AlpacaBroker(settings["connection"]), steps, _GATEWAY)
    submissions.broker_of = lambda *_: broker
    desk = Desk(
        Settings(home=settings["reached"].parent, exchange="XNYS", trading="send"), clock=lambda: settings["now"]
    )
    desk.__dict__["lake"] = settings["lake"]
    submissions.send_session(
        desk, settings["book"], settings["session"], settings["orders"], run_id="test", retry_rejected=False
    )


def main() -> None:
    """Fork for each line, and say how the child ended; what a life imports is imported before, what it opens is not."""
    import alpaca.data.historical.stock
    import alpaca.data.requests
    import alpaca.trading.client  # noqa: F401

    import_extensions()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _send(pickle.loads(Path(json.loads(line)).read_bytes()))
            os._exit(0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
