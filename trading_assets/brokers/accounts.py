"""The accounts of a desk's books at their brokers, and the time that decisions about a book go by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from trading_assets.brokers.alpaca.adapter import Broker
from trading_assets.brokers.alpaca.connection import Connection, connection_of
from trading_assets.brokers.alpaca.hints import FillHints
from trading_assets.desk.desk import Desk
from trading_assets.portfolio.books import Book


class Accounts:
    """Accounts by book, each opened on first use and again when its connection has changed.

    Parameters
    ----------
    connections : mapping of str to Connection, optional
        Where the account of a book is; from the lake's folder and the environment if it is not named here.
    """

    def __init__(self, connections: Mapping[str, Connection] | None = None) -> None:
        self.connections = dict(connections or {})
        self._brokers: dict[str, Broker] = {}
        self._hints: dict[str, tuple[Connection, FillHints]] = {}

    def of(self, desk: Desk, book: Book) -> Broker:
        """The account of a book."""
        connection = self.connections.get(book.name) or connection_of(book, desk.settings.home)
        known = self._brokers.get(book.name)
        if known is None or known.connection != connection:
            self._brokers[book.name] = Broker(connection)
        return self._brokers[book.name]

    def hints(self, desk: Desk, book: Book) -> FillHints:
        """Hints from the stream of a book's account."""
        connection = self.of(desk, book).connection
        if self._hints.get(book.name, (None, None))[0] != connection:
            self._hints[book.name] = (connection, FillHints(connection))
        return self._hints[book.name][1]


def accounts(desk: Desk) -> Accounts:
    """Accounts of a desk, found from its folder and the environment."""
    del desk
    return Accounts()


def broker_of(desk: Desk, book: Book) -> Broker:
    """The account of a book at its broker."""
    return desk.part(accounts).of(desk, book)


def hints_of(desk: Desk, book: Book) -> FillHints:
    """Hints from the stream of a book's account."""
    return desk.part(accounts).hints(desk, book)


def time_of(desk: Desk, book: Book) -> datetime:
    """The time for decisions about a book's orders: that of the desk or, for an embedded broker, its own."""
    if desk.clock is None and book.broker == "embedded":
        return broker_of(desk, book).clock().now
    return desk.now()
