"""Hash of source files: results that they computed are stale when it changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def files_stamp(files: Iterable[Path], root: Path) -> str:
    """Hexadecimal SHA-256 of the names, below a folder, and the contents of files, in their order."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
