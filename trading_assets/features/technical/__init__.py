"""Technical indicators: trend, momentum, volatility and volume of a name's own bars.

Here: the catalogue of the set and its values, a module for each group; what TA-Lib computes is in `series`.
Not here: returns (`price_action`), estimators of volatility (`volatility`), moments and the market (`statistical`).
"""
