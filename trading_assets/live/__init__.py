"""Live: the orders of a book at a broker, and what became of them.

What lives here: the sink that sends a session's orders exactly once (`sink`), the plan it sends (`plan`), the fills,
positions and P&L that a broker reports, their comparison with the backtest (`parity`), the kill switch and the record
of every decision (`audit`), and the connections to brokers (`brokers`).
What to put here: what only an account at a broker needs.
What not: trading rules that a backtest shares (`execution`).
"""
