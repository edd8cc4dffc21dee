"""Where an account that speaks Alpaca's protocol is, and its keys, which no text form of a connection shows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trading_assets.brokers.credentials import keys_of, read_key_file
from trading_assets.brokers.errors import BrokerSettingsError

KEY_VARIABLES = ("ALPACA_KEY_ID", "ALPACA_SECRET_KEY")
KEYS_FILE_VARIABLE = "ALPACA_KEYS_FILE"
URLS = {"paper": "https://paper-api.alpaca.markets", "live": "https://api.alpaca.markets"}
DATA_URL = "https://data.alpaca.markets"


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one account.

    Attributes
    ----------
    broker : str
        Kind of broker, for messages.
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


def connection_of(kind: str, book: str, home: Path, environment: Mapping[str, str] = os.environ) -> Connection:
    """Connection of a book's account at Alpaca.

    The keys come from ALPACA_KEY_ID and ALPACA_SECRET_KEY, or from the JSON file that ALPACA_KEYS_FILE names: a mapping
    of book to ``{"key_id": ..., "secret": ...}``, readable by its owner alone.

    Parameters
    ----------
    kind : {"paper", "live"}
        Kind of account.
    book : str
        Name of the book.
    home : pathlib.Path
        The lake's folder, which has no part in it.
    environment : mapping of str to str
        Environment variables.

    Raises
    ------
    BrokerSettingsError
        Keys are missing or readable by others.
    """
    del home
    key_id, secret = (environment.get(name, "") for name in KEY_VARIABLES)
    if not (key_id and secret):
        file = environment.get(KEYS_FILE_VARIABLE)
        if not file:
            raise BrokerSettingsError(
                f"book {book!r} trades at Alpaca {kind}, but there are no keys: set "
                f"{' and '.join(KEY_VARIABLES)}, or {KEYS_FILE_VARIABLE} to a file with mode 0600"
            )
        key_id, secret = keys_of(book, read_key_file(Path(file)), Path(file))
    return Connection(kind, URLS[kind], DATA_URL, key_id, secret)
