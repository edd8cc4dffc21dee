"""Signals: one score per name, session and strategy.

What lives here: the strategies of the desk by name (`strategies`) and the rules from predictions to scores.
What to put here: strategies; a score is comparable within its session, from -1 (worst) to 1 (best).
What not: how much of a name to hold (`portfolio`).
"""
