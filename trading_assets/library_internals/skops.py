"""Private parts of skops: how its archives are made up.

An archive names objects by their address in memory and carries the version that wrote it, so two archives of one
estimator differ. A public API would have to offer a hash of an archive's content, without instantiating what is in it.

`archived_content`
    What identifies the estimator in an archive: ``schema.json`` without ``__id__``, ``protocol`` and
    ``_skops_version``, with the arrays that it refers to by ``file`` replaced by their hashes, and the members of a
    ``SetNode`` in order.
"""

from __future__ import annotations

import json
from hashlib import sha256
from io import BytesIO
from typing import Any
from zipfile import BadZipFile, ZipFile

_NAMES = frozenset({"__id__", "_skops_version", "protocol"})


def archived_content(archive: bytes) -> bytes:
    """Content of an archive, equal for all archives of one estimator; nothing in it is instantiated or imported.

    Raises
    ------
    ValueError
        The bytes are not an archive.
    """
    try:
        with ZipFile(BytesIO(archive)) as opened:
            return _text(_canonical(json.loads(opened.read("schema.json")), opened)).encode()
    except (BadZipFile, KeyError, TypeError) as error:
        raise ValueError(f"not an archive of skops: {error}") from error


def _text(node: Any) -> str:
    return json.dumps(node, sort_keys=True)


def _canonical(node: Any, archive: ZipFile) -> Any:
    if isinstance(node, list):
        return [_canonical(one, archive) for one in node]
    if not isinstance(node, dict):
        return node
    found = {name: _canonical(value, archive) for name, value in node.items() if name not in _NAMES}
    if node.get("type") == "numpy":
        found["file"] = sha256(archive.read(node["file"])).hexdigest()
    if node.get("__loader__") == "SetNode":
        found["content"].sort(key=_text)
    return found
