"""Live: the orders of a book at a broker, and their outcome.

What lives here, along the path of an order: what a session trades (`orders`), what must hold before (`permit`), the
sink that sends exactly once (`sink`, over the journal of `submissions`); what the broker booked (`fills`), the desk's
own account of it (`account`) at each close (`closing`), its comparison with the backtest (`parity`), and the kill
switch with the record of every decision (`switch`).
What to put here: what only an account at a broker needs.
What not: trading rules that a backtest shares (`execution`), connections to a broker (`brokers`).
"""

from trading_assets.live.contract import ACTIVITIES, FILLS, ORDERS, PARITY, PNL, POSITIONS, SUBMISSIONS
from trading_assets.live.errors import LiveError, TradingBlockedError, TradingSettingsError

__all__ = [
    "ACTIVITIES",
    "FILLS",
    "ORDERS",
    "PARITY",
    "PNL",
    "POSITIONS",
    "SUBMISSIONS",
    "LiveError",
    "TradingBlockedError",
    "TradingSettingsError",
]
