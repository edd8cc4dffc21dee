"""Loading the definitions in a fresh interpreter, beside the same where pandera sees pandas and imports it."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import Comparison, Timing, repeat

_REPETITIONS = 5
_LOAD = "from trading_assets import definitions; definitions.defs"


def _load(folder: Path, program: str) -> Timing:
    """Time whole interpreters; the first, untimed one writes the calendar's facts that later ones read."""
    environment = os.environ | {"TRADING_ASSETS_HOME": str(folder)}

    def start() -> None:
        subprocess.run([sys.executable, "-c", program], env=environment, check=True)

    return repeat(start, _REPETITIONS, warm=True)


def ours(folder: Path) -> Timing:
    """Definitions as they load."""
    return _load(folder, _LOAD)


def with_pandas(folder: Path) -> Timing:
    """Definitions after pandas has been imported, so that it is not hidden from pandera."""
    return _load(folder, f"import pandas; {_LOAD}")


COMPARISONS = (Comparison("load", ours, "the same with pandas visible to pandera", with_pandas),)
