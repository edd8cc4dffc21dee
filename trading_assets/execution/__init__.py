"""Execution: the pure rules that a simulated and a real account share.

What lives here: the cost model (`costs`), order planning (`orders`), the fill model (`fills`), position accounting
(`accounting`) and the limits of a session's orders (`risk`).
What not: the ledger, tables and partitions (`backtest`), connections to a broker (`brokers`).
"""
