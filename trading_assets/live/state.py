"""The desk's own account of a book: what it must hold and own, from its last close and what has happened since.

The broker reports fills and other entries; this module adds them up with the accounting of the backtest
(`execution.accounting`), so that the broker's own totals are something to compare with and never something to copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from trading_assets.brokers.records import Activity
from trading_assets.execution.accounting import Account, begin_session, trade
from trading_assets.live.tolerances import SHARE_ERROR, share_tolerance

FILL = "FILL"
FEES = ("FEE", "CFEE", "PTC")
DIVIDENDS = ("DIV", "DIVCGL", "DIVCGS", "DIVNRA", "DIVROC", "DIVTXEX")
# Entries that take shares out of the account besides fills: a fraction paid in cash, a merger or delisting.
_REMOVALS = ("CIL", "MA")


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
        if entry.kind == FILL and entry.symbol and entry.price is not None:
            signed = entry.quantity if entry.side == "buy" else -entry.quantity
            self._trade(entry.symbol, signed, entry.price)
            self.traded += entry.quantity * entry.price
            return
        if entry.kind in _REMOVALS and entry.symbol and self.quantity.get(entry.symbol):
            held = self.quantity[entry.symbol]
            removed = -held if entry.kind == "MA" else entry.quantity
            price = abs(entry.amount / removed) if removed else 0.0
            self._trade(entry.symbol, removed, price)
            return
        if entry.kind in FEES:
            self.fees -= entry.amount
        elif entry.kind in DIVIDENDS:
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
        if abs(quantity) < SHARE_ERROR:
            self.quantity.pop(symbol, None)
            self.average.pop(symbol, None)
        else:
            self.quantity[symbol] = quantity
            self.average[symbol] = float(account.average[0])


def splits_between(actions: pl.DataFrame, after: date, until: date) -> dict[str, float]:
    """New shares per old share, per symbol, of the splits with an ex-date in (after, until]."""
    found = actions.filter((pl.col("kind") == "split") & (pl.col("ex_date") > after) & (pl.col("ex_date") <= until))
    return dict(found.group_by("symbol").agg(pl.col("value").product()).sort("symbol").iter_rows())


def last_closes(bars: pl.DataFrame, actions: pl.DataFrame, session: date) -> pl.DataFrame:
    """Last known close of each symbol up to a session, in the shares of that session.

    Parameters
    ----------
    bars, actions : polars.DataFrame
        `symbol, date, close` and `symbol, ex_date, kind, value`.
    session : datetime.date
        The session; later rows are left out.

    Returns
    -------
    polars.DataFrame
        `symbol, date, close`, one row per symbol; `date` is that of its bar.
    """
    known = bars.filter(pl.col("date") <= session).drop_nulls("close").sort("symbol", "date")
    newest = known.group_by("symbol", maintain_order=True).last().select("symbol", "date", "close")
    splits = actions.filter((pl.col("kind") == "split") & (pl.col("ex_date") <= session))
    since = newest.join(splits, on="symbol").filter(pl.col("ex_date") > pl.col("date"))
    ratios = since.group_by("symbol").agg(ratio=pl.col("value").product())
    return newest.join(ratios, on="symbol", how="left", maintain_order="left").select(
        "symbol", "date", close=pl.col("close") / pl.col("ratio").fill_null(1.0)
    )


def position_mismatches(own: Mapping[str, float], broker: Mapping[str, float]) -> list[str]:
    """What two accounts of the positions disagree about, in words."""
    return [
        f"{symbol}: the book should hold {own.get(symbol, 0.0):g}, the broker holds {broker.get(symbol, 0.0):g}"
        for symbol in sorted({*own, *broker})
        if abs(own.get(symbol, 0.0) - broker.get(symbol, 0.0)) > share_tolerance(own.get(symbol, 0.0))
    ]
