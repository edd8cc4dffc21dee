"""Ctrl-C and a request to end: one line and the exit code within three seconds, in the middle of compiled code too."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from trading_assets.lake.postgres import server

TRAINING = """
import subprocess, sys
from pathlib import Path
import lightgbm, numpy
from trading_assets.cli.interrupts import before_end, ends_at_once
from trading_assets.lake.postgres.url import hold_embedded_postgres
folder = Path(sys.argv[1])
with ends_at_once(), before_end(lambda: (folder / "cleaned").touch()):
    hold_embedded_postgres(folder / "pg")
    child = subprocess.Popen(["sleep", "600"])
    rows = numpy.random.default_rng(1).normal(size=(50_000, 50))
    data = lightgbm.Dataset(rows, rows[:, 0], params={"verbosity": -1})
    print(child.pid, flush=True)
    lightgbm.train({"verbosity": -1, "num_threads": 1}, data, num_boost_round=100_000)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_process_in_the_middle_of_training_ends_with_its_children_and_its_server(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", TRAINING, str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    child = int(process.stdout.readline())
    time.sleep(1)

    began = time.monotonic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)

    assert time.monotonic() - began < 3
    assert process.returncode == code
    assert len(errors.splitlines()) == 1
    assert "the same command goes on from there" in errors
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
    assert (tmp_path / "cleaned").exists()
    deadline = time.monotonic() + 10
    while server._state(tmp_path / "pg") is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server._state(tmp_path / "pg") is None
