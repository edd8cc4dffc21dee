"""Hash of what computes features: with other code or other libraries their values may be others."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

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
    found = hashlib.sha256("\0".join(parts).encode())
    for path in sorted(path for name in _FOLDERS for path in (_PACKAGE / name).rglob("*.py")):
        found.update(str(path.relative_to(_PACKAGE)).encode() + b"\0" + path.read_bytes() + b"\0")
    found.update("\n".join(f"{name} {version(name)}" for name in _LIBRARIES).encode())
    return found.hexdigest()[:32]
