"""The key file of the embedded broker in the lake's folder: where it listens, and the keys of its accounts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from trading_assets.brokers.alpaca.connection import Connection
from trading_assets.brokers.credentials import keys_of, read_key_file
from trading_assets.brokers.errors import BrokerSettingsError
from trading_assets.files import write_atomically

NAME = "embedded"
KEYS_FILE = "keys.json"


def save_keys(home: Path, url: str, accounts: Mapping[str, Mapping[str, str]]) -> Path:
    """Write where the broker listens and the keys of its accounts by book, readable by the owner alone."""
    path = home / "broker" / KEYS_FILE
    write_atomically(path, json.dumps({"url": url, "accounts": dict(accounts)}), mode=0o600)
    return path


def embedded_connection(book: str, home: Path, environment: Mapping[str, str] | None = None) -> Connection:
    """Connection of a book's account at the embedded broker of a lake; the environment has no part in it.

    Raises
    ------
    BrokerSettingsError
        The broker has never run on this lake, its key file is damaged or readable by others, or it has no account of
        the book.
    """
    del environment
    path = home / "broker" / KEYS_FILE
    if not path.exists():
        raise BrokerSettingsError(
            f"book {book!r} trades at the embedded broker, which has never run on this lake; "
            "start it with: trading-assets broker"
        )
    stored = read_key_file(path)
    url, accounts = stored.get("url"), stored.get("accounts")
    if not (isinstance(url, str) and url and isinstance(accounts, dict)):
        raise BrokerSettingsError(
            f"the key file {path} has no url and accounts; restart the broker: trading-assets broker"
        )
    key_id, secret = keys_of(book, accounts, path)
    return Connection(NAME, url, url, key_id, secret)
