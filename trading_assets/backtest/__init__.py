"""Backtest: what a book would have ordered, filled, held and earned.

What lives here: `simulate`, which replays a book over the lake's bars with the rules of `execution` and returns its
orders, fills, positions and P&L as frames.
What to put here: replays of books and the tables they fill.
What not: trading rules themselves (`execution`), statistics of a P&L (`reports`).
"""
