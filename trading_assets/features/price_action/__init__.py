"""Price action: returns, ratios, gaps and their changes, from a name's own bars.

Here: the catalogue of the set, and its values.
Not here: indicators (`technical`), estimators of volatility (`volatility`).
"""
