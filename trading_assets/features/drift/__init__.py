"""Drift: how the features of a month differ from those of the year before.

What lives here: the figures (`figures`), their table, asset, check and pictures.
What not: drift of a model's predictions or results.
"""
