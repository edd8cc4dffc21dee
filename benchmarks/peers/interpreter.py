"""Call a peer's program from the project's interpreter."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import polars as pl

from benchmarks.measure import SkippedError, Timing

_ROOT = Path(__file__).resolve().parents[2]
_PYTHON = _ROOT / ".venv-peers" / "bin" / "python"
_PROCESSES = 2


def timed(program: str, bars: pl.DataFrame, folder: Path) -> Timing:
    """Give the seconds that a program of this package prints for bars, working in two processes.

    Raises
    ------
    SkippedError
        The peers are not installed.
    """
    if not _PYTHON.exists():
        msg = "qlib is not installed: make peers"
        raise SkippedError(msg)
    path = folder / "bars.parquet"
    bars.write_parquet(path)
    command = [str(_PYTHON), "-m", f"benchmarks.peers.{program}", "time", str(path), str(_PROCESSES)]
    printed = subprocess.run(command, cwd=_ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    measured = json.loads(printed.splitlines()[-1])
    return Timing([measured["seconds"]], measured["rows"], {"processor_seconds": measured["processor_seconds"]})
