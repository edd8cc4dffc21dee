"""The feature matrix: all daily features side by side.

What lives here: the object that models read features through (`matrix`), the view ``features.matrix`` in the lake
(`view`) and its node in the lineage (`assets`).
What not: which features a model learns from, and how it scales them (`trading_assets.models`).
"""
