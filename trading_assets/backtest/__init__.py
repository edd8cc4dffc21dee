"""Backtest: what a book would have ordered, filled, held and earned.

What lives here: `simulate`, which replays a book over the lake's bars with the rules of `execution`; the chronological
loop it runs (`ledger`), the dense arrays that the loop reads (`panel`), what it writes (`records`) and the frames made
of that (`frames`).
What to put here: replays of books and the tables they fill.
What not: trading rules themselves (`execution`), statistics of a P&L (`reports`).
"""

from trading_assets.backtest.contract import FILLS, ORDERS, PNL, POSITIONS

__all__ = ["FILLS", "ORDERS", "PNL", "POSITIONS"]
