"""Where a broker is and how to identify oneself: settings and keys, which no text form of them shows."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trading_assets.brokers.errors import TradingSettingsError
from trading_assets.portfolio.books import Book

KEYS_FILE = "keys.json"
KEY_VARIABLES = ("ALPACA_KEY_ID", "ALPACA_SECRET_KEY")
KEYS_FILE_VARIABLE = "ALPACA_KEYS_FILE"
URLS = {"paper": "https://paper-api.alpaca.markets", "live": "https://api.alpaca.markets"}
DATA_URL = "https://data.alpaca.markets"


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one account.

    Attributes
    ----------
    broker : {"embedded", "paper", "live"}
        Kind of broker.
    url : str
        Base of the trading API, without a closing slash.
    data_url : str
        Base of the market data API.
    key_id, secret : str
        Credentials; not part of ``repr``.
    """

    broker: str
    url: str
    data_url: str
    key_id: str = field(repr=False)
    secret: str = field(repr=False)


def connection_of(book: Book, home: Path, environment: Mapping[str, str] = os.environ) -> Connection:
    """Connection of a book: the embedded broker's from the lake's folder, Alpaca's from environment or key file.

    Alpaca's keys come from ALPACA_KEY_ID and ALPACA_SECRET_KEY, or from the JSON file that ALPACA_KEYS_FILE names:
    a mapping of book to ``{"key_id": ..., "secret": ...}``, readable by its owner alone.

    Raises
    ------
    TradingSettingsError
        Keys are missing or readable by others, or the embedded broker has no account of the book.
    """
    if book.broker == "embedded":
        path = home / "broker" / KEYS_FILE
        if not path.exists():
            raise TradingSettingsError(
                f"book {book.name!r} trades at the embedded broker, which has never run on this lake; "
                "start it with: trading-assets broker"
            )
        stored = _read_keys(path)
        url, accounts = stored.get("url"), stored.get("accounts")
        if not (isinstance(url, str) and url and isinstance(accounts, dict)):
            raise TradingSettingsError(
                f"the key file {path} has no url and accounts; restart the broker: trading-assets broker"
            )
        keys = _keys_of(book.name, accounts, path)
        return Connection("embedded", url, url, keys["key_id"], keys["secret"])
    if book.broker not in URLS:
        raise TradingSettingsError(f"book {book.name!r} is simulated; it has no account at a broker")
    key_id, secret = (environment.get(name, "") for name in KEY_VARIABLES)
    if not (key_id and secret):
        file = environment.get(KEYS_FILE_VARIABLE)
        if not file:
            raise TradingSettingsError(
                f"book {book.name!r} trades at Alpaca {book.broker}, but there are no keys: set "
                f"{' and '.join(KEY_VARIABLES)}, or {KEYS_FILE_VARIABLE} to a file with mode 0600"
            )
        keys = _keys_of(book.name, _read_keys(Path(file)), Path(file))
        key_id, secret = keys["key_id"], keys["secret"]
    return Connection(book.broker, URLS[book.broker], DATA_URL, key_id, secret)


def save_embedded(home: Path, url: str, accounts: Mapping[str, Mapping[str, str]]) -> Path:
    """Write where the embedded broker is and the keys of its accounts, readable by the owner alone."""
    folder = home / "broker"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / KEYS_FILE
    partial = folder / f"{KEYS_FILE}.{os.getpid()}.partial"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"url": url, "accounts": dict(accounts)}, file)
    partial.replace(path)
    return path


def _read_keys(path: Path) -> dict[str, Any]:
    try:
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise TradingSettingsError(
                f"the key file {path} can be read by others (mode {stat.S_IMODE(mode):04o}); run: chmod 600 {path}"
            )
        content = json.loads(path.read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise TradingSettingsError(f"the key file {path} cannot be read: {type(error).__name__}") from None
    if not isinstance(content, dict):
        raise TradingSettingsError(f"the key file {path} must hold a mapping of book to key_id and secret")
    return content


def _keys_of(book: str, stored: Mapping[str, object], path: Path) -> dict[str, str]:
    keys = stored.get(book)
    if not isinstance(keys, dict) or not {"key_id", "secret"} <= set(keys):
        raise TradingSettingsError(f"the key file {path} has no key_id and secret for the book {book!r}")
    return keys
