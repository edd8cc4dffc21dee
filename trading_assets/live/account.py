"""The desk's own account of a book: what it must hold and own, from its last close and what has happened since.

The broker reports fills and other entries; this module adds them up with the accounting of the backtest
(`execution.accounting`), so that the broker's own totals are something to compare with and never something to copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import polars as pl

from trading_assets.brokers.records import Activity, ActivityKind
from trading_assets.execution.accounting import Account, begin_session, trade
from trading_assets.figures import figure

_CENT, _RELATIVE_CASH_ERROR = 0.01, 1e-6
_SHARE_ERROR = 1e-9
_TAKES_SHARES = (ActivityKind.CASH_IN_LIEU, ActivityKind.REMOVAL)
Amount = TypeVar("Amount", float, pl.Expr)


@dataclass
class BookState:
    """Cash, positions and average prices of a book, and what the session brought.

    Attributes
    ----------
    cash : float
        In currency.
    quantity, average : dict of str to float
        Shares held, signed, and their average price.
    realised, dividends, fees, traded : float
        Of the entries applied so far, in currency.
    """

    cash: float
    quantity: dict[str, float] = field(default_factory=dict)
    average: dict[str, float] = field(default_factory=dict)
    realised: float = 0.0
    dividends: float = 0.0
    fees: float = 0.0
    traded: float = 0.0

    def apply(self, entries: Iterable[Activity], splits: Mapping[str, float], lot_size: float) -> BookState:
        """Apply a session: its splits first, then the broker's entries in their order.

        Parameters
        ----------
        entries : iterable of Activity
            What the broker booked, oldest first.
        splits : mapping of str to float
            New shares per old share of the splits effective before the session's open.
        lot_size : float
            Shares per lot; 0 keeps fractions of a share.
        """
        for symbol, ratio in splits.items():
            if symbol in self.quantity:
                self._split(symbol, ratio, lot_size)
        for entry in entries:
            self._book(entry)
        return self

    def _split(self, symbol: str, ratio: float, lot_size: float) -> None:
        account = self._account_of(symbol)
        begin_session(account, np.array([ratio]), np.zeros(1), lot_size)
        self._store(symbol, account)

    def _book(self, entry: Activity) -> None:
        if entry.kind is ActivityKind.FILL and entry.symbol and entry.price is not None:
            signed = entry.quantity if entry.side == "buy" else -entry.quantity
            self._trade(entry.symbol, signed, entry.price)
            self.traded += entry.quantity * entry.price
            return
        if entry.kind in _TAKES_SHARES and entry.symbol and self.quantity.get(entry.symbol):
            held = self.quantity[entry.symbol]
            removed = -held if entry.kind is ActivityKind.REMOVAL else entry.quantity
            price = abs(entry.amount / removed) if removed else 0.0
            self._trade(entry.symbol, removed, price)
            return
        if entry.kind is ActivityKind.FEE:
            self.fees -= entry.amount
        elif entry.kind is ActivityKind.DIVIDEND:
            self.dividends += entry.amount
        self.cash += entry.amount

    def _trade(self, symbol: str, signed: float, price: float) -> None:
        account = self._account_of(symbol)
        self.realised += trade(account, 0, signed, price, 0.0)
        self.cash = float(account.cash[0])
        self._store(symbol, account)

    def _account_of(self, symbol: str) -> Account:
        one = np.zeros(1)
        return Account(
            np.array([self.cash]),
            np.array([self.quantity.get(symbol, 0.0)]),
            np.array([self.average.get(symbol, 0.0)]),
            np.ones(1),
            one.copy(),
            one.copy(),
        )

    def _store(self, symbol: str, account: Account) -> None:
        quantity = float(account.quantity[0])
        if abs(quantity) < _SHARE_ERROR:
            self.quantity.pop(symbol, None)
            self.average.pop(symbol, None)
        else:
            self.quantity[symbol] = quantity
            self.average[symbol] = float(account.average[0])


def position_mismatches(own: Mapping[str, float], broker: Mapping[str, float]) -> list[str]:
    """What two accounts of the positions disagree about, in words."""
    return [
        f"{symbol}: the book should hold {figure(own.get(symbol, 0.0))}, "
        f"the broker holds {figure(broker.get(symbol, 0.0))}"
        for symbol in sorted({*own, *broker})
        if abs(own.get(symbol, 0.0) - broker.get(symbol, 0.0)) > share_tolerance(own.get(symbol, 0.0))
    ]


def cash_tolerance(cash: Amount) -> Amount:
    """By how much two accounts may differ in cash before they disagree: a cent, and a millionth of it."""
    return _CENT + _RELATIVE_CASH_ERROR * abs(cash)


def share_tolerance(quantity: Amount) -> Amount:
    """By how much two accounts may differ in shares before they disagree: what sums of fractions are rounded by."""
    return _SHARE_ERROR * (1 + abs(quantity))
