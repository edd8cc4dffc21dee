"""The accounts of the broker: money, positions and trading rules of each, in the terms of the backtest's ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import nan
from typing import Any

import numpy as np

from trading_assets.execution.accounting import Account
from trading_assets.execution.models import ExecutionModels
from trading_assets.execution.roles import TradingRules

DEFAULT_CONFIGURATION = {
    "dtbp_check": "entry",
    "fractional_trading": True,
    "max_margin_multiplier": "4",
    "no_shorting": False,
    "pdt_check": "entry",
    "suspend_trade": False,
    "trade_confirm_email": "all",
    "ptp_no_exception_entry": False,
}


@dataclass
class Position:
    """Shares held (negative for short), their average price, and the last known close in the shares of today."""

    quantity: float = 0.0
    average: float = 0.0
    mark: float = nan


@dataclass
class MarginAccount:
    """An account; `equity_at_close` is what it was worth at the last close, in currency."""

    id: str
    name: str
    number: str
    key_id: str
    secret_hash: str
    is_revoked: bool
    cash: float
    equity_at_close: float
    multiplier: float
    borrowing: float
    max_participation: float
    lot_size: float
    costs: ExecutionModels
    created_at: datetime
    configuration: dict[str, Any] = field(default_factory=lambda: dict(DEFAULT_CONFIGURATION))
    positions: dict[str, Position] = field(default_factory=dict)

    @property
    def available(self) -> float:
        """Cash that buys may spend, in currency: with what the account may borrow on the equity of the last close."""
        return self.cash + self.borrowing * self.equity_at_close

    @property
    def trades_fractions(self) -> bool:
        """Whether its lots have fractions of a share."""
        return self.lot_size == 0 or self.lot_size % 1 != 0

    def rules(self, participation: float | None = None) -> TradingRules:
        """Lots, participation and execution models of its orders."""
        part = self.max_participation if participation is None else participation
        return self.costs.rules(self.lot_size, part)

    def quantity(self, symbol: str) -> float:
        """Shares held of a symbol, signed."""
        position = self.positions.get(symbol)
        return position.quantity if position else 0.0

    def ledger(self, symbols: Sequence[str]) -> Account:
        """The account as the ledger's arrays, one element per symbol."""
        held = [self.positions.get(symbol) or Position() for symbol in symbols]
        quantity, average, mark = (
            np.array([getattr(position, name) for position in held], dtype=np.float64)
            for name in ("quantity", "average", "mark")
        )
        return Account(np.full(1, self.cash), quantity, average, mark, np.zeros(len(held)), np.zeros(len(held)))

    def settle(self, symbols: Sequence[str], ledger: Account) -> None:
        """Copy cash and positions from the ledger's arrays; a position without shares is removed."""
        self.cash = float(ledger.cash[0])
        for j, symbol in enumerate(symbols):
            if ledger.quantity[j] == 0.0:
                self.positions.pop(symbol, None)
            else:
                values = (float(array[j]) for array in (ledger.quantity, ledger.average, ledger.mark))
                self.positions[symbol] = Position(*values)
