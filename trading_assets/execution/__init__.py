"""Execution: from target weights to orders, fills, positions and cash.

What lives here: the cost model (`costs`), order planning (`orders`), the fill model (`fills`), position accounting
(`accounting`), the chronological ledger that joins them (`ledger`) and the dense arrays it reads (`panel`).
What to put here: pure rules that a simulated and a real account share.
What not: tables and partitions (`backtest`), connections to a broker.
"""
