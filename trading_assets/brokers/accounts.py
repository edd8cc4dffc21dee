"""The accounts of a desk's books at their brokers, and the time by which decisions about a book are made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from trading_assets.brokers.factory import broker_kind, locate_account, make_broker
from trading_assets.brokers.protocol import Broker
from trading_assets.desk.desk import Desk


class TradedBook(Protocol):
    """A book as its broker needs it: its name and the name of its kind of broker."""

    @property
    def name(self) -> str:
        """Name of the book."""

    @property
    def broker(self) -> str:
        """Name of the kind of broker."""


class Accounts:
    """Accounts by book, each opened on first use and again when its connection has changed.

    Parameters
    ----------
    connections : mapping of str to connection, optional
        Where the account of a book is; a book that is not named here is located by its kind of broker.
    """

    def __init__(self, connections: Mapping[str, Any] | None = None) -> None:
        self.connections = dict(connections or {})
        self._opened: dict[str, tuple[Any, Broker]] = {}

    def of(self, desk: Desk, book: TradedBook) -> Broker:
        """The account of a book.

        Raises
        ------
        BrokerSettingsError
            The book is simulated, or the keys of its account are missing.
        """
        connection = self.connections.get(book.name) or locate_account(book.broker, book.name, desk.settings.home)
        known = self._opened.get(book.name)
        if known is None or known[0] != connection:
            if known is not None:
                known[1].close()
            self._opened[book.name] = connection, make_broker(book.broker, connection)
        return self._opened[book.name][1]


def accounts(desk: Desk) -> Accounts:
    """Accounts of a desk, located from its folder and the environment."""
    del desk
    return Accounts()


def broker_of(desk: Desk, book: TradedBook) -> Broker:
    """The account of a book at its broker."""
    return desk.part(accounts).of(desk, book)


def time_of(desk: Desk, book: TradedBook) -> datetime:
    """The time for decisions about a book's orders: the desk's or, where its broker simulates time, the broker's."""
    if desk.clock is None and broker_kind(book.broker).is_simulated_time:
        return broker_of(desk, book).clock().now
    return desk.now()
