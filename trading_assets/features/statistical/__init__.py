"""Statistics of returns: moments, memory, entropy, and how a name moves with the market.

Here: the catalogue of the set, its values, and the return of the market.
Not here: estimators of volatility (`volatility`), ranks among all names (the SQL features).
"""
