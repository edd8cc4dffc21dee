"""Estimators of volatility from closes and from the range of a bar.

Here: the catalogue of the set, and its values.
Not here: indicators such as the average true range (`technical`), skewness and kurtosis (`statistical`).
"""
