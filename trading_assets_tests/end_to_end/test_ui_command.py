"""``trading-assets ui`` as a user starts it in a terminal, and as Ctrl-C ends it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from datetime import date
from pathlib import Path

import psutil
import pytest

from trading_assets.desk.settings import Settings
from trading_assets_tests.end_to_end._processes import descendants, environment_of, ui_command, web_ui

pytestmark = pytest.mark.slow

SOURCE = {"kind": "simulated", "n_symbols": 2, "start": date(2018, 1, 2), "end": date(2018, 12, 31)}
NOT_IN_THE_LOG = re.compile(r"deprecat|supersed|(Beta|Preview|User|Future)Warning|Traceback", re.IGNORECASE)


def test_ctrl_c_ends_web_ui_daemon_and_postgres_after_a_quiet_start(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "lake", source=SOURCE, start=date(2018, 1, 1), end=date(2019, 1, 1))
    with web_ui(settings, tmp_path / "ui.log") as ui:
        ui.wait_for("healthy daemon", lambda: _is_healthy(ui.ask(_HEALTH)) or None, timeout=120)
        postmaster = int((settings.home / "postgres" / "postmaster.pid").read_text().split()[0])
        family = [*descendants(ui.process), psutil.Process(postmaster)]
        started = {Path(word).name for process in family for word in process.cmdline()}
        assert {"dagster-webserver", "trading_assets.orchestration.daemon"} <= started
        loud = [line for line in ui.log.read_text().splitlines() if NOT_IN_THE_LOG.search(line)]
        assert not loud, "\n".join(loud)

        # from here on a sensor may find its code server gone before it is told to stop itself
        os.killpg(ui.process.pid, signal.SIGINT)  # a terminal sends Ctrl-C to everything in the foreground

        _, alive = psutil.wait_procs(family, timeout=60)
        assert not alive, f"{alive} are left\n{ui.tail()}"
    assert ui.process.returncode == 0, ui.tail()


def test_a_port_that_is_taken_ends_the_command_with_an_error(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "lake", source=SOURCE, start=date(2018, 1, 1), end=date(2019, 1, 1))
    settings.save()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = subprocess.run(
            ui_command(settings, port),
            env=environment_of(settings),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert f"port {port}" in ended.stderr


_HEALTH = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"


def _is_healthy(answer) -> bool:
    statuses = answer["instance"]["daemonHealth"]["allDaemonStatuses"]
    return all(status["healthy"] for status in statuses if status["required"])
