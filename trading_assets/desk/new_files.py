"""New files of a user's own work: written only where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from trading_assets.errors import TradingAssetsError


class FileExistsAlreadyError(TradingAssetsError):
    """A file that would be written is there already."""


def write_new(files: Mapping[Path, str]) -> None:
    """Write files that do not exist yet, with their folders.

    Raises
    ------
    FileExistsAlreadyError
        One of them exists; none is written then.
    """
    for path in files:
        if path.exists():
            raise FileExistsAlreadyError(f"{path} is there already; edit it, or choose another name")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
