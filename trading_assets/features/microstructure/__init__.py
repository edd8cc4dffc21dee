"""Microstructure: spreads, price impact, order flow and volume of bars within sessions.

Here: the catalogue of the set, its values, and the windows that weight prices by volume.
Not here: indicators of volume that exist for daily bars too (`technical`), the time of day (`calendar`).
"""
