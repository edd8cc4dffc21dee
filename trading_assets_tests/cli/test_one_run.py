"""One command at a time runs on a lake, and a command that was killed stops no later one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trading_assets.cli.one_run import FILE_NAME, AlreadyRunningError, only_run, require_idle
from trading_assets.desk.settings import Settings

HOLDER = """
import sys, time
from pathlib import Path
from trading_assets.cli.one_run import only_run
from trading_assets.desk.settings import Settings
with only_run(Settings(home=Path(sys.argv[1])), "demo"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_the_second_is_told_who_runs_and_since_when_and_a_killed_one_stops_nobody(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "lake")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(settings.home)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        said = rf"trading-assets demo runs on the lake in {settings.home} already: process {holder.pid}, since 20.*kill"
        with pytest.raises(AlreadyRunningError, match=said):
            require_idle(settings)
        with pytest.raises(AlreadyRunningError, match=said), only_run(settings, "replay"):
            pytest.fail("two run at once")
        holder.kill()
    assert (settings.home / FILE_NAME).read_text()
    require_idle(settings)
    with only_run(settings, "replay"):
        assert json.loads((settings.home / FILE_NAME).read_text())["pid"] == os.getpid()


def test_a_lake_is_free_again_after_a_run_that_failed(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with pytest.raises(ZeroDivisionError), only_run(settings, "demo"):
        1 / 0  # noqa: B018
    require_idle(settings)
    with only_run(settings, "demo"):
        pass
