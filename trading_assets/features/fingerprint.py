"""Hash of everything that computes features: other code or other libraries may give other values."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from trading_assets.desk.source_files import files_stamp

_PACKAGE = Path(__file__).resolve().parents[1]
_FOLDERS = ("features", "point_in_time")
_LIBRARIES = ("duckdb", "exchange_calendars", "numba", "numpy", "polars", "scipy", "ta-lib")


@cache
def fingerprint(*parts: str) -> str:
    """Hash of the code of features, the versions of the libraries it calls, and what else values depend on.

    Parameters
    ----------
    *parts : str
        Further dependencies, such as the calendar or the text of a statement.
    """
    files = sorted(path for name in _FOLDERS for path in (_PACKAGE / name).rglob("*.py"))
    libraries = [f"{name} {version(name)}" for name in _LIBRARIES]
    return hashlib.sha256("\0".join([*parts, *libraries, files_stamp(files, _PACKAGE)]).encode()).hexdigest()[:32]
