"""Files that are replaced as a whole: a reader sees the old or the new content, never a part of it."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4


def write_atomically(path: Path, content: str | bytes, *, mode: int | None = None) -> None:
    """Write a file beside its place and move it there; folders that are missing are made.

    A process that is killed meanwhile leaves the old content, and any number of writers may write at once: the last
    one to finish wins.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    content : str or bytes
        Its new content; text is stored as UTF-8.
    mode : int, optional
        Permission bits the file has from its first byte on, such as 0o600 for secrets; what the process's umask
        leaves of 0o666 by default.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}-{uuid4().hex[:8]}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_if_changed(path: Path, text: str) -> bool:
    """Write a text file atomically unless it has this content already; return whether it was written."""
    if path.exists() and path.read_bytes() == text.encode():
        return False
    write_atomically(path, text)
    return True
