"""Files with the keys of accounts: JSON by book, readable by their owner alone; no message shows what is in them."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trading_assets.brokers.errors import BrokerSettingsError


def read_key_file(path: Path) -> dict[str, Any]:
    """Content of a key file.

    Raises
    ------
    BrokerSettingsError
        It is not there, is not a JSON object, or can be read by others.
    """
    try:
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise BrokerSettingsError(
                f"the key file {path} can be read by others (mode {stat.S_IMODE(mode):04o}); run: chmod 600 {path}"
            )
        content = json.loads(path.read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise BrokerSettingsError(f"the key file {path} cannot be read: {type(error).__name__}") from None
    if not isinstance(content, dict):
        raise BrokerSettingsError(f"the key file {path} must hold a mapping of book to key_id and secret")
    return content


def keys_of(book: str, stored: Mapping[str, object], path: Path) -> tuple[str, str]:
    """Key id and secret of a book.

    Raises
    ------
    BrokerSettingsError
        The file has none.
    """
    keys = stored.get(book)
    if not isinstance(keys, dict) or not {"key_id", "secret"} <= set(keys):
        raise BrokerSettingsError(f"the key file {path} has no key_id and secret for the book {book!r}")
    return keys["key_id"], keys["secret"]
